"""Submitting a need: what is refused and why, what is stored, and the same form sent twice."""

import uuid
from typing import Any

import asyncpg
import pytest

from models.need import AgeBand
from service import addresses, matching, needs
from service.audit import WORKER
from service.db import transaction
from service.domain import Channel, Contact, GivenBy, NewNeed, Purpose, Role, Staff
from service.errors import FieldErrors, Identifying, NotFound
from service.queries import municipalities, residents
from service.queries import needs as need_rows
from service.references import clean_reference
from service.resources import Resources
from tests import factories
from tests.database import together
from tests.factories import new_need

Owner = asyncpg.Connection
ONLY_MATCHING = {"consents": frozenset({Purpose.MATCHING}), "contact": None}


async def _submit(kring: Resources, staff: Staff, need: NewNeed) -> str:
    async with transaction(kring.pool, staff.municipality) as conn:
        return await needs.submit(conn, staff, need, vault=kring.vault, consent_days=365)


async def _problems(kring: Resources, staff: Staff, need: NewNeed) -> set[str]:
    with pytest.raises(FieldErrors) as error:
        await _submit(kring, staff, need)
    return set(error.value.fields)


async def test_a_submitted_need_is_found_by_its_reference(kring: Resources, caseworker: Staff) -> None:
    need = new_need(text="Zoekt mensen die ook voor een zieke partner zorgen.")
    reference = await _submit(kring, caseworker, need)
    async with transaction(kring.pool, caseworker.municipality) as conn:
        found = await needs.for_staff(conn, caseworker, reference)
    assert (found.text, found.state, found.area_name) == (need.text, "open", "Binnenstad")


async def test_each_consent_is_in_the_ledger(kring: Resources, caseworker: Staff) -> None:
    one = await factories.submit(kring, caseworker)
    async with transaction(kring.pool, caseworker.municipality) as conn:
        ledger = await residents.consents(conn, one.resident)
    assert {row.purpose for row in ledger} == set(Purpose)


async def test_contact_details_open_with_the_key(kring: Resources, caseworker: Staff) -> None:
    one = await factories.submit(kring, caseworker, contact=Contact(Channel.MOBILE, "06 12345678"))
    async with transaction(kring.pool, caseworker.municipality) as conn:
        contact = await addresses.read(
            conn, kring.vault, caseworker.municipality, one.resident, addresses.Why.MESSAGE, WORKER
        )
    assert contact == Contact(Channel.MOBILE, "+31612345678")


async def test_the_same_form_sent_at_the_same_moment_is_one_need(
    kring: Resources, caseworker: Staff, owner: Owner
) -> None:
    need = new_need()
    references = await together(*[_submit(kring, caseworker, need) for _ in range(5)])
    stored = await owner.fetchrow(
        "select (select count(*) from kring.need) as needs, (select count(*) from kring.resident) as residents"
    )
    assert (len(set(references)), tuple(stored or ())) == (1, (1, 1))


async def test_the_same_form_sent_again_later_gives_the_same_reference(kring: Resources, caseworker: Staff) -> None:
    need = new_need()
    assert await _submit(kring, caseworker, need) == await _submit(kring, caseworker, need)


async def test_a_form_of_another_municipality_is_another_form(
    kring: Resources, caseworker: Staff, other_caseworker: Staff
) -> None:
    need = new_need()
    assert await _submit(kring, caseworker, need) != await _submit(kring, other_caseworker, need)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"text": "   "}, "text"),
    ({"text": "x" * 5000}, "text"),
    ({"text": "12345 !!"}, "text"),
    ({"text": "Zoekt \x07 lotgenoten."}, "text"),
    ({"consents": frozenset(), "contact": None}, "consents"),
    ({"consents": frozenset({Purpose.MATCHING, Purpose.FOLLOW_UP}), "contact": None}, "consents"),
    ({"contact": None}, "contact"),
    ({"contact": Contact(Channel.EMAIL, "geen adres")}, "contact"),
    ({"contact": Contact(Channel.MOBILE, "020 1234567")}, "contact"),
    ({"contact": Contact(Channel.POST, "Dorpsstraat")}, "contact"),
    ({"consents": frozenset({Purpose.MATCHING})}, "contact"),
    ({"age_band": AgeBand.AGE_12_15}, "given_by"),
    ({"given_by": GivenBy.REPRESENTATIVE}, "given_by"),
    ({"languages": ()}, "languages"),
    ({"languages": ("xx",)}, "languages"),
    ({"dayparts": ("someday",)}, "dayparts"),
    ({"area_code": "elders"}, "area"),
    ({"apart": ("4F7K-29XM",)}, "apart"),
    ({"apart": ("onzin",)}, "apart"),
]


async def test_each_wrong_answer_is_named(kring: Resources, caseworker: Staff) -> None:
    named = [await _problems(kring, caseworker, new_need(**changes)) for changes, _ in WRONG]
    assert named == [{field} for _, field in WRONG]


async def test_all_wrong_answers_are_named_at_once(kring: Resources, caseworker: Staff) -> None:
    need = new_need(text="", languages=(), dayparts=(), area_code="elders", apart=("onzin",), contact=None)
    problems = await _problems(kring, caseworker, need)
    assert problems == {"text", "languages", "dayparts", "area", "apart", "contact"}


async def test_a_problem_does_not_repeat_what_was_filled_in(kring: Resources, caseworker: Staff) -> None:
    with pytest.raises(FieldErrors) as error:
        await _submit(kring, caseworker, new_need(contact=Contact(Channel.EMAIL, "jan.jansen"), area_code="BU99"))
    assert "jansen" not in str(error.value.fields)


async def test_a_text_that_identifies_somebody_is_refused_with_where(kring: Resources, caseworker: Staff) -> None:
    text = "Belt graag terug op 06 12345678 over de zorg voor haar man."
    with pytest.raises(Identifying) as error:
        await _submit(kring, caseworker, new_need(text=text))
    assert [text[span.start : span.end] for span in error.value.spans] == ["06 12345678"]


async def test_nothing_is_stored_of_what_is_refused(kring: Resources, caseworker: Staff, owner: Owner) -> None:
    for need in (new_need(text="Bel 06 12345678 voor hulp."), new_need(area_code="elders")):
        await _problems(kring, caseworker, need)
    rows = (
        "select (select count(*) from kring.resident) + (select count(*) from kring.need) + count(*) from kring.consent"
    )
    assert await owner.fetchval(rows) == 0


async def test_without_consent_to_be_invited_no_address_is_kept(
    kring: Resources, caseworker: Staff, owner: Owner
) -> None:
    await factories.submit(kring, caseworker, **ONLY_MATCHING)
    assert await owner.fetchval("select count(*) from vault.contact") == 0


async def test_people_who_must_not_meet_are_apart_for_the_engine(kring: Resources, caseworker: Staff) -> None:
    one = await factories.submit(kring, caseworker)
    other = await factories.submit(kring, caseworker, apart=(one.reference.lower().replace("-", " "),))
    async with transaction(kring.pool, caseworker.municipality) as conn:
        pool, _ = await matching.pool(conn)
    apart = {need.id: need.apart for need in pool}
    assert apart == {str(one.need): {str(other.need)}, str(other.need): {str(one.need)}}


async def test_a_number_of_another_municipality_does_not_exist(
    kring: Resources, caseworker: Staff, other_caseworker: Staff
) -> None:
    theirs = await factories.submit(kring, other_caseworker)
    assert await _problems(kring, caseworker, new_need(apart=(theirs.reference,))) == {"apart"}


async def test_two_needs_that_name_the_same_people_in_another_order_do_not_block_each_other(
    kring: Resources, caseworker: Staff
) -> None:
    names = [(await factories.submit(kring, caseworker)).reference for _ in range(6)]
    orders = [names, names[::-1], names[3:] + names[:3], names[::2] + names[1::2]]
    outcomes = await together(*[_submit(kring, caseworker, new_need(apart=tuple(order))) for order in orders])
    assert [type(outcome) for outcome in outcomes] == [str] * 4


async def _colleague(kring: Resources, staff: Staff, role: Role) -> Staff:
    async with transaction(kring.pool, staff.municipality) as conn:
        await municipalities.put_staff(conn, staff.municipality, subject="colleague", name="Collega", roles=[role])
        found = await municipalities.staff_by_subject(conn, "colleague")
    assert found is not None
    return found


async def test_a_caseworker_does_not_see_a_colleagues_need(kring: Resources, caseworker: Staff) -> None:
    one = await factories.submit(kring, caseworker)
    colleague = await _colleague(kring, caseworker, Role.CASEWORKER)
    with pytest.raises(NotFound):
        async with transaction(kring.pool, caseworker.municipality) as conn:
            await needs.for_staff(conn, colleague, one.reference)


async def test_a_coordinator_sees_every_need(kring: Resources, caseworker: Staff, coordinator: Staff) -> None:
    one = await factories.submit(kring, caseworker)
    async with transaction(kring.pool, caseworker.municipality) as conn:
        assert (await needs.for_staff(conn, coordinator, one.reference)).id == one.need


async def test_a_caseworker_withdraws_for_the_resident(kring: Resources, caseworker: Staff) -> None:
    one = await factories.submit(kring, caseworker)
    async with transaction(kring.pool, caseworker.municipality) as conn:
        await needs.withdraw(conn, caseworker, one.reference)
        found = await need_rows.need_by_reference(conn, one.reference)
    assert found is not None
    assert (found.state, found.text) == ("withdrawn", None)


def test_a_reference_is_understood_however_it_is_typed() -> None:
    typed = ["4F7K-29XM", "4f7k29xm", " 4f7k 29xm ", "4F7K–29XM", "4F7K-29XO", "4F7K-29X", "", str(uuid.uuid4())]
    assert [clean_reference(one) for one in typed] == ["4F7K-29XM"] * 3 + [None] * 5
