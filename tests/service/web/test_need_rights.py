"""A caseworker's side of a resident's rights: a link, a new yes, and what the resident wants changed."""

import html
import re
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from models.need import AgeBand
from service import consents, own_page
from service.db import Connection, transaction
from service.domain import Answer, Channel, Purpose, Staff
from service.queries import needs, residents
from service.resources import Resources
from tests import factories
from tests.app import CSRF, App
from tests.factories import Submitted

WORDS = "Ik zorg al jaren voor mijn moeder en ben daar moe van."
LINK = re.compile(r"http://127\.0\.0\.1:8000(/u/[\w-]+)")
AGED = """
    update kring.consent
    set given_at = given_at - interval '400 days', valid_until = valid_until - interval '400 days'
"""


@pytest.fixture
async def staff(app: App, caseworker: Staff) -> httpx.AsyncClient:
    return await app.signed_in(caseworker)


@pytest.fixture
async def one(kring: Resources, caseworker: Staff) -> Submitted:
    return await factories.submit(kring, caseworker)


@pytest.fixture
async def sixteen(kring: Resources, caseworker: Staff) -> Submitted:
    """Somebody for whom a representative consented, and who is 16 by now."""
    child = await factories.submit(kring, caseworker, factories.childs_need())
    async with transaction(kring.pool, caseworker.municipality) as conn:
        need = await needs.need_by_reference(conn, child.reference)
        assert need is not None
        await own_page.change_age(conn, caseworker.municipality, need, AgeBand.AGE_16_17)
    return child


def page_of(one: Submitted) -> str:
    return f"/hulpvragen/{one.reference}/inwoner"


async def _ask_for_words(kring: Resources, caseworker: Staff, one: Submitted) -> None:
    async with transaction(kring.pool, caseworker.municipality) as conn:
        need = await needs.need_by_reference(conn, one.reference)
        assert need is not None
        await own_page.ask_for_words(conn, caseworker.municipality, need, WORDS)


async def _standing(kring: Resources, staff: Staff, one: Submitted) -> set[Purpose]:
    async with transaction(kring.pool, staff.municipality) as conn:
        return {purpose for purpose in Purpose if await residents.has_consent(conn, one.resident, purpose)}


# --- a link ---------------------------------------------------------------------------------------------------------


async def test_a_link_to_give_is_shown_once_and_opens_the_own_page(
    app: App, staff: httpx.AsyncClient, one: Submitted
) -> None:
    shown = await app.submit(staff, page_of(one), {"how": "print"}, to=f"/hulpvragen/{one.reference}/link")
    found = LINK.search(shown.text)
    assert found
    assert LINK.search((await staff.get(page_of(one))).text) is None
    visitor = await app.visitor()
    opened = await visitor.get(found[1])
    assert opened.headers["location"] == "/mijn-gegevens"
    assert one.reference in (await visitor.get("/mijn-gegevens")).text


@pytest.mark.parametrize("path", ["/uitnodiging", "/peiling"])
async def test_a_link_to_the_own_page_opens_nothing_else(
    app: App, staff: httpx.AsyncClient, one: Submitted, path: str
) -> None:
    shown = await app.submit(staff, page_of(one), {"how": "print"}, to=f"/hulpvragen/{one.reference}/link")
    found = LINK.search(shown.text)
    assert found
    visitor = await app.visitor()
    await visitor.get(found[1])
    assert (await visitor.get(path)).status_code == 404


async def test_a_link_to_send_is_owed_by_the_worker(
    app: App, staff: httpx.AsyncClient, owner: Connection, one: Submitted
) -> None:
    sent = await app.submit(staff, page_of(one), {"how": "send"}, to=f"/hulpvragen/{one.reference}/link")
    assert sent.status_code == 303
    row = await owner.fetchrow("select kind, state, resident_id from kring.outbox")
    assert tuple(row or ()) == ("own_page", "due", one.resident)


async def test_sending_is_not_offered_to_who_never_wanted_messages(
    staff: httpx.AsyncClient, kring: Resources, caseworker: Staff
) -> None:
    unreachable = await factories.submit(kring, caseworker, consents=frozenset({Purpose.MATCHING}), contact=None)
    shown = (await staff.get(page_of(unreachable))).text
    assert ('value="send"' in shown, 'value="print"' in shown) == (False, True)


@pytest.mark.parametrize("answer", [Answer.NEVER, Answer.NOT_NOW, Answer.ACCEPTED, None])
async def test_the_page_is_the_same_whatever_the_resident_answered_or_withdrew(
    app: App, kring: Resources, coordinator: Staff, answer: Answer | None
) -> None:
    """`None`: inviting was withdrawn on the own page."""
    staff = await app.signed_in(coordinator)
    invited = await factories.approved(kring, coordinator, 6)
    one = invited.people[0]
    before = without_form_token((await staff.get(page_of(one))).text)
    if answer is None:
        async with transaction(kring.pool, coordinator.municipality) as conn:
            await consents.withdraw(conn, coordinator.municipality, one.resident, Purpose.INVITATION, "link")
    else:
        await factories.answer(kring, coordinator, invited.invitations[0], answer)
    assert without_form_token((await staff.get(page_of(one))).text) == before


def without_form_token(shown: str) -> str:
    return re.sub(r'name="csrf" value="[^"]+"', "", shown)


async def test_a_link_leaves_an_entry_that_the_resident_can_read(
    app: App, staff: httpx.AsyncClient, owner: Connection, one: Submitted
) -> None:
    await app.submit(staff, page_of(one), {"how": "print"}, to=f"/hulpvragen/{one.reference}/link")
    row = await owner.fetchrow("select detail, resident_id from kring.audit where action = 'own_link.made'")
    assert tuple(row or ()) == ("printed", one.resident)


# --- what the resident wants changed --------------------------------------------------------------------------------


@pytest.mark.parametrize(("choice", "text"), [("accept", WORDS), ("decline", factories.new_need().text)])
async def test_what_a_resident_asked_for_is_a_task_until_it_is_decided(
    app: App,
    kring: Resources,
    caseworker: Staff,
    staff: httpx.AsyncClient,
    owner: Connection,
    one: Submitted,
    choice: str,
    text: str,
) -> None:
    await _ask_for_words(kring, caseworker, one)
    assert WORDS in html.unescape((await staff.get(page_of(one))).text)
    await app.submit(staff, page_of(one), {"choice": choice}, to=f"/hulpvragen/{one.reference}/correctie/tekst")
    assert "Te doen" not in (await staff.get(page_of(one))).text
    assert await owner.fetchval("select text from kring.need where id = $1", one.need) == text


async def test_a_decision_twice_is_told(
    app: App, kring: Resources, caseworker: Staff, staff: httpx.AsyncClient, one: Submitted
) -> None:
    to = f"/hulpvragen/{one.reference}/correctie/tekst"
    assert (await app.submit(staff, page_of(one), {"choice": "accept"}, to=to)).status_code == 404


# --- a new yes ------------------------------------------------------------------------------------------------------


async def test_what_is_over_is_given_again_at_the_table(
    app: App, kring: Resources, caseworker: Staff, staff: httpx.AsyncClient, owner: Connection, one: Submitted
) -> None:
    await owner.execute(AGED)
    assert await _standing(kring, caseworker, one) == set()
    to = f"/hulpvragen/{one.reference}/toestemming"
    given = {"purposes": ["matching", "invitation"], "recorded_how": "paper"}
    assert (await app.submit(staff, page_of(one), given, to=to)).status_code == 303
    assert await _standing(kring, caseworker, one) == {Purpose.MATCHING, Purpose.INVITATION}


async def test_who_wanted_nothing_more_can_want_it_again(
    app: App, kring: Resources, coordinator: Staff, owner: Connection
) -> None:
    staff = await app.signed_in(coordinator)
    invited = await factories.approved(kring, coordinator, 6)
    one = invited.people[0]
    await factories.answer(kring, coordinator, invited.invitations[0], Answer.NEVER)
    to = f"/hulpvragen/{one.reference}/toestemming"
    given = {"purposes": ["matching", "invitation"], "recorded_how": "in_person"}
    refused = await app.submit(staff, page_of(one), given, to=to)
    assert (refused.status_code, 'id="contact-e"' in refused.text) == (400, True)
    given |= {"channel": "email", "contact": "weer@voorbeeld.test"}
    assert (await app.submit(staff, page_of(one), given, to=to)).status_code == 303
    assert await _standing(kring, coordinator, one) == {Purpose.MATCHING, Purpose.INVITATION}
    assert await owner.fetchval("select state from kring.need where id = $1", one.need) == "open"


async def test_words_that_are_gone_do_not_come_back_with_a_yes(
    app: App, kring: Resources, caseworker: Staff, staff: httpx.AsyncClient, one: Submitted
) -> None:
    form = await staff.get(page_of(one))
    token = CSRF.search(form.text)
    assert token
    async with transaction(kring.pool, caseworker.municipality) as conn:
        await consents.withdraw(conn, caseworker.municipality, one.resident, Purpose.MATCHING, "link")
    given = {"purposes": ["matching"], "recorded_how": "paper", "csrf": token[1]}
    refused = await staff.post(f"/hulpvragen/{one.reference}/toestemming", data=given)
    assert (refused.status_code, Purpose.MATCHING in await _standing(kring, caseworker, one)) == (400, False)


@pytest.mark.parametrize(
    ("left_out", "field"), [("purposes", "purposes"), ("recorded_how", "recorded_how"), ("contact", "contact")]
)
async def test_a_new_yes_of_who_came_of_age_is_complete(
    app: App,
    kring: Resources,
    caseworker: Staff,
    staff: httpx.AsyncClient,
    sixteen: Submitted,
    left_out: str,
    field: str,
) -> None:
    given: dict[str, Any] = {
        "purposes": ["matching", "invitation"],
        "recorded_how": "in_person",
        "channel": "email",
        "contact": "jongere@voorbeeld.test",
    }
    del given[left_out]
    refused = await app.submit(staff, page_of(sixteen), given, to=f"/hulpvragen/{sixteen.reference}/toestemming")
    assert (refused.status_code, f'id="{field}-e"' in refused.text) == (400, True)
    assert await _standing(kring, caseworker, sixteen) == set()


async def test_who_came_of_age_consents_and_is_written_to_alone(
    app: App, kring: Resources, caseworker: Staff, staff: httpx.AsyncClient, sixteen: Submitted
) -> None:
    assert "geldt niet meer" in (await staff.get(page_of(sixteen))).text
    given = {
        "purposes": ["matching", "invitation"],
        "recorded_how": "in_person",
        "channel": "mobile",
        "contact": "06 12345678",
    }
    to = f"/hulpvragen/{sixteen.reference}/toestemming"
    assert (await app.submit(staff, page_of(sixteen), given, to=to)).status_code == 303
    assert await _standing(kring, caseworker, sixteen) == {Purpose.MATCHING, Purpose.INVITATION}
    async with transaction(kring.pool, caseworker.municipality) as conn:
        card = await residents.contact(conn, sixteen.resident)
    assert card is not None
    assert card.channel is Channel.MOBILE


# --- whose ----------------------------------------------------------------------------------------------------------


async def test_the_page_of_somebody_elses_need_does_not_exist(
    app: App, kring: Resources, coordinator: Staff, staff: httpx.AsyncClient, one: Submitted
) -> None:
    theirs = await factories.submit(kring, coordinator)
    assert (await staff.get(page_of(theirs))).status_code == 404
    for part in ("link", "toestemming", "correctie/tekst"):
        answer = await app.submit(
            staff, page_of(one), {"choice": "accept", "how": "print"}, to=f"/hulpvragen/{theirs.reference}/{part}"
        )
        assert answer.status_code == 404


async def test_that_the_end_of_a_consent_was_told_changes_nothing_staff_can_see(
    app: App, kring: Resources, coordinator: Staff, owner: Connection
) -> None:
    """Whoever said "never" is not written to, so a page that tells who was would show who was not."""
    people = await factories.some_people(kring, coordinator, 3)
    await owner.execute("update kring.consent set valid_until = now() + interval '20 days'")
    browser = await app.signed_in(coordinator)
    pages = ["/hulpvragen", "/zonder-groep", "/voorstellen", *(f"/hulpvragen/{one.reference}" for one in people)]
    pages += [page_of(one) for one in people]

    async def seen() -> list[str]:
        return [CSRF.sub("", (await browser.get(page)).text.partition("<main")[2]) for page in pages]

    before = await seen()
    async with transaction(kring.pool, coordinator.municipality) as conn:
        assert await consents.tell(conn, coordinator.municipality, people[0].resident, datetime.now(UTC), days=30)
    assert await seen() == before
    assert all(before)
