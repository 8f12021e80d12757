"""A resident opens a personal link, reads why, and answers once; opening changes nothing, guessing tells nothing."""

import re
import secrets
from typing import Any

import httpx
import pytest

from models.plan import Code
from service import invitations, platforms
from service.db import Connection, transaction
from service.domain import Answer, Staff
from service.queries import platforms as platform_rows
from service.resources import Resources
from service.web.routes.invitations import TELLABLE
from tests import factories
from tests.app import App
from tests.service.web.compare import everything, without_nonce

YES, NOT_NOW, NEVER = ({"choice": choice} for choice in ("accepted", "not_now", "never"))


async def state(owner: Connection, invited: factories.Invited, which: int = 0) -> str:
    found: str = await owner.fetchval("select state from kring.invitation where id = $1", invited.invitations[which])
    return found


# --- opening --------------------------------------------------------------------------------------------------------


async def test_a_link_is_exchanged_for_an_address_without_the_token(app: App, token: str) -> None:
    opened = await (await app.visitor()).get(f"/u/{token}")
    assert (opened.status_code, opened.headers["location"]) == (303, "/uitnodiging")


async def test_the_session_of_a_link_is_short_and_out_of_reach_of_scripts(app: App, token: str) -> None:
    cookie = (await (await app.visitor()).get(f"/u/{token}")).headers["set-cookie"]
    assert {"HttpOnly", "SameSite=lax", "Max-Age=1800", "Path=/"} <= set(cookie.split("; "))
    assert token not in cookie


async def test_opening_scanning_and_posting_blindly_change_nothing(app: App, token: str, owner: Connection) -> None:
    before = await everything(owner)
    visitor = await app.visitor()
    for _ in range(3):
        assert (await visitor.get(f"/u/{token}", follow_redirects=True)).status_code == 200
    assert (await visitor.head(f"/u/{token}")).status_code == 303
    for path in (f"/u/{token}", "/uitnodiging", "/mijn-gegevens/intrekken"):
        assert (await visitor.post(path, data=YES)).status_code in {403, 405}
    assert await everything(owner) == before


async def test_a_form_from_another_site_is_refused(app: App, resident: httpx.AsyncClient) -> None:
    resident.headers["sec-fetch-site"] = "cross-site"
    assert (await app.submit(resident, "/uitnodiging", YES)).status_code == 403


async def test_a_form_of_another_link_is_refused(
    app: App, kring: Resources, coordinator: Staff, invited: factories.Invited, resident: httpx.AsyncClient
) -> None:
    other = await app.link_holder(await factories.link(kring, coordinator, invited.invitations[1]))
    csrf = re.search(r'name="csrf" value="([^"]+)"', (await other.get("/uitnodiging")).text)
    assert csrf
    assert (await resident.post("/uitnodiging", data={**YES, "csrf": csrf[1]})).status_code == 403


@pytest.mark.parametrize(
    "odd",
    ["", "x", "%00", "a%00b", "%2e%2e%2fu", "a/b", "%F0%9F%98%80", "%FF", "%ED%A0%80", "x" * 5000, "%27or%201=1--"],
)
async def test_an_odd_token_gets_the_page_of_an_unknown_one(app: App, odd: str) -> None:
    visitor = await app.visitor()
    unknown = await visitor.get(f"/u/{secrets.token_urlsafe(24)}")
    assert unknown.status_code == 404
    assert without_nonce(await visitor.get(f"/u/{odd}")) == without_nonce(unknown)


@pytest.mark.parametrize("ended", ["expires_at = now() - interval '1 second'", "revoked_at = now()"])
async def test_an_expired_and_a_revoked_link_get_the_page_of_an_unknown_one(
    app: App, token: str, owner: Connection, ended: str
) -> None:
    await owner.execute(f"update kring.link set {ended}, created_at = now() - interval '31 days'")
    visitor = await app.visitor()
    unknown = await visitor.get(f"/u/{secrets.token_urlsafe(24)}")
    assert without_nonce(await visitor.get(f"/u/{token}")) == without_nonce(unknown)


async def test_a_visitor_without_a_link_gets_the_page_of_an_unknown_link(app: App) -> None:
    answer = await (await app.visitor()).get("/uitnodiging")
    assert answer.status_code == 404
    assert "Deze link werkt niet meer" in answer.text


async def test_a_session_that_was_tampered_with_is_no_session(app: App, resident: httpx.AsyncClient) -> None:
    (name,) = resident.cookies.keys()
    value = resident.cookies[name]
    resident.cookies.set(name, ("B" if value[0] == "A" else "A") + value[1:])
    assert (await resident.get("/uitnodiging")).status_code == 404


async def test_an_invitation_that_lapsed_gets_the_page_of_an_unknown_link(
    resident: httpx.AsyncClient, owner: Connection
) -> None:
    await owner.execute("update kring.invitation set state = 'expired'")
    assert (await resident.get("/uitnodiging")).status_code == 404


async def test_an_invitation_that_was_taken_back_leads_to_the_own_page(
    resident: httpx.AsyncClient, owner: Connection
) -> None:
    """Whoever leaves one group, or takes back one consent, still comes to the rest by the same link."""
    await owner.execute("update kring.invitation set state = 'withdrawn'")
    gone = await resident.get("/uitnodiging")
    assert (gone.status_code, gone.headers["location"]) == (303, "/mijn-gegevens")


# --- what it tells before the answer --------------------------------------------------------------------------------


async def put_reasons(owner: Connection, *reasons: dict[str, Any]) -> None:
    await owner.set_type_codec("jsonb", schema="pg_catalog", encoder=str, decoder=str)
    rows = "[" + ",".join(str(reason).replace("'", '"') for reason in reasons) + "]"
    await owner.execute("update kring.proposal_member set reasons = $1", rows)


async def test_nothing_before_the_answer_tells_what_the_group_is_about(
    resident: httpx.AsyncClient, owner: Connection
) -> None:
    await owner.execute("update kring.proposal set title = 'Kring over dementie'")
    await put_reasons(
        owner,
        {"code": "shared_theme", "params": {"label": "dementie"}},
        {"code": "shared_perspective", "params": {"perspective": "foster_parent"}},
        {"code": "can_come", "params": {"daypart": "tue-evening"}},
    )
    shown = await resident.get("/uitnodiging")
    assert "dementie" not in (shown.text + str(shown.url) + str(shown.headers)).lower()
    assert "pleeg" not in shown.text


async def test_the_reasons_are_told_in_plain_words(resident: httpx.AsyncClient, owner: Connection) -> None:
    await put_reasons(
        owner,
        {"code": "close_to_others", "params": {"count": 4, "size": 6}},
        {"code": "can_come", "params": {"daypart": "tue-evening"}},
        {"code": "waited_long", "params": {"days": 120}},
    )
    shown = (await resident.get("/uitnodiging")).text
    assert "Uw vraag lijkt op die van 4 anderen." in shown
    assert "U zei dat dinsdagavond goed uitkomt." in shown
    assert "U wacht al 120 dagen op een groep." in shown


@pytest.mark.parametrize("code", sorted(TELLABLE))
async def test_every_reason_that_may_be_told_has_its_sentence(
    resident: httpx.AsyncClient, owner: Connection, code: Code
) -> None:
    params = {"count": 4, "size": 6, "daypart": "tue-evening", "km": 2, "days": 120, "language": "tr"}
    await put_reasons(owner, {"code": str(code), "params": params})
    listed = re.findall(r"<li[^>]*>(.*?)</li>", (await resident.get("/uitnodiging")).text, re.DOTALL)
    assert listed[0].strip().endswith(".")


async def test_the_page_says_who_approved_and_where_and_how_many(resident: httpx.AsyncClient) -> None:
    shown = (await resident.get("/uitnodiging")).text
    assert "coordinator Waterdam" in shown
    assert "Buurthuis De Linde" in shown
    assert "Wij vragen 6 mensen. De groep begint als 5 mensen ja zeggen." in shown


async def test_no_choice_is_made_beforehand(resident: httpx.AsyncClient) -> None:
    assert "checked" not in (await resident.get("/uitnodiging")).text


async def test_a_parent_reads_about_the_child(app: App, kring: Resources, coordinator: Staff) -> None:
    children = tuple([await factories.submit(kring, coordinator, factories.childs_need()) for _ in range(5)])
    invited = await factories.approved(kring, coordinator, people=children)
    parent = await app.link_holder(await factories.link(kring, coordinator, invited.invitations[0]))
    shown = (await parent.get("/uitnodiging")).text
    assert "wat uw kind meemaakt" in shown
    assert "Ja, mijn kind doet mee" in shown


# --- the answer -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("choice", list(Answer))
async def test_an_answer_is_kept(
    app: App, resident: httpx.AsyncClient, owner: Connection, invited: factories.Invited, choice: Answer
) -> None:
    sent = await app.submit(resident, "/uitnodiging", {"choice": choice})
    assert (sent.status_code, sent.headers["location"]) == (303, "/uitnodiging")
    assert await state(owner, invited) == choice


@pytest.mark.parametrize(
    ("choice", "heading"),
    [(YES, "U doet mee"), (NOT_NOW, "U doet nu niet mee"), (NEVER, "Wij vragen u dit niet meer")],
)
async def test_the_link_keeps_showing_what_was_answered(
    app: App, resident: httpx.AsyncClient, token: str, choice: dict[str, str], heading: str
) -> None:
    await app.submit(resident, "/uitnodiging", choice)
    again = await (await app.visitor()).get(f"/u/{token}", follow_redirects=True)
    assert f">{heading}</h1>" in again.text


async def test_a_second_answer_changes_nothing_and_shows_the_first(
    app: App, resident: httpx.AsyncClient, owner: Connection, invited: factories.Invited
) -> None:
    csrf = re.search(r'name="csrf" value="([^"]+)"', (await resident.get("/uitnodiging")).text)
    assert csrf
    await resident.post("/uitnodiging", data={**NOT_NOW, "csrf": csrf[1]})
    second = await resident.post("/uitnodiging", data={**YES, "csrf": csrf[1]}, follow_redirects=True)
    assert ">U doet nu niet mee</h1>" in second.text
    assert await state(owner, invited) == "not_now"


@pytest.mark.parametrize("nonsense", [{}, {"choice": ""}, {"choice": "ja"}, {"choice": "expired"}])
async def test_sending_without_a_choice_asks_for_one_in_place(
    app: App, resident: httpx.AsyncClient, owner: Connection, invited: factories.Invited, nonsense: dict[str, str]
) -> None:
    again = await app.submit(resident, "/uitnodiging", nonsense)
    assert again.status_code == 400
    assert "<title>Fout: " in again.text
    assert 'href="#choice"' in again.text
    assert await state(owner, invited) == "sent"


async def test_after_yes_the_group_has_a_name_and_the_page_says_how_many_are_missing(
    app: App, resident: httpx.AsyncClient, owner: Connection
) -> None:
    await owner.execute("update kring.proposal set title = 'Samen op dinsdag'")
    await app.submit(resident, "/uitnodiging", YES)
    shown = (await resident.get("/uitnodiging")).text
    assert "De groep heet: Samen op dinsdag." in shown
    assert "De groep begint als er nog 4 mensen ja zeggen." in shown


async def test_who_said_yes_to_a_group_that_was_given_up_reads_so(
    app: App, kring: Resources, resident: httpx.AsyncClient, owner: Connection, coordinator: Staff
) -> None:
    await app.submit(resident, "/uitnodiging", YES)
    await owner.execute("update kring.invitation set expires_at = now() - interval '1 minute'")
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await invitations.give_up(conn, coordinator.municipality)
    assert ">De groep gaat niet door</h1>" in (await resident.get("/uitnodiging")).text


async def test_the_fifth_yes_starts_the_group_and_wakes_the_worker(
    app: App, kring: Resources, coordinator: Staff, invited: factories.Invited, resident: httpx.AsyncClient
) -> None:
    for invitation in invited.invitations[1:5]:
        await factories.answer(kring, coordinator, invitation)
    await app.submit(resident, "/uitnodiging", YES)
    assert "De groep gaat door." in (await resident.get("/uitnodiging")).text
    assert await queued(kring) == 1


async def test_a_no_wakes_nobody(app: App, kring: Resources, resident: httpx.AsyncClient) -> None:
    await app.submit(resident, "/uitnodiging", NEVER)
    assert await queued(kring) == 0


async def queued(kring: Resources) -> int:
    from redis.asyncio import Redis

    from service.enqueue import QUEUE

    async with Redis.from_url(kring.settings.redis_url.get_secret_value()) as client:
        return int(await client.zcard(QUEUE))


async def test_never_also_wipes_how_to_reach_this_person(
    app: App, resident: httpx.AsyncClient, owner: Connection, invited: factories.Invited
) -> None:
    await app.submit(resident, "/uitnodiging", NEVER)
    left = await owner.fetchval("select count(*) from vault.contact where resident_id = $1", invited.people[0].resident)
    assert left == 0


async def test_the_page_of_a_group_that_stopped_asks_nothing_any_more(
    app: App, kring: Resources, coordinator: Staff, invited: factories.Invited, owner: Connection
) -> None:
    for invitation in invited.invitations[:5]:
        await factories.answer(kring, coordinator, invitation)
    late = await app.link_holder(await factories.link(kring, coordinator, invited.invitations[5]))
    csrf = re.search(r'name="csrf" value="([^"]+)"', (await late.get("/uitnodiging")).text)
    assert csrf
    await owner.execute("update kring.platform set state = 'ended', end_reason = 'not_needed', ended_at = now()")
    too_late = await late.post("/uitnodiging", data={**YES, "csrf": csrf[1]}, follow_redirects=True)
    assert ">De groep is gestopt</h1>" in too_late.text
    assert await state(owner, invited, 5) == "sent"


async def test_a_member_sees_the_next_meeting_not_the_first(
    app: App,
    kring: Resources,
    coordinator: Staff,
    invited: factories.Invited,
    resident: httpx.AsyncClient,
    owner: Connection,
) -> None:
    for invitation in invited.invitations[:5]:
        await factories.answer(kring, coordinator, invitation)
    await owner.execute("update kring.meeting set state = 'cancelled'")
    async with transaction(kring.pool, coordinator.municipality) as conn:
        platform = await platform_rows.platform_of_proposal(conn, invited.proposal)
    await owner.execute(
        """
        insert into kring.meeting (municipality_id, platform_id, place, starts_at)
        values ($1, $2, $3, now() + interval '3 weeks')
        """,
        coordinator.municipality, platform, "Bibliotheek",
    )  # fmt: skip
    shown = (await resident.get("/uitnodiging")).text
    assert "Bibliotheek" in shown
    assert "Buurthuis De Linde" not in shown


async def test_a_pause_shows_no_meeting(
    app: App, kring: Resources, coordinator: Staff, invited: factories.Invited
) -> None:
    for one in invited.invitations[:5]:
        await factories.answer(kring, coordinator, one, Answer.ACCEPTED)
    resident = await app.link_holder(await factories.link(kring, coordinator, invited.invitations[0]))
    assert "De volgende bijeenkomst" in (await resident.get("/uitnodiging")).text
    async with transaction(kring.pool, coordinator.municipality) as conn:
        (platform,) = await platform_rows.platforms(conn)
        await platforms.pause(conn, coordinator, platform.id)
    paused = (await resident.get("/uitnodiging")).text
    assert "De groep heeft nu pauze." in paused
    assert "De volgende bijeenkomst" not in paused
