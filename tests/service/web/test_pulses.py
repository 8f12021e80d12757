"""Three questions, one a page, answered once and kept without a name."""

import re

import httpx
import pytest

from service import platforms
from service.auth import link_cookie, link_session
from service.db import Connection, transaction
from service.domain import Staff
from service.invitations import hash_token, new_link
from service.resources import Resources
from tests import factories
from tests.app import App
from tests.service.web.compare import everything

ALL = {"welcome": "4", "helped": "3", "staying": "5"}


@pytest.fixture
async def token(kring: Resources, coordinator: Staff) -> str:
    """The link in the message of a pulse, to one of five members."""
    platform, _ = await factories.platform(kring, coordinator)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await platforms.ask_pulse(conn, coordinator.municipality, platform)
        owed = await conn.fetchrow("select id, resident_id, subject_id from kring.outbox where kind = 'pulse' limit 1")
        assert owed is not None
        return await new_link(
            conn,
            coordinator.municipality,
            resident=owed["resident_id"],
            outbox_id=owed["id"],
            purpose="pulse",
            subject_id=owed["subject_id"],
            days=30,
        )


@pytest.fixture
async def member(app: App, token: str) -> httpx.AsyncClient:
    return await app.link_holder(token)


async def answers(owner: Connection) -> list[tuple[int, int, int]]:
    return [tuple(row) for row in await owner.fetch("select welcome, helped, staying from kring.pulse_answer")]


def fields(shown: httpx.Response) -> dict[str, str]:
    """What the page would send along by itself."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', shown.text))


async def test_a_link_to_a_pulse_opens_the_pulse(app: App, token: str) -> None:
    opened = await (await app.visitor()).get(f"/u/{token}")
    assert (opened.status_code, opened.headers["location"]) == (303, "/peiling")


async def test_a_link_to_a_pulse_opens_no_invitation(member: httpx.AsyncClient) -> None:
    assert (await member.get("/uitnodiging")).status_code == 404


async def test_a_link_to_an_invitation_opens_no_pulse(app: App, kring: Resources, coordinator: Staff) -> None:
    invited = await factories.approved(kring, coordinator)
    guest = await app.link_holder(await factories.link(kring, coordinator, invited.invitations[0]))
    assert (await guest.get("/peiling")).status_code == 404


async def test_looking_at_a_pulse_changes_nothing(member: httpx.AsyncClient, owner: Connection) -> None:
    before = await everything(owner)
    await member.get("/peiling")
    await member.head("/peiling")
    assert (await member.post("/peiling", data=ALL)).status_code == 403
    assert await everything(owner) == before


async def test_the_page_does_not_name_the_group(member: httpx.AsyncClient, owner: Connection) -> None:
    await owner.execute("update kring.platform set name = 'Kring over dementie'")
    assert "dementie" not in (await member.get("/peiling")).text


async def test_the_three_questions_are_walked_one_by_one(member: httpx.AsyncClient, owner: Connection) -> None:
    shown = await member.get("/peiling")
    for number, (question, value) in enumerate(ALL.items(), start=1):
        assert f"Vraag {number} van 3" in shown.text
        shown = await member.post("/peiling", data={**fields(shown), question: value})
    assert shown.status_code == 303
    assert await answers(owner) == [(4, 3, 5)]


async def test_half_an_answer_is_not_stored(app: App, member: httpx.AsyncClient, owner: Connection) -> None:
    before = await everything(owner)
    await app.submit(member, "/peiling", {"welcome": "4", "helped": "3"})
    assert await everything(owner) == before


async def test_going_back_keeps_what_was_answered(app: App, member: httpx.AsyncClient) -> None:
    back = await app.submit(member, "/peiling", {"welcome": "2", "back": "welcome"})
    assert re.search(r'value="2"[^>]* checked', back.text)


async def test_a_skipped_question_is_asked_again_in_place(app: App, member: httpx.AsyncClient) -> None:
    again = await app.submit(member, "/peiling", {"asked": "welcome"})
    assert again.status_code == 400
    assert "Kies een antwoord." in again.text


@pytest.mark.parametrize("odd", ["0", "6", "x", "", "²", "-1"])
async def test_an_answer_outside_the_scale_is_no_answer(
    app: App, member: httpx.AsyncClient, owner: Connection, odd: str
) -> None:
    assert (await app.submit(member, "/peiling", {**ALL, "asked": "welcome", "welcome": odd})).status_code == 400
    assert await answers(owner) == []


async def test_a_second_time_is_thanked_and_not_counted(app: App, member: httpx.AsyncClient, owner: Connection) -> None:
    csrf = fields(await member.get("/peiling"))["csrf"]
    for _ in range(2):
        sent = await member.post("/peiling", data={**ALL, "csrf": csrf}, follow_redirects=True)
    assert "Wij hebben uw antwoorden" in sent.text
    assert await answers(owner) == [(4, 3, 5)]


async def test_a_session_for_a_link_that_never_was_opens_nothing(app: App, kring: Resources) -> None:
    visitor = await app.visitor()
    visitor.cookies.set(link_cookie(kring), link_session(kring, hash_token("never")))
    assert (await visitor.get("/peiling")).status_code == 404
