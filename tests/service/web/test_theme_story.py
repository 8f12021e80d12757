"""What happened to a theme, in sentences: every kind has one, from each side that can read it."""

import re
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest

from models.need import Perspective
from service.domain import ThemeId
from service.queries.theme_pages import Event, Name
from service.web import theme_story

ONE, OTHER = ThemeId(UUID(int=1)), ThemeId(UUID(int=2))
NAMES = {ONE: Name(ONE, "Mantelzorg", Perspective.CHILD), OTHER: Name(OTHER, "Thema 2", Perspective.PARTNER)}


def event(kind: str, others: tuple[ThemeId, ...] = (), by: str | None = None, **params: int) -> Event:
    return Event(1, ONE, None, datetime(2026, 11, 23, tzinfo=UTC), kind, others, dict(params), by)


@pytest.mark.parametrize(
    ("happened", "sentence"),
    [
        (event("born", size=8), "Het thema is nieuw. Hulpvragen: 8."),
        (event("returned", size=5), "Het thema was even weg en is terug. Hulpvragen: 5."),
        (event("grew", was=8, size=14), "Het thema groeide: van 8 naar 14 hulpvragen."),
        (event("shrank", was=4, size=1), "Het thema werd kleiner. Hulpvragen: eerst 4, nu 1."),
        (event("ended", left=5, scattered=0), "Het thema is voorbij. Hulpvragen die nu niet meer meedoen: 5."),
        (
            event("ended", left=0, scattered=3),
            "Het thema is voorbij. Hulpvragen die nu los staan of bij een ander thema horen: 3.",
        ),
        (event("ended", left=0, scattered=0), "Het thema is voorbij."),
        (event("mixing_on", by="Bilal"), "Bilal zette aan dat ook anderen mogen meedoen."),
        (event("mixing_off", by="Bilal"), "Bilal zette uit dat ook anderen mogen meedoen."),
        (event("something of a later version", size=3), "Er veranderde iets."),
    ],
)
def test_an_event_is_a_sentence(happened: Event, sentence: str) -> None:
    told = theme_story.told(happened, NAMES)
    assert (told.theme, told.sentence, told.others) == (NAMES[ONE], sentence, ())


@pytest.mark.parametrize(
    ("happened", "here", "there"),
    [
        (
            event("merged", (OTHER,), size=11),
            "Samen zijn er nu 11 hulpvragen. Dit thema ging samen met:",
            "Het thema ging op in:",
        ),
        (
            event("split", (OTHER,), was=12, size=7),
            "Hulpvragen: eerst 12, nu 7. Een deel hoort nu bij:",
            "Een deel van de hulpvragen komt uit:",
        ),
        (
            event("split", (OTHER,), was=12),
            "Het thema viel uiteen. De hulpvragen horen nu bij:",
            "Een deel van de hulpvragen komt uit:",
        ),
    ],
)
def test_what_two_themes_share_reads_from_both_sides(happened: Event, here: str, there: str) -> None:
    own, theirs = (theme_story.told(happened, NAMES, of) for of in (ONE, OTHER))
    assert (own.theme.id, own.sentence, [other.id for other in own.others]) == (ONE, here, [OTHER])
    assert (theirs.theme.id, theirs.sentence, [other.id for other in theirs.others]) == (OTHER, there, [ONE])


async def test_every_kind_the_database_knows_has_its_words(owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    check = await owner.fetchval(
        """
        select pg_get_constraintdef(oid) from pg_constraint
        where conrelid = 'kring.theme_event'::regclass and conname = 'theme_event_kind_check'
        """
    )
    kinds = set(re.findall(r"'(\w+)'", check))
    assert kinds | {"merged_into"} == theme_story.HAPPENED.keys()
    assert kinds <= theme_story.SENTENCES.keys()
