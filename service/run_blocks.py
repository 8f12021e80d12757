"""What workers hand one another during a run: blocks of people to be grouped, and the groups found, as JSON.

Ids, codes and numbers only. A part holds several blocks, so that a run of a city is some hundred parts, not thousands.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from pydantic import TypeAdapter

from models.errors import ModelError
from models.match import Block, Group, Theme

PART_PEOPLE: Final = 200
"""People in a part: some seconds of work, so that a worker that dies costs little and the last one is soon done."""

_GROUPS: Final = TypeAdapter(list[Group])
_TASK: Final = TypeAdapter(list[tuple[Theme, Block]])


def parts(blocks: Sequence[Block], themes: Mapping[str, Theme]) -> list[dict[str, Any]]:
    """The blocks, in order, a few at a time, with what has to be known of their themes."""
    bundles: list[list[Block]] = []
    people = PART_PEOPLE
    for block in blocks:
        if people >= PART_PEOPLE:
            bundles.append([])
            people = 0
        bundles[-1].append(block)
        people += len(block.members)
    return [{"blocks": _TASK.dump_python([_bare(themes, one) for one in bundle], mode="json")} for bundle in bundles]


def _bare(themes: Mapping[str, Theme], block: Block) -> tuple[Theme, Block]:
    """A block with its theme, whose members are not needed to group some of them."""
    theme = themes[block.theme_id]
    return Theme(theme.id, theme.label, theme.perspective, ()), block


def blocks_of(task: Mapping[str, Any]) -> list[tuple[Theme, Block]]:
    """The blocks of a part."""
    return _TASK.validate_python(task["blocks"])


def members_of(task: Mapping[str, Any]) -> list[UUID]:
    """Ids of all needs in a part."""
    return [UUID(member) for _, block in blocks_of(task) for member in block.members]


def found(groups: Iterable[Group], failed: Sequence[ModelError] = ()) -> dict[str, Any]:
    """The result of a part. `failed`: what went wrong in single blocks, which holds up no other."""
    return {
        "groups": _GROUPS.dump_python(list(groups), mode="json"),
        "failed": [{"code": error.code, "params": dict(error.params)} for error in failed],
    }


def groups_of(results: Iterable[Mapping[str, Any]]) -> tuple[list[Group], list[ModelError]]:
    """The groups of all parts in order, and what went wrong."""
    groups: list[Group] = []
    failed: list[ModelError] = []
    for result in results:
        groups += _GROUPS.validate_python(result["groups"])
        failed += [ModelError(one["code"], **one["params"]) for one in result["failed"]]
    return groups, failed
