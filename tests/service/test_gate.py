"""What may be overruled at the gate, what is kept of that, and what of a reminder: by the rules and by the database."""

from typing import Any, TypeAlias

import asyncpg
import pytest

from models.deidentify import Label
from models.rarity import Rare
from service import gate, needs, note_words
from service.audit import Action, Actor
from service.db import transaction
from service.domain import NewNeed, Overruled, OverruleReason, ReminderAnswer, Staff
from service.errors import FieldErrors, Identifying
from service.queries import gate as gate_rows
from service.resources import Resources
from tests import factories
from tests.database import NOT_REFUSED, refused
from tests.factories import new_need

Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
TEXT = "Zij mist haar buurvrouw Anja en wil met anderen praten. Anja kwam elke week."
ANJA = Overruled(Label.NAME, "Anja", OverruleReason.OTHER)
DIALS = "Bel haar op 06 12345678, zij voelt zich alleen."


async def _submit(kring: Resources, staff: Staff, need: NewNeed, **how: Any) -> str:
    async with transaction(kring.pool, staff.municipality) as conn:
        return await needs.submit(conn, staff, need, vault=kring.vault, consent_days=365, **how)


async def _trail(owner: Owner, action: Action) -> list[tuple[Any, ...]]:
    rows = await owner.fetch("select object_id, resident_id, detail from kring.audit where action = $1", action)
    return [tuple(row) for row in rows]


# --- what counts as overruled ---------------------------------------------------------------------------------------


def test_a_hit_is_overruled_wherever_its_words_stand() -> None:
    assert [len(gate.look(TEXT, chosen).open) for chosen in ((), (ANJA,))] == [2, 0]


@pytest.mark.parametrize(
    "other",
    [
        Overruled(Label.NAME, "anja", OverruleReason.OTHER),
        Overruled(Label.NAME, "Anj", OverruleReason.OTHER),
        Overruled(Label.PLACE, "Anja", OverruleReason.OTHER),
    ],
)
def test_other_words_and_another_label_are_another_hit(other: Overruled) -> None:
    assert len(gate.look(TEXT, (other,)).open) == 2


def test_what_was_overruled_stays_so_while_the_rest_of_the_note_changes() -> None:
    assert gate.look(f"Een nieuwe zin vooraf. {TEXT} En een zin erna.", (ANJA,)).open == ()


def test_a_hit_that_is_gone_is_not_overruled() -> None:
    assert gate.look("Zij wil met anderen praten.", (ANJA,)).overruled == ()


@pytest.mark.parametrize("label", sorted(set(Label) - gate.OVERRULABLE))
def test_what_can_mean_nothing_else_is_never_overruled(label: Label) -> None:
    assert gate.overrule_problem([Overruled(label, "wat dan ook", OverruleReason.OTHER)])


def test_a_telephone_number_stays_a_hit_whatever_is_said_of_it() -> None:
    said = Overruled(Label.PHONE, "06 12345678", OverruleReason.COMMON_WORD)
    assert [span.label for span in gate.look(DIALS, (said,)).open] == [Label.PHONE]


def test_a_suggestion_takes_the_place_of_every_equal_hit_and_of_nothing_else() -> None:
    text = "Mijn buurvrouw Anja belt, en mijn broer Kees ook. Buurvrouw Anja is lief."
    assert gate.rewrite(text, "NAME", "Anja") == "Mijn buurvrouw belt, en mijn broer Kees ook. Buurvrouw is lief."


@pytest.mark.parametrize(("label", "words"), [("NAME", "Kees"), ("PLACE", "Anja"), ("", ""), ("nonsense", "Anja")])
def test_a_suggestion_for_what_is_not_there_changes_nothing(label: str, words: str) -> None:
    assert gate.rewrite(TEXT, label, words) == TEXT


def test_every_kind_and_reason_has_words() -> None:
    assert set(note_words.RARE) == set(Rare)
    assert set(note_words.LABELS) == set(Label)
    assert set(note_words.REASONS) == set(OverruleReason)
    assert set(note_words.ANSWERS) == set(ReminderAnswer) - {ReminderAnswer.NO_ANSWER, ReminderAnswer.NOT_ASKED}


# --- what is kept of it ---------------------------------------------------------------------------------------------


async def test_an_overruled_hit_is_kept_as_its_kind_and_reason(kring: Resources, caseworker: Staff) -> None:
    reference = await _submit(kring, caseworker, new_need(text=TEXT, overruled=(ANJA,)))
    async with transaction(kring.pool, caseworker.municipality) as conn:
        need = await needs.for_staff(conn, caseworker, reference)
        kept = await gate_rows.overruled(conn, need.id)
    assert [(one.label, one.reason, one.overruled_by_name) for one in kept] == [
        (Label.NAME, OverruleReason.OTHER, caseworker.name)
    ]


async def test_overruling_is_in_the_trail_with_who_did_it(kring: Resources, caseworker: Staff, owner: Owner) -> None:
    actor = Actor.of_staff(caseworker, "api", "127.0.0.1")
    reference = await _submit(kring, caseworker, new_need(text=TEXT, overruled=(ANJA,)), actor=actor)
    resident = await owner.fetchval("select resident_id from kring.need")
    assert await _trail(owner, Action.NEED_HIT_OVERRULED) == [(reference, resident, "name:other")]
    assert await owner.fetchval("select actor_kind from kring.audit where action = 'need.hit_overruled'") == "program"


async def test_the_words_are_kept_in_the_note_alone(kring: Resources, caseworker: Staff, owner: Owner) -> None:
    await _submit(kring, caseworker, new_need(text=TEXT, overruled=(ANJA,)))
    for table in ("overruled_hit", "audit"):
        rows = await owner.fetch(f"select t::text as row from kring.{table} t")
        assert rows
        assert not any("anja" in row["row"].lower() for row in rows), table


async def test_the_same_form_again_overrules_once(kring: Resources, caseworker: Staff, owner: Owner) -> None:
    need = new_need(text=TEXT, overruled=(ANJA, ANJA))
    for _ in range(2):
        await _submit(kring, caseworker, need)
    assert await owner.fetchval("select count(*) from kring.overruled_hit") == 1
    assert len(await _trail(owner, Action.NEED_HIT_OVERRULED)) == 1


async def test_one_overruled_hit_does_not_let_another_through(kring: Resources, caseworker: Staff) -> None:
    with pytest.raises(Identifying) as error:
        await _submit(kring, caseworker, new_need(text=f"{TEXT} {DIALS}", overruled=(ANJA,)))
    assert [span.label for span in error.value.spans] == [Label.PHONE]


async def test_all_that_is_wrong_with_a_note_is_told_at_once(kring: Resources, caseworker: Staff) -> None:
    said = Overruled(Label.PHONE, "06 12345678", OverruleReason.OTHER)
    with pytest.raises(Identifying) as error:
        await _submit(kring, caseworker, new_need(text=DIALS, overruled=(said,), area_code="elders"))
    assert error.value.fields.keys() == {"text", "overruled", "area"}


async def test_a_note_with_more_overruled_than_is_honest_is_refused(kring: Resources, caseworker: Staff) -> None:
    many = tuple(Overruled(Label.NAME, f"Naam {number}", OverruleReason.OTHER) for number in range(21))
    with pytest.raises(FieldErrors) as error:
        await _submit(kring, caseworker, new_need(overruled=many))
    assert error.value.fields.keys() == {"overruled"}


async def test_what_is_rare_stops_nothing(kring: Resources, caseworker: Staff) -> None:
    text = "Moeder van een drieling zoekt andere ouders in het dorp. Haar vader was de burgemeester."
    assert await _submit(kring, caseworker, new_need(text=text))


# --- the reminder ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", list(ReminderAnswer))
async def test_a_reminder_and_its_answer_are_in_the_trail_and_nowhere_else(
    kring: Resources, caseworker: Staff, owner: Owner, answer: ReminderAnswer
) -> None:
    reference = await _submit(kring, caseworker, new_need(), reminded=answer)
    assert await _trail(owner, Action.NEED_DANGER_REMINDED) == [(reference, None, answer)]


async def test_a_resident_does_not_find_the_reminder_in_their_own_trail(
    kring: Resources, caseworker: Staff, owner: Owner
) -> None:
    await _submit(kring, caseworker, new_need(), reminded=ReminderAnswer.ARRANGED)
    about = "select count(*) from kring.audit where action = 'need.danger_reminded' and resident_id is not null"
    assert await owner.fetchval(about) == 0


async def test_without_a_reminder_there_is_nothing_in_the_trail(
    kring: Resources, caseworker: Staff, owner: Owner
) -> None:
    await _submit(kring, caseworker, new_need())
    assert await _trail(owner, Action.NEED_DANGER_REMINDED) == []


# --- what the database refuses --------------------------------------------------------------------------------------

INSERT = """
    insert into kring.overruled_hit (municipality_id, need_id, label, reason, overruled_by)
    values ($1, $2, $3, $4, $5)
"""


@pytest.mark.parametrize("label", list(Label))
async def test_the_database_knows_the_same_labels(kring: Resources, caseworker: Staff, label: Label) -> None:
    need = (await factories.submit(kring, caseworker)).need
    here = caseworker.municipality
    found = await refused(kring, here, INSERT, here, need, label, "other", caseworker.id)
    assert found == (NOT_REFUSED if label in gate.OVERRULABLE else "overruled_hit_label")


async def test_the_database_knows_the_same_reasons(kring: Resources, caseworker: Staff) -> None:
    need = (await factories.submit(kring, caseworker)).need
    here = caseworker.municipality
    for reason in (*OverruleReason, "Anja is een hond"):
        found = await refused(kring, here, INSERT, here, need, "NAME", reason, caseworker.id)
        assert found == (NOT_REFUSED if reason in set(OverruleReason) else "overruled_hit_reason")


@pytest.mark.parametrize(
    "statement", ["update kring.overruled_hit set reason = 'illness'", "delete from kring.overruled_hit"]
)
async def test_what_was_overruled_is_never_rewritten(kring: Resources, caseworker: Staff, statement: str) -> None:
    await _submit(kring, caseworker, new_need(text=TEXT, overruled=(ANJA,)))
    assert await refused(kring, caseworker.municipality, statement) == "denied"


async def test_another_municipality_sees_nothing_of_it(
    kring: Resources, caseworker: Staff, other_caseworker: Staff
) -> None:
    await _submit(kring, caseworker, new_need(text=TEXT, overruled=(ANJA,)))
    async with transaction(kring.pool, other_caseworker.municipality) as conn:
        assert await conn.fetchval("select count(*) from kring.overruled_hit") == 0
