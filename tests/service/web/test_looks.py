"""Who looked is told in plain words, once a day, and never by name."""

from datetime import UTC, datetime, timedelta

import pytest

from service.audit import Action
from service.domain import Role
from service.queries.export import Look
from service.web.looks import DID, by_others, sentence
from tests.service.web.test_language import complaints

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def look(
    action: str = Action.NEED_READ, kind: str = "staff", *roles: Role, at: datetime = NOON, result: str = "done"
) -> Look:
    return Look(at, kind, roles or (Role.CASEWORKER,), "page", action, result)


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (look(), "Een consulent las uw vraag."),
        (look(Action.NEED_READ, "staff", Role.CASEWORKER, Role.COORDINATOR), "Een verbinder las uw vraag."),
        (Look(NOON, "staff", (), "page", Action.NEED_READ, "done"), "Een medewerker las uw vraag."),
        (look(Action.CONTACT_READ, "worker"), "Kring opende uw adres of nummer."),
        (look(Action.NEED_READ, "program"), "Een ander programma van de gemeente las uw vraag."),
        (look(Action.RESIDENT_EXPORTED, "operator"), "Een beheerder maakte een kopie van uw gegevens."),
        (look("later.invented"), "Een consulent keek naar uw gegevens."),
        (look(result="refused"), "Een consulent wilde iets met uw gegevens doen. Dat ging niet door."),
    ],
)
def test_a_look_is_told_by_what_somebody_is_and_did(seen: Look, said: str) -> None:
    assert sentence(seen) == said


def test_the_same_thing_on_one_day_is_told_once() -> None:
    day = timedelta(days=1)
    told = by_others([look(at=NOON), look(at=NOON - timedelta(hours=2)), look(at=NOON - day)])
    assert [one.at for one in told] == [NOON, NOON - day]


def test_what_residents_did_themselves_is_not_a_look() -> None:
    assert by_others([look(Action.OWN_DATA_READ, "resident")]) == []


@pytest.mark.parametrize("action", DID)
def test_every_sentence_is_plain_dutch(action: str) -> None:
    assert complaints(sentence(look(action))) == []
