"""People without a group: what a run found that would help them, stored for who can do something about it."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from models.plan import Reason, Ungrouped
from service.db import Connection
from service.domain import MunicipalityId, NeedId, RunId, ThemeId
from service.queries import waiting as rows


async def store_advice(
    conn: Connection,
    municipality: MunicipalityId,
    run_id: RunId,
    left: Iterable[Ungrouped],
    advice: Mapping[ThemeId, Sequence[Reason]],
) -> None:
    """Store why each of these has no group and what would help, and what would help each theme.

    In the caller's transaction. `advice` is that of the plan, by the lasting id of the theme; `service.themes.store`
    came before.
    """
    await rows.insert_ungrouped(
        conn,
        municipality,
        run_id,
        [
            rows.NewUngrouped(
                NeedId(UUID(one.id)), one.reason.code, one.reason.params, as_rows(one.alternatives), one.raised
            )
            for one in left
        ],
    )
    await rows.insert_theme_advice(
        conn, municipality, run_id, {theme: as_rows(reasons) for theme, reasons in advice.items()}
    )


def as_rows(reasons: Sequence[Reason]) -> list[dict[str, object]]:
    """Reasons are stored as code and parameters; `service.wording` makes sentences of them."""
    return [{"code": reason.code, "params": dict(reason.params)} for reason in reasons]
