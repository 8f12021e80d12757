"""What residents change about themselves counts at once, but for what protects others; one group is left alone."""

from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from models.need import DAYPARTS, AgeBand, Meeting
from service import addresses, consents, matching, own_page
from service.audit import Actor
from service.db import transaction
from service.domain import Answer, Channel, Contact, Purpose, ResidentId, Staff
from service.errors import AgeInGroup, FieldErrors, Identifying, NotFound
from service.invitations import hash_token
from service.queries import needs, own_data
from service.queries.needs import NeedRow
from service.queries.own_data import CorrectionField, Wishes
from service.resources import Resources
from tests import factories
from tests.factories import Submitted

Owner = asyncpg.Connection
WISHES = Wishes("BU02", ("nl", "tr"), ("mon-morning",), Meeting.ONLINE, 5)


async def _need(kring: Resources, staff: Staff, one: Submitted) -> NeedRow:
    async with transaction(kring.pool, staff.municipality) as conn:
        found = await needs.need_by_reference(conn, one.reference)
    assert found is not None
    return found


async def _change_wishes(kring: Resources, staff: Staff, one: Submitted, wanted: Wishes) -> None:
    async with transaction(kring.pool, staff.municipality) as conn:
        await own_page.change_wishes(conn, one.need, wanted)


async def _change_age(kring: Resources, staff: Staff, one: Submitted, wanted: AgeBand) -> bool:
    need = await _need(kring, staff, one)
    async with transaction(kring.pool, staff.municipality) as conn:
        return await own_page.change_age(conn, staff.municipality, need, wanted)


async def _ask_for_words(kring: Resources, staff: Staff, one: Submitted, text: str) -> None:
    need = await _need(kring, staff, one)
    async with transaction(kring.pool, staff.municipality) as conn:
        await own_page.ask_for_words(conn, staff.municipality, need, text)


async def _decide(kring: Resources, staff: Staff, one: Submitted, field: CorrectionField, *, accept: bool) -> None:
    need = await _need(kring, staff, one)
    async with transaction(kring.pool, staff.municipality) as conn:
        await own_page.decide_correction(conn, need, field, accept=accept)


async def _corrections(kring: Resources, staff: Staff, one: Submitted) -> list[tuple[str, str]]:
    async with transaction(kring.pool, staff.municipality) as conn:
        return [(found.field, found.wanted) for found in await own_data.corrections(conn, [one.need])]


# --- wishes ---------------------------------------------------------------------------------------------------------


async def test_what_a_resident_changes_is_what_the_next_run_reads(kring: Resources, caseworker: Staff) -> None:
    one = await factories.submit(kring, caseworker)
    await _change_wishes(kring, caseworker, one, WISHES)
    async with transaction(kring.pool, caseworker.municipality) as conn:
        ((need,), _) = await matching.pool(conn)
    assert (need.area, need.languages, need.dayparts, need.meeting, need.reach_km) == (
        "Havenkwartier",
        frozenset({"nl", "tr"}),
        frozenset({"mon-morning"}),
        Meeting.ONLINE,
        5,
    )


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"area_code": "nergens"}, "area"),
        ({"languages": ()}, "languages"),
        ({"languages": ("klingon",)}, "languages"),
        ({"dayparts": ()}, "dayparts"),
        ({"dayparts": (*DAYPARTS, "never")}, "dayparts"),
        ({"reach_km": -1}, "reach_km"),
        ({"reach_km": 1000}, "reach_km"),
    ],
)
async def test_a_wish_that_is_not_on_the_list_changes_nothing(
    kring: Resources, caseworker: Staff, owner: Owner, changed: dict[str, Any], field: str
) -> None:
    one = await factories.submit(kring, caseworker)
    before = await owner.fetch("select * from kring.need")
    with pytest.raises(FieldErrors) as error:
        await _change_wishes(kring, caseworker, one, replace(WISHES, **changed))
    assert (set(error.value.fields), await owner.fetch("select * from kring.need")) == ({field}, before)


# --- age ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "wanted", "at_once"),
    [
        (AgeBand.AGE_40_64, AgeBand.AGE_65_PLUS, True),
        (AgeBand.AGE_40_64, AgeBand.AGE_40_64, True),
        (AgeBand.AGE_40_64, AgeBand.AGE_16_17, False),
        (AgeBand.AGE_16_17, AgeBand.AGE_18_24, False),
        (AgeBand.AGE_16_17, AgeBand.AGE_12_15, False),
    ],
)
async def test_only_an_age_within_the_same_circle_changes_at_once(
    kring: Resources, caseworker: Staff, known: AgeBand, wanted: AgeBand, at_once: bool
) -> None:
    one = await factories.submit(kring, caseworker, age_band=known)
    assert await _change_age(kring, caseworker, one, wanted) is at_once
    assert (await _need(kring, caseworker, one)).age_band is (wanted if at_once else known)
    assert await _corrections(kring, caseworker, one) == ([] if at_once else [("age_band", wanted)])


async def test_a_representative_says_that_a_child_became_16_and_the_child_decides_alone(
    kring: Resources, caseworker: Staff
) -> None:
    child = await factories.submit(kring, caseworker, factories.childs_need())
    assert await _change_age(kring, caseworker, child, AgeBand.AGE_16_17)
    async with transaction(kring.pool, caseworker.municipality) as conn:
        assert await needs.pool(conn) == []


async def test_a_caseworker_who_accepts_an_age_never_puts_a_minor_among_adults(
    kring: Resources, coordinator: Staff
) -> None:
    seated = await factories.draft(kring, coordinator, 6)
    one = seated.people[0]
    await _change_age(kring, coordinator, one, AgeBand.AGE_16_17)
    with pytest.raises(AgeInGroup):
        await _decide(kring, coordinator, one, "age_band", accept=True)
    assert await _corrections(kring, coordinator, one) == [("age_band", "16_17")]


# --- the words of the note ------------------------------------------------------------------------------------------

WORDS = "Ik zorg al jaren voor mijn moeder en ben daar moe van."


async def test_other_words_count_when_a_caseworker_accepts_them(
    kring: Resources, caseworker: Staff, owner: Owner
) -> None:
    one = await factories.submit(kring, caseworker)
    await owner.execute("update kring.need set vector = '\\x00000000', vector_model = 'm'")
    await _ask_for_words(kring, caseworker, one, f"  {WORDS}\n")
    assert (await _need(kring, caseworker, one)).text != WORDS
    await _decide(kring, caseworker, one, "text", accept=True)
    assert (await _need(kring, caseworker, one)).text == WORDS
    assert await owner.fetchval("select count(vector) from kring.need") == 0
    assert await _corrections(kring, caseworker, one) == []


async def test_words_that_are_declined_leave_nothing_behind(kring: Resources, caseworker: Staff) -> None:
    one = await factories.submit(kring, caseworker)
    await _ask_for_words(kring, caseworker, one, WORDS)
    await _decide(kring, caseworker, one, "text", accept=False)
    assert (await _corrections(kring, caseworker, one), (await _need(kring, caseworker, one)).text == WORDS) == (
        [],
        False,
    )


async def test_words_go_through_the_same_gate_as_the_first_ones(kring: Resources, caseworker: Staff) -> None:
    one = await factories.submit(kring, caseworker)
    with pytest.raises(Identifying) as error:
        await _ask_for_words(kring, caseworker, one, f"{WORDS} Bel mij op 06 12345678.")
    assert [span.label for span in error.value.spans] == ["PHONE"]
    assert await _corrections(kring, caseworker, one) == []


async def test_the_last_words_are_the_ones_that_are_wanted(kring: Resources, caseworker: Staff) -> None:
    one = await factories.submit(kring, caseworker)
    await _ask_for_words(kring, caseworker, one, "Ik zoek andere mensen die moe zijn.")
    await _ask_for_words(kring, caseworker, one, WORDS)
    assert await _corrections(kring, caseworker, one) == [("text", WORDS)]


async def test_what_was_decided_is_decided_once(kring: Resources, caseworker: Staff) -> None:
    one = await factories.submit(kring, caseworker)
    await _ask_for_words(kring, caseworker, one, WORDS)
    await _decide(kring, caseworker, one, "text", accept=True)
    with pytest.raises(NotFound):
        await _decide(kring, caseworker, one, "text", accept=False)


async def test_who_leaves_takes_along_what_they_asked_for(kring: Resources, caseworker: Staff) -> None:
    one = await factories.submit(kring, caseworker)
    await _ask_for_words(kring, caseworker, one, WORDS)
    async with transaction(kring.pool, caseworker.municipality) as conn:
        await consents.withdraw(conn, caseworker.municipality, one.resident, Purpose.MATCHING, "link")
    assert await _corrections(kring, caseworker, one) == []


# --- the address ----------------------------------------------------------------------------------------------------


async def _address(kring: Resources, staff: Staff, resident: ResidentId) -> Contact | None:
    async with transaction(kring.pool, staff.municipality) as conn:
        return await addresses.read(
            conn, kring.vault, staff.municipality, resident, addresses.Why.OWN, Actor.of_resident(resident)
        )


async def _change_contact(kring: Resources, staff: Staff, one: Submitted, contact: Contact) -> None:
    async with transaction(kring.pool, staff.municipality) as conn:
        await own_page.change_contact(conn, staff.municipality, one.resident, contact, vault=kring.vault)


async def test_another_address_comes_in_the_place_of_the_old_one(kring: Resources, caseworker: Staff) -> None:
    one = await factories.submit(kring, caseworker)
    await _change_contact(kring, caseworker, one, Contact(Channel.EMAIL, "nieuw@voorbeeld.test"))
    assert await _address(kring, caseworker, one.resident) == Contact(Channel.EMAIL, "nieuw@voorbeeld.test")


async def test_no_address_is_kept_of_who_may_not_be_invited(kring: Resources, caseworker: Staff) -> None:
    one = await factories.submit(kring, caseworker, consents=frozenset({Purpose.MATCHING}), contact=None)
    with pytest.raises(FieldErrors):
        await _change_contact(kring, caseworker, one, Contact(Channel.EMAIL, "nieuw@voorbeeld.test"))
    assert await _address(kring, caseworker, one.resident) is None


async def test_an_address_that_cannot_be_is_refused_without_repeating_it(kring: Resources, caseworker: Staff) -> None:
    one = await factories.submit(kring, caseworker)
    with pytest.raises(FieldErrors) as error:
        await _change_contact(kring, caseworker, one, Contact(Channel.EMAIL, "geen adres"))
    assert "geen adres" not in str(error.value.fields)


# --- leaving one group ----------------------------------------------------------------------------------------------


async def _leave(kring: Resources, staff: Staff, one: Submitted, platform: Any) -> None:
    async with transaction(kring.pool, staff.municipality) as conn:
        await own_page.leave(conn, staff.municipality, one.resident, platform)


async def test_who_leaves_a_group_keeps_the_rest(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    platform, invited = await factories.platform(kring, coordinator)
    one = invited.people[0]
    await _leave(kring, coordinator, one, platform)
    left = await owner.fetchrow(
        """
        select
            (select count(*) from kring.membership where resident_id = $1 and left_at is null) as memberships,
            (select count(*) from kring.proposal_member where resident_id = $1 and live) as seats,
            (select state from kring.invitation where resident_id = $1) as invitation,
            (select count(*) from kring.consent_withdrawal) as withdrawn,
            (select count(text) from kring.need where resident_id = $1) as words,
            (select count(*) from vault.contact where resident_id = $1) as addresses
        """,
        one.resident,
    )
    assert tuple(left or ()) == (0, 0, "withdrawn", 0, 1, 1)


async def test_who_left_a_group_can_be_placed_in_another(kring: Resources, coordinator: Staff) -> None:
    platform, invited = await factories.platform(kring, coordinator)
    await _leave(kring, coordinator, invited.people[0], platform)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        assert [need.id for need in (await matching.pool(conn))[0]] == [str(invited.people[0].need)]


async def test_the_platform_knows_that_somebody_left_and_not_who(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    platform, invited = await factories.platform(kring, coordinator)
    await _leave(kring, coordinator, invited.people[0], platform)
    last = await owner.fetchrow("select kind, params from kring.platform_event order by number desc limit 1")
    assert tuple(last or ()) == ("left", "{}")


async def test_who_said_yes_to_a_group_that_has_not_begun_can_leave_it_too(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    invited = await factories.approved(kring, coordinator, 6)
    await factories.answer(kring, coordinator, invited.invitations[0], Answer.ACCEPTED)
    await _leave(kring, coordinator, invited.people[0], None)
    assert await owner.fetchval("select count(*) from kring.invitation where state = 'accepted'") == 0


async def test_nobody_leaves_a_group_they_are_not_in(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    platform, _ = await factories.platform(kring, coordinator)
    stranger = await factories.submit(kring, coordinator)
    for group in (platform, None):
        with pytest.raises(NotFound):
            await _leave(kring, coordinator, stranger, group)
    assert await owner.fetchval("select count(*) from kring.membership where left_at is null") == 5


# --- a link to the page ---------------------------------------------------------------------------------------------


async def test_a_printed_link_opens_the_page_and_is_not_sent(kring: Resources, caseworker: Staff, owner: Owner) -> None:
    one = await factories.submit(kring, caseworker)
    need = await _need(kring, caseworker, one)
    async with transaction(kring.pool, caseworker.municipality) as conn:
        token = await own_page.print_own_page(conn, caseworker, need, link_days=30)
    purpose = await owner.fetchval("select purpose from kring.link where token_hash = $1", hash_token(token))
    assert (purpose, await owner.fetchval("select state from kring.outbox")) == ("own", "sent")
