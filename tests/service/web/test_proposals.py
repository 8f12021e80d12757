"""A coordinator reviews a proposal: sees why, changes it, decides, and is told what happened and no more."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from arq.connections import create_pool

from service import consents
from service.db import Connection, transaction
from service.domain import Answer, Channel, Contact, Purpose, Role, Staff
from service.enqueue import QUEUE, deserialize, redis_settings, serialize
from service.queries import municipalities
from service.queries.municipalities import Municipality
from service.resources import Resources
from service.web.meeting_form import suggestion
from tests import factories
from tests.app import CSRF, App

ACTIONS = "naam bijeenkomst weghalen terugzetten verplaatsen samenvoegen ongedaan-maken goedkeuring afwijzing".split()
MEETING = {"place": "Buurthuis De Linde", "date": "2099-07-07", "time": "19:30"}


@pytest.fixture
async def browser(app: App, coordinator: Staff) -> httpx.AsyncClient:
    return await app.signed_in(coordinator)


@pytest.fixture
async def seated(kring: Resources, coordinator: Staff) -> factories.Seated:
    return await factories.draft(kring, coordinator, 6)


def path(seated: factories.Seated | factories.Invited) -> str:
    return f"/voorstellen/{seated.proposal}"


async def seen(browser: httpx.AsyncClient, page: str) -> str:
    """The hidden fingerprint of what the page showed."""
    return (await browser.get(page)).text.partition('name="seen" value="')[2].partition('"')[0]


async def woken(kring: Resources) -> list[str]:
    """The names of the jobs that a worker was woken for."""
    settings = redis_settings(kring.settings.redis_url.get_secret_value())
    redis = await create_pool(
        settings, default_queue_name=QUEUE, job_serializer=serialize, job_deserializer=deserialize
    )
    try:
        return [job.function for job in await redis.queued_jobs(queue_name=QUEUE)]
    finally:
        await redis.aclose()


# --- who may --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["/voorstellen", "/platforms"])
async def test_a_manager_and_a_caseworker_are_refused(app: App, manager: Staff, caseworker: Staff, page: str) -> None:
    for staff in (manager, caseworker):
        assert (await (await app.signed_in(staff)).get(page)).status_code == 403


@pytest.mark.parametrize("action", [*ACTIONS, ""])
async def test_only_a_coordinator_of_this_municipality_reaches_a_draft(
    app: App,
    manager: Staff,
    caseworker: Staff,
    other_coordinator: Staff,
    seated: factories.Seated,
    owner: Connection,
    action: str,
) -> None:
    """Every address of a draft, to read and to change, by everybody it is not for."""
    page, one = f"{path(seated)}/{action}".rstrip("/"), seated.people[0].reference
    said = {"nummer": one, "naar": str(seated.proposal), "met": str(seated.proposal), "title": "x", "reason": "x"}
    said |= MEETING | {"verandering": str(seated.proposal)}
    for staff, expected in ((manager, 403), (caseworker, 403), (other_coordinator, 404)):
        browser = await app.signed_in(staff)
        if action in {"", "weghalen", "verplaatsen", "samenvoegen"}:
            assert (await browser.get(page, params=said)).status_code == expected
        if action:
            token = CSRF.search((await browser.get("/")).text)
            assert token
            assert (await browser.post(page, data=said | {"csrf": token[1]})).status_code == expected
    visitor = await app.visitor()
    assert (await visitor.post(page or "/", data=said)).status_code in {401, 403, 405}
    assert await owner.fetchval("select count(*) from kring.proposal_change") == 0


async def test_a_proposal_of_another_municipality_does_not_exist(
    app: App, other_coordinator: Staff, seated: factories.Seated
) -> None:
    stranger = await app.signed_in(other_coordinator)
    assert (await stranger.get(path(seated))).status_code == 404


async def test_a_proposal_of_another_municipality_cannot_be_rejected(
    app: App, other_coordinator: Staff, seated: factories.Seated, owner: Connection
) -> None:
    stranger = await app.signed_in(other_coordinator)
    answer = await app.submit(stranger, "/voorstellen", {"reason": "Nee"}, to=f"{path(seated)}/afwijzing")
    assert answer.status_code == 404
    assert await owner.fetchval("select state from kring.proposal") == "draft"


@pytest.mark.parametrize("action", ACTIONS)
async def test_a_form_without_its_token_is_refused(
    browser: httpx.AsyncClient, seated: factories.Seated, action: str
) -> None:
    answer = await browser.post(f"{path(seated)}/{action}", data={"title": "Anders", "reason": "Nee"})
    assert answer.status_code == 403


# --- the list -------------------------------------------------------------------------------------------------------


async def test_without_proposals_the_page_leads_to_a_search(browser: httpx.AsyncClient) -> None:
    assert 'href="/zoektochten"><span' in (await browser.get("/voorstellen")).text


async def test_the_list_has_drafts_before_what_was_decided(
    browser: httpx.AsyncClient, kring: Resources, coordinator: Staff
) -> None:
    invited = await factories.approved(kring, coordinator, 5)
    draft = await factories.draft(kring, coordinator, 6)
    text = (await browser.get("/voorstellen")).text
    assert 0 < text.index(str(draft.proposal)) < text.index(str(invited.proposal))


# --- reading a draft ------------------------------------------------------------------------------------------------


async def test_a_draft_shows_each_candidate_with_words_and_number(
    browser: httpx.AsyncClient, seated: factories.Seated
) -> None:
    text = (await browser.get(path(seated))).text
    assert all(f'aria-label="Weghalen {one.reference}"' in text for one in seated.people)
    assert text.count("Zorgt al jaren voor haar moeder") == 6


async def test_no_id_of_a_resident_or_a_need_is_in_the_page(
    browser: httpx.AsyncClient, seated: factories.Seated
) -> None:
    text = (await browser.get(path(seated))).text
    assert not [one for one in seated.people if str(one.resident) in text or str(one.need) in text]


async def test_the_page_says_how_many_messages_approval_sends(
    browser: httpx.AsyncClient, kring: Resources, coordinator: Staff
) -> None:
    silent = await factories.submit(kring, coordinator, consents=frozenset({Purpose.MATCHING}), contact=None)
    post = Contact(Channel.POST, "Dorpsstraat 1, 1234 AB Waterdam")
    letter = await factories.submit(kring, coordinator, contact=post)
    others = await factories.some_people(kring, coordinator, 5)
    seated = await factories.draft(kring, coordinator, people=(silent, letter, *others))
    text = (await browser.get(path(seated))).text
    assert "Kring stuurt meteen een e-mail aan 5 inwoners." in text
    assert "Voor 1 inwoner kan Kring de uitnodiging nog niet zelf versturen." in text
    assert "1 inwoner krijgt niets: er is geen toestemming voor een uitnodiging." in text


# --- changing a draft -----------------------------------------------------------------------------------------------


async def test_a_new_name_is_kept(
    app: App, browser: httpx.AsyncClient, seated: factories.Seated, owner: Connection
) -> None:
    await app.submit(browser, path(seated), {"title": "  Zorgen  voor je moeder "}, to=f"{path(seated)}/naam")
    assert await owner.fetchval("select title from kring.proposal") == "Zorgen voor je moeder"


async def test_an_empty_name_is_shown_in_place(app: App, browser: httpx.AsyncClient, seated: factories.Seated) -> None:
    answer = await app.submit(browser, path(seated), {"title": " "}, to=f"{path(seated)}/naam")
    assert answer.status_code == 400
    assert "<title>Fout:" in answer.text
    assert 'id="title-e"' in answer.text


async def test_a_meeting_is_planned_on_the_clock_of_the_netherlands(
    app: App, browser: httpx.AsyncClient, seated: factories.Seated, owner: Connection
) -> None:
    await app.submit(browser, path(seated), MEETING, to=f"{path(seated)}/bijeenkomst")
    assert await owner.fetchval("select meeting_at from kring.proposal") == datetime(2099, 7, 7, 17, 30, tzinfo=UTC)


@pytest.mark.parametrize("wrong", [{"date": "morgen"}, {"time": "half acht"}, {"place": ""}, {"date": "9999-12-32"}])
async def test_a_wrong_meeting_is_shown_in_place_and_what_was_typed_is_kept(
    app: App, browser: httpx.AsyncClient, seated: factories.Seated, wrong: dict[str, str]
) -> None:
    answer = await app.submit(browser, path(seated), MEETING | wrong, to=f"{path(seated)}/bijeenkomst")
    (field,) = wrong
    assert answer.status_code == 400
    assert f'id="{field}-e"' in answer.text
    assert all(f'value="{value}"' in answer.text for value in (MEETING | wrong).values())


async def test_a_meeting_in_the_past_is_shown_at_the_date(
    app: App, browser: httpx.AsyncClient, seated: factories.Seated
) -> None:
    past = MEETING | {"date": "2020-01-01"}
    answer = await app.submit(browser, path(seated), past, to=f"{path(seated)}/bijeenkomst")
    assert answer.status_code == 400
    assert 'id="date-e"' in answer.text


# --- deciding -------------------------------------------------------------------------------------------------------


async def approve(app: App, browser: httpx.AsyncClient, page: str) -> httpx.Response:
    return await app.submit(browser, page, {"seen": await seen(browser, page)}, to=f"{page}/goedkeuring")


async def test_approving_invites_everybody_and_wakes_the_worker(
    app: App, browser: httpx.AsyncClient, kring: Resources, seated: factories.Seated, owner: Connection
) -> None:
    await app.submit(browser, path(seated), MEETING, to=f"{path(seated)}/bijeenkomst")
    assert (await approve(app, browser, path(seated))).status_code == 303
    assert await owner.fetchval("select count(*) from kring.outbox where kind = 'invitation'") == 6
    assert await woken(kring) == ["deliver"]


async def test_approving_without_a_meeting_asks_for_it_in_place(
    app: App, browser: httpx.AsyncClient, kring: Resources, seated: factories.Seated
) -> None:
    answer = await approve(app, browser, path(seated))
    assert answer.status_code == 400
    assert 'id="place-e"' in answer.text
    assert await woken(kring) == []


async def test_what_a_colleague_changed_meanwhile_is_not_approved_unseen(
    app: App, browser: httpx.AsyncClient, seated: factories.Seated, owner: Connection
) -> None:
    await app.submit(browser, path(seated), MEETING, to=f"{path(seated)}/bijeenkomst")
    before = await seen(browser, path(seated))
    await app.submit(browser, path(seated), {"title": "Iets anders"}, to=f"{path(seated)}/naam")
    answer = await app.submit(browser, path(seated), {"seen": before}, to=f"{path(seated)}/goedkeuring")
    assert answer.status_code == 409
    assert f'href="{path(seated)}"' in answer.text, "no way back to what changed"
    assert await owner.fetchval("select state from kring.proposal") == "draft"


async def test_a_group_that_no_word_may_name_asks_for_a_name(
    app: App, browser: httpx.AsyncClient, kring: Resources, coordinator: Staff
) -> None:
    plan = factories.plan_of(await factories.some_people(kring, coordinator, 5))
    (group,), (theme,) = plan.groups, plan.themes
    plan = replace(plan, groups=(replace(group, label="Thema 1"),), themes=(replace(theme, label="Thema 1"),))
    run = await factories.store_plan(kring, coordinator, plan)
    (proposal,) = await factories.drafts_of_run(kring, coordinator, run)
    page = f"/voorstellen/{proposal}"
    shown = (await browser.get(page)).text
    assert "<title>Voorstel Kring van zonen en dochters (thema 1) - Kring</title>" in shown
    assert "Deze groep heeft nog geen eigen naam." in shown
    await app.submit(browser, page, {"title": "Samen zorgen"}, to=f"{page}/naam")
    assert "Deze groep heeft nog geen eigen naam." not in (await browser.get(page)).text
    assert "Zonen en dochters (thema\u00a01)" in (await browser.get(f"/zoektochten/{run}")).text


async def test_approving_twice_at_once_invites_once(
    app: App, browser: httpx.AsyncClient, seated: factories.Seated, owner: Connection
) -> None:
    await app.submit(browser, path(seated), MEETING, to=f"{path(seated)}/bijeenkomst")
    answers = await asyncio.gather(*(approve(app, browser, path(seated)) for _ in range(2)))
    assert [answer.status_code for answer in answers] == [303, 303], "who approved it sees that it is approved"
    assert await owner.fetchval("select count(*) from kring.invitation") == 6


async def test_too_few_to_invite_is_said_instead_of_offered(
    browser: httpx.AsyncClient, kring: Resources, coordinator: Staff
) -> None:
    silent = await factories.submit(kring, coordinator, consents=frozenset({Purpose.MATCHING}), contact=None)
    seated = await factories.draft(
        kring, coordinator, people=(silent, *await factories.some_people(kring, coordinator, 4))
    )
    text = (await browser.get(path(seated))).text
    assert "Goedkeuren kan niet." in text
    assert "Goedkeuren en uitnodigen" not in text


async def test_rejecting_needs_a_reason(
    app: App, browser: httpx.AsyncClient, seated: factories.Seated, owner: Connection
) -> None:
    answer = await app.submit(browser, path(seated), {"reason": "  "}, to=f"{path(seated)}/afwijzing")
    assert answer.status_code == 400
    assert 'id="reason-e"' in answer.text
    assert await owner.fetchval("select state from kring.proposal") == "draft"


async def test_a_rejected_proposal_tells_who_when_and_why_and_has_no_forms(
    app: App, browser: httpx.AsyncClient, seated: factories.Seated
) -> None:
    await app.submit(browser, path(seated), {"reason": "Te verschillend."}, to=f"{path(seated)}/afwijzing")
    text = (await browser.get(path(seated))).text
    assert "coordinator Waterdam wees dit voorstel af op" in text
    assert "Te verschillend." in text
    assert f'action="{path(seated)}' not in text


async def test_deciding_on_what_is_decided_is_a_conflict(
    app: App, browser: httpx.AsyncClient, kring: Resources, coordinator: Staff
) -> None:
    invited = await factories.approved(kring, coordinator, 5)
    answer = await app.submit(browser, path(invited), {"reason": "Toch niet."}, to=f"{path(invited)}/afwijzing")
    assert answer.status_code == 409
    assert "Over dit voorstel is al beslist." in answer.text


async def test_rejecting_twice_shows_what_was_decided(
    app: App, browser: httpx.AsyncClient, seated: factories.Seated
) -> None:
    for _ in range(2):
        answer = await app.submit(browser, "/voorstellen", {"reason": "Te ver."}, to=f"{path(seated)}/afwijzing")
        assert answer.status_code == 303


async def test_who_comes_second_hears_that_a_colleague_decided(
    app: App, kring: Resources, browser: httpx.AsyncClient, seated: factories.Seated, municipality: Municipality
) -> None:
    async with transaction(kring.pool, municipality.id) as conn:
        await municipalities.put_staff(
            conn, municipality.id, subject="second", name="Een collega", roles=[Role.COORDINATOR]
        )
        colleague = await municipalities.staff_by_subject(conn, "second")
    assert colleague is not None
    await app.submit(browser, path(seated), MEETING, to=f"{path(seated)}/bijeenkomst")
    other = await app.signed_in(colleague)
    shown = await seen(other, path(seated))
    await approve(app, browser, path(seated))
    answer = await app.submit(other, path(seated), {"seen": shown}, to=f"{path(seated)}/goedkeuring")
    assert answer.status_code == 409


# --- after approval -------------------------------------------------------------------------------------------------


def after_header(page: httpx.Response) -> str:
    """The page without the tokens that are new in every answer."""
    return CSRF.sub("", page.text.partition("<main")[2])


@pytest.mark.parametrize("choice", [Answer.NOT_NOW, Answer.NEVER])
async def test_a_no_changes_nothing_a_coordinator_can_see(
    browser: httpx.AsyncClient, kring: Resources, coordinator: Staff, choice: Answer
) -> None:
    invited = await factories.approved(kring, coordinator, 6)
    for invitation in invited.invitations:  # sent, so that the count of what waits says nothing
        await factories.link(kring, coordinator, invitation)
    before = after_header(await browser.get(path(invited)))
    await factories.answer(kring, coordinator, invited.invitations[0], choice)
    assert after_header(await browser.get(path(invited))) == before


async def test_withdrawing_changes_nothing_a_coordinator_can_see(
    browser: httpx.AsyncClient, kring: Resources, coordinator: Staff
) -> None:
    invited = await factories.approved(kring, coordinator, 6)
    for invitation in invited.invitations:
        await factories.link(kring, coordinator, invitation)
    before = after_header(await browser.get(path(invited)))
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await consents.withdraw_everything(conn, coordinator.municipality, invited.people[0].resident, "link")
    assert after_header(await browser.get(path(invited))) == before


async def test_the_tally_counts_who_said_yes(browser: httpx.AsyncClient, kring: Resources, coordinator: Staff) -> None:
    invited = await factories.approved(kring, coordinator, 6)
    await factories.answer(kring, coordinator, invited.invitations[0])
    assert "Ja: 1 · Nog geen ja: 5" in (await browser.get(path(invited))).text


async def test_the_list_counts_the_yeses(browser: httpx.AsyncClient, kring: Resources, coordinator: Staff) -> None:
    invited = await factories.approved(kring, coordinator, 6)
    for invitation in invited.invitations[:3]:
        await factories.answer(kring, coordinator, invitation)
    assert '<td class="utrecht-table__cell--numeric-column">3</td>' in (await browser.get("/voorstellen")).text


async def test_a_suggested_meeting_leaves_two_weeks(browser: httpx.AsyncClient, seated: factories.Seated) -> None:
    now = datetime.now(UTC)
    suggested = suggestion("tue-evening", now)
    assert suggested is not None
    assert timedelta(days=13) < suggested - now < timedelta(days=22)
    assert (suggested.weekday(), suggested.hour) == (1, 19)
