"""The ledger keeps what was agreed to; one purpose ends with what rests on it, a consent goes on, somebody turns 16."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from models.need import AgeBand
from service import consents, matching, own_page, platforms, proposals
from service.db import transaction
from service.domain import Answer, GivenBy, Purpose, RecordedHow, Staff
from service.queries import needs, residents
from service.resources import Resources
from tests import factories
from tests.database import application
from tests.factories import Submitted

Owner = asyncpg.Connection

AGE = """
    update kring.consent set given_at = now() - interval '300 days', valid_until = now() + make_interval(days => $2)
    where resident_id = $1
"""


async def _withdraw(kring: Resources, staff: Staff, one: Submitted, purpose: Purpose) -> None:
    async with transaction(kring.pool, staff.municipality) as conn:
        await consents.withdraw(conn, staff.municipality, one.resident, purpose, "link")


async def _standing(kring: Resources, staff: Staff, one: Submitted) -> set[Purpose]:
    async with transaction(kring.pool, staff.municipality) as conn:
        return {purpose for purpose in Purpose if await residents.has_consent(conn, one.resident, purpose)}


async def _ledger(kring: Resources, staff: Staff, one: Submitted) -> list[residents.ConsentRow]:
    async with transaction(kring.pool, staff.municipality) as conn:
        return await residents.consents(conn, one.resident)


async def _pool(kring: Resources, staff: Staff) -> set[str]:
    async with transaction(kring.pool, staff.municipality) as conn:
        return {need.id for need in (await matching.pool(conn))[0]}


async def _messages(owner: Owner, one: Submitted) -> dict[str, str]:
    rows = await owner.fetch("select kind, state from kring.outbox where resident_id = $1", one.resident)
    return {row["kind"]: row["state"] for row in rows}


# --- what the ledger keeps ------------------------------------------------------------------------------------------


async def test_the_words_that_were_agreed_to_are_kept(kring: Resources, caseworker: Staff) -> None:
    one = await factories.submit(kring, caseworker)
    kept = {row.purpose: (row.label, row.explanation) for row in await _ledger(kring, caseworker, one)}
    assert kept == {purpose: (text.label, text.explanation) for purpose, text in consents.TEXTS.items()}


async def test_a_text_that_is_worded_anew_leaves_the_old_words_with_who_agreed_to_them(
    kring: Resources, caseworker: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await factories.submit(kring, caseworker)
    old = consents.TEXTS[Purpose.MATCHING]
    new = consents.ConsentText(Purpose.MATCHING, "2027-01", "nl", "Anders.", "Heel anders.")
    monkeypatch.setitem(consents.TEXTS, Purpose.MATCHING, new)
    other = await factories.submit(kring, caseworker)
    labels = [
        row.label
        for person in (one, other)
        for row in await _ledger(kring, caseworker, person)
        if row.purpose is Purpose.MATCHING
    ]
    assert labels == [old.label, "Anders."]


async def test_a_withdrawal_leaves_what_was_given_as_it_was(kring: Resources, caseworker: Staff, owner: Owner) -> None:
    one = await factories.submit(kring, caseworker)
    before = await owner.fetch("select * from kring.consent order by id")
    await _withdraw(kring, caseworker, one, Purpose.INVITATION)
    assert await owner.fetch("select * from kring.consent order by id") == before


async def test_the_ledger_says_how_a_consent_was_withdrawn_and_by_whom(
    kring: Resources, caseworker: Staff, owner: Owner
) -> None:
    one, other = await factories.some_people(kring, caseworker, 2)
    await _withdraw(kring, caseworker, one, Purpose.FOLLOW_UP)
    async with transaction(kring.pool, caseworker.municipality) as conn:
        await consents.withdraw_everything(conn, caseworker.municipality, other.resident, "caseworker", caseworker.id)
    rows = await owner.fetch(
        """
        select c.resident_id, w.how, w.recorded_by, count(*)::int as n from kring.consent_withdrawal w
        join kring.consent c on c.id = w.consent_id group by 1, 2, 3
        """
    )
    assert {tuple(row) for row in rows} == {
        (one.resident, "link", None, 1),
        (other.resident, "caseworker", caseworker.id, 3),
    }


# --- one purpose ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("purpose", "left"),
    [
        (Purpose.MATCHING, {Purpose.INVITATION, Purpose.FOLLOW_UP}),
        (Purpose.INVITATION, {Purpose.MATCHING}),
        (Purpose.FOLLOW_UP, {Purpose.MATCHING, Purpose.INVITATION}),
    ],
)
async def test_one_purpose_ends_and_the_others_stand(
    kring: Resources, caseworker: Staff, purpose: Purpose, left: set[Purpose]
) -> None:
    one = await factories.submit(kring, caseworker)
    await _withdraw(kring, caseworker, one, purpose)
    await _withdraw(kring, caseworker, one, purpose)
    assert await _standing(kring, caseworker, one) == left


async def test_who_withdraws_matching_is_not_matched_and_leaves_no_words(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    one, other = await factories.some_people(kring, coordinator, 2)
    await _withdraw(kring, coordinator, one, Purpose.MATCHING)
    left = await owner.fetchrow("select text, vector, topics from kring.need where id = $1", one.need)
    assert (await _pool(kring, coordinator), tuple(left or ())) == ({str(other.need)}, (None, None, []))


async def test_who_withdraws_matching_leaves_a_draft_and_stays_reachable(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    seated = await factories.draft(kring, coordinator, 6)
    one = seated.people[0]
    await _withdraw(kring, coordinator, one, Purpose.MATCHING)
    seats = await owner.fetchval("select count(*) from kring.proposal_member where live")
    assert (seats, await owner.fetchval("select count(*) from vault.contact")) == (5, 6)


@pytest.mark.parametrize("purpose", [Purpose.MATCHING, Purpose.INVITATION])
async def test_an_invitation_without_an_answer_goes_with_the_consent_it_rests_on(
    kring: Resources, coordinator: Staff, owner: Owner, purpose: Purpose
) -> None:
    invited = await factories.approved(kring, coordinator, 6)
    one = invited.people[0]
    await _withdraw(kring, coordinator, one, purpose)
    found = await owner.fetchrow(
        """
        select i.state, m.live from kring.invitation i
        join kring.proposal_member m on m.proposal_id = i.proposal_id and m.resident_id = i.resident_id
        where i.resident_id = $1
        """,
        one.resident,
    )
    assert (tuple(found or ()), await _messages(owner, one)) == (("withdrawn", False), {"invitation": "cancelled"})


@pytest.mark.parametrize("purpose", list(Purpose))
async def test_a_member_stays_a_member_whichever_one_purpose_ends(
    kring: Resources, coordinator: Staff, owner: Owner, purpose: Purpose
) -> None:
    platform, invited = await factories.platform(kring, coordinator)
    await _withdraw(kring, coordinator, invited.people[0], purpose)
    assert (
        await owner.fetchval(
            "select count(*) from kring.membership where platform_id = $1 and left_at is null", platform
        )
        == 5
    )


async def test_who_withdraws_inviting_leaves_no_address_and_gets_nothing_more(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    _, invited = await factories.platform(kring, coordinator)
    one = invited.people[0]
    await _withdraw(kring, coordinator, one, Purpose.INVITATION)
    addresses = await owner.fetchval("select count(*) from vault.contact where resident_id = $1", one.resident)
    assert (addresses, set((await _messages(owner, one)).values())) == (0, {"cancelled"})


async def test_who_withdraws_inviting_can_still_be_matched(kring: Resources, coordinator: Staff) -> None:
    one = await factories.submit(kring, coordinator)
    await _withdraw(kring, coordinator, one, Purpose.INVITATION)
    assert await _pool(kring, coordinator) == {str(one.need)}


async def test_who_withdraws_follow_up_gets_no_pulse_and_keeps_the_other_messages(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    platform, invited = await factories.platform(kring, coordinator)
    one = invited.people[0]
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await platforms.ask_pulse(conn, coordinator.municipality, platform)
    await _withdraw(kring, coordinator, one, Purpose.FOLLOW_UP)
    assert await _messages(owner, one) == {"invitation": "cancelled", "started": "due", "pulse": "cancelled"}


async def test_an_approval_after_inviting_was_withdrawn_asks_the_others(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    seated = await factories.draft(kring, coordinator, 6, meeting=True)
    await _withdraw(kring, coordinator, seated.people[0], Purpose.INVITATION)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        assert await proposals.approve(conn, coordinator, seated.proposal, link_days=30) == 5


# --- going on -------------------------------------------------------------------------------------------------------


async def _renew(kring: Resources, staff: Staff, one: Submitted, wanted: set[Purpose]) -> list[Purpose]:
    async with transaction(kring.pool, staff.municipality) as conn:
        need = await needs.need_by_reference(conn, one.reference)
        assert need is not None
        return await consents.renew(conn, staff.municipality, one.resident, need.age_band, wanted, valid_days=365)


async def test_a_consent_that_is_renewed_through_the_link_stands_a_year_longer(
    kring: Resources, caseworker: Staff, owner: Owner
) -> None:
    one = await factories.submit(kring, caseworker)
    await owner.execute(AGE, one.resident, 20)
    await _renew(kring, caseworker, one, {Purpose.MATCHING})
    last = max(await _ledger(kring, caseworker, one), key=lambda row: row.given_at)
    assert last.valid_until > datetime.now(UTC) + timedelta(days=360)
    assert (last.purpose, last.given_by, last.recorded_how) == (Purpose.MATCHING, GivenBy.SELF, RecordedHow.LINK)


async def test_a_consent_that_lasts_for_months_is_not_renewed(kring: Resources, caseworker: Staff) -> None:
    one = await factories.submit(kring, caseworker)
    assert await _renew(kring, caseworker, one, set(Purpose)) == []


async def test_a_second_click_renews_nothing(kring: Resources, caseworker: Staff, owner: Owner) -> None:
    one = await factories.submit(kring, caseworker)
    await owner.execute(AGE, one.resident, 20)
    await _renew(kring, caseworker, one, {Purpose.MATCHING})
    assert await _renew(kring, caseworker, one, {Purpose.MATCHING}) == []


async def test_what_was_withdrawn_is_not_renewed(kring: Resources, caseworker: Staff, owner: Owner) -> None:
    one = await factories.submit(kring, caseworker)
    await owner.execute(AGE, one.resident, 20)
    await _withdraw(kring, caseworker, one, Purpose.INVITATION)
    assert await _renew(kring, caseworker, one, set(Purpose)) == [Purpose.MATCHING]


async def test_a_withdrawal_ends_the_renewed_consent_and_the_old_one(
    kring: Resources, caseworker: Staff, owner: Owner
) -> None:
    one = await factories.submit(kring, caseworker)
    await owner.execute(AGE, one.resident, 20)
    await _renew(kring, caseworker, one, {Purpose.MATCHING})
    await _withdraw(kring, caseworker, one, Purpose.MATCHING)
    assert Purpose.MATCHING not in await _standing(kring, caseworker, one)


async def test_a_representative_renews_for_a_child(kring: Resources, caseworker: Staff, owner: Owner) -> None:
    child = await factories.submit(kring, caseworker, factories.childs_need())
    await owner.execute(AGE, child.resident, 20)
    await _renew(kring, caseworker, child, {Purpose.MATCHING})
    assert {row.given_by for row in await _ledger(kring, caseworker, child)} == {GivenBy.REPRESENTATIVE}


# --- turning 16 -----------------------------------------------------------------------------------------------------


async def _turns_16(kring: Resources, staff: Staff) -> Submitted:
    child = await factories.submit(kring, staff, factories.childs_need())
    async with transaction(kring.pool, staff.municipality) as conn:
        need = await needs.need_by_reference(conn, child.reference)
        assert need is not None
        assert await own_page.change_age(conn, staff.municipality, need, AgeBand.AGE_16_17)
    return child


async def test_at_16_a_representatives_consent_no_longer_stands(kring: Resources, caseworker: Staff) -> None:
    child = await _turns_16(kring, caseworker)
    assert (await _standing(kring, caseworker, child), await _pool(kring, caseworker)) == (set(), set())


async def test_who_is_16_is_not_invited_on_the_word_of_a_representative(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    people = tuple([await factories.submit(kring, coordinator, factories.childs_need()) for _ in range(6)])
    seated = await factories.draft(kring, coordinator, people=people, meeting=True)
    await owner.execute("update kring.resident set age_band = '16_17' where id = $1", people[0].resident)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        assert await proposals.approve(conn, coordinator, seated.proposal, link_days=30) == 5
    assert await owner.fetchval("select count(*) from kring.invitation where resident_id = $1", people[0].resident) == 0


async def test_a_young_person_consents_alone_and_leaves_the_representatives_address_and_links_behind(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    child = await _turns_16(kring, coordinator)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        need = await needs.need_by_reference(conn, child.reference)
        assert need is not None
        await own_page.print_own_page(conn, coordinator, need, link_days=30)
        await consents.give_again(
            conn,
            coordinator,
            child.resident,
            AgeBand.AGE_16_17,
            [Purpose.MATCHING],
            RecordedHow.IN_PERSON,
            valid_days=365,
        )
    assert await _standing(kring, coordinator, child) == {Purpose.MATCHING}
    addresses = await owner.fetchval("select count(*) from vault.contact")
    links = await owner.fetchval("select count(*) from kring.link where revoked_at is null")
    assert (addresses, links) == (0, 0)


async def test_a_yes_stays_a_yes_when_inviting_is_withdrawn_after_it(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    invited = await factories.approved(kring, coordinator, 6)
    one = invited.people[0]
    await factories.answer(kring, coordinator, invited.invitations[0], Answer.ACCEPTED)
    await _withdraw(kring, coordinator, one, Purpose.INVITATION)
    assert await owner.fetchval("select state from kring.invitation where resident_id = $1", one.resident) == "accepted"


async def test_the_look_before_acting_holds_the_consent(kring: Resources, caseworker: Staff, owner: Owner) -> None:
    one = await factories.submit(kring, caseworker)
    async with application(kring, caseworker.municipality) as conn:
        await residents.has_consent(conn, one.resident, Purpose.MATCHING)
        with pytest.raises(asyncpg.LockNotAvailableError):
            await owner.execute(
                "select from kring.consent where resident_id = $1 and purpose = 'matching' for update nowait",
                one.resident,
            )
