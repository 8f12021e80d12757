"""The pages of needs: list, form, live check, one need, withdrawing it."""

import re
import uuid
from html import unescape
from typing import Any, TypeAlias

import asyncpg
import httpx
import pytest

from models.plan import Code, Plan, Reason, Ungrouped
from service.domain import Answer, Purpose, Staff
from service.resources import Resources
from tests.app import App
from tests.factories import answer as answer_invitation
from tests.factories import approved, draft, store_plan, submit

Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
NEW = "/hulpvragen/nieuw"


def fields(answer: httpx.Response) -> dict[str, list[str]]:
    """The hidden fields of the form, as a browser sends them; a name may come more than once."""
    found: dict[str, list[str]] = {}
    form = answer.text.partition("<main")[2]
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form):
        found.setdefault(name, []).append(unescape(value))
    return found


def filled_in(**changes: Any) -> dict[str, Any]:
    """The form as a caseworker fills it in without a mistake; None takes a field out."""
    data = {
        "submission_key": str(uuid.uuid4()),
        "text": "Zorgt al jaren voor haar moeder met dementie en komt nergens anders meer aan toe.",
        "perspective": "child",
        "age_band": "40_64",
        "area": "BU01",
        "languages": ["nl", "en"],
        "dayparts": ["tue-evening", "wed-morning"],
        "meeting": "either",
        "consents": ["matching", "invitation"],
        "given_by": "self",
        "recorded_how": "in_person",
        "channel": "email",
        "contact_email": "iemand@voorbeeld.test",
        "apart": "",
    }
    return {name: value for name, value in (data | changes).items() if value is not None}


async def test_a_filled_in_form_becomes_a_need(app: App, caseworker: Staff) -> None:
    client = await app.signed_in(caseworker)
    sent = await app.submit(client, NEW, filled_in())
    assert sent.status_code == 303
    received = await client.get(sent.headers["location"])
    assert "is ontvangen" in received.text


async def test_a_session_that_ended_while_typing_loses_nothing(app: App, caseworker: Staff, owner: Owner) -> None:
    client = await app.signed_in(caseworker)
    data = filled_in(text="Zorgt voor haar moeder.\r\nZij zoekt anderen die dat ook doen, om mee te praten.")
    token = fields(await client.get(NEW))["csrf"]
    await owner.execute("delete from kring.staff_session")
    kept = await client.post(NEW, data={**data, "csrf": token})
    assert kept.status_code == 401
    again = await app.signed_in(caseworker)
    stale = await again.post(NEW, data=fields(kept))
    assert stale.status_code == 403, "sent by somebody else's session until its own form was shown"
    sent = await again.post(NEW, data=fields(stale))
    assert sent.status_code == 303
    stored = await owner.fetchrow("select text, languages, dayparts from kring.need")
    assert stored is not None
    assert "Zij zoekt anderen" in stored["text"]
    assert set(stored["languages"]) == {"nl", "en"}
    assert set(stored["dayparts"]) == {"tue-evening", "wed-morning"}


async def test_what_another_site_sends_as_a_need_is_not_kept(app: App, caseworker: Staff) -> None:
    client = await app.signed_in(caseworker)
    client.headers["sec-fetch-site"] = "cross-site"
    answer = await app.submit(client, NEW, filled_in())
    assert answer.status_code == 403
    assert "Zorgt al jaren" not in answer.text


async def test_without_consent_to_invite_the_caseworker_hears_that_nothing_is_sent(app: App, caseworker: Staff) -> None:
    client = await app.signed_in(caseworker)
    data = filled_in(consents=["matching"], channel=None, contact_email=None)
    received = await client.get((await app.submit(client, NEW, data)).headers["location"])
    assert "Kring stuurt niets" in received.text


async def test_the_form_opens_with_no_consent_ticked(app: App, caseworker: Staff) -> None:
    shown = (await (await app.signed_in(caseworker)).get(NEW)).text
    boxes = [line for line in shown.splitlines() if 'name="consents"' in line]
    assert len(boxes) == len(Purpose)
    assert not any("checked" in box for box in boxes)


async def test_a_form_sent_twice_is_one_need(app: App, caseworker: Staff, owner: Owner) -> None:
    client = await app.signed_in(caseworker)
    data = filled_in()
    first, second = [await app.submit(client, NEW, data) for _ in range(2)]
    assert first.headers["location"] == second.headers["location"]
    assert await owner.fetchval("select count(*) from kring.need") == 1


async def test_an_empty_form_gets_a_message_at_every_field(app: App, caseworker: Staff, owner: Owner) -> None:
    answer = await app.submit(await app.signed_in(caseworker), NEW, {})
    assert answer.status_code == 400
    assert "<title>Fout: " in answer.text
    for name in "text perspective age_band area languages dayparts meeting consents given_by recorded_how".split():
        assert f'id="{name}-e"' in answer.text, name
        assert f'href="#{name}"' in answer.text, name
        assert f'id="{name}"' in answer.text, name
    assert await owner.fetchval("select count(*) from kring.need") == 0


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"text": "a" * 4001}, "text"),
        ({"text": "Zorgt voor haar\0 moeder."}, "text"),
        ({"text": "hoi"}, "text"),
        ({"perspective": "neighbour"}, "perspective"),
        ({"age_band": "old"}, "age_band"),
        ({"area": "BU99"}, "area"),
        ({"area": "BU\0"}, "area"),
        ({"languages": ["xx"]}, "languages"),
        ({"dayparts": ["mon-night"]}, "dayparts"),
        ({"meeting": "letter"}, "meeting"),
        ({"consents": ["invitation"]}, "consents"),
        ({"consents": ["matching", "invitation", "everything"]}, "consents"),
        ({"consents": ["matching", "follow_up"], "channel": None, "contact_email": None}, "consents"),
        ({"given_by": "neighbour"}, "given_by"),
        ({"age_band": "12_15"}, "given_by"),
        ({"recorded_how": "link"}, "recorded_how"),
        ({"channel": None}, "channel"),
        ({"channel": "pigeon"}, "channel"),
        ({"contact_email": "iemand"}, "contact_email"),
        ({"contact_email": "a" * 501}, "contact_email"),
        ({"channel": "mobile", "contact_mobile": "12"}, "contact_mobile"),
        ({"channel": "post", "contact_post": "thuis"}, "contact_post"),
        ({"consents": ["matching"]}, "contact_email"),
        ({"apart": "2222-2222"}, "apart"),
        ({"apart": "x\0"}, "apart"),
        ({"apart": "2222-2222\n" * 30}, "apart"),
    ],
)
async def test_a_wrong_field_is_told_at_the_field_and_nothing_is_stored(
    app: App, caseworker: Staff, owner: Owner, changes: dict[str, Any], field: str
) -> None:
    answer = await app.submit(await app.signed_in(caseworker), NEW, filled_in(**changes))
    assert answer.status_code == 400
    assert f'id="{field}-e"' in answer.text
    assert await owner.fetchval("select count(*) from kring.resident") == 0


async def test_all_problems_are_told_at_once(app: App, caseworker: Staff) -> None:
    answer = await app.submit(
        await app.signed_in(caseworker), NEW, filled_in(text="", meeting="letter", contact_email="x", area="")
    )
    for field in ("text", "meeting", "contact_email", "area"):
        assert f'id="{field}-e"' in answer.text, field


async def test_a_file_where_text_belongs_is_no_text(app: App, caseworker: Staff) -> None:
    client = await app.signed_in(caseworker)
    token = (await client.get(NEW)).text.partition('name="csrf" value="')[2].partition('"')[0]
    answer = await client.post(NEW, data={"csrf": token}, files={"text": ("note.txt", b"een hulpvraag")})
    assert answer.status_code == 400


async def test_what_was_typed_is_kept_after_a_mistake(app: App, caseworker: Staff) -> None:
    answer = await app.submit(
        await app.signed_in(caseworker), NEW, filled_in(area="", consents=["matching"], apart="2345-6789")
    )
    assert "Zorgt al jaren voor haar moeder" in answer.text
    assert 'value="iemand@voorbeeld.test"' in answer.text
    assert "2345-6789" in answer.text
    (box,) = [line for line in answer.text.splitlines() if 'name="consents" value="matching"' in line]
    assert "checked" in box


async def test_identifying_words_are_shown_in_place(app: App, caseworker: Staff, owner: Owner) -> None:
    answer = await app.submit(
        await app.signed_in(caseworker), NEW, filled_in(text="Bel haar op 06 12345678, zij voelt zich alleen.")
    )
    assert answer.status_code == 400
    assert '<mark class="nl-mark">06 12345678</mark>' in answer.text
    assert "U schreef “06 12345678”" in answer.text
    assert await owner.fetchval("select count(*) from kring.need") == 0


async def test_markup_in_the_text_stays_text(app: App, caseworker: Staff) -> None:
    text = "<script>alert(1)</script> belt met 06 12345678 en voelt zich alleen."
    answer = await app.submit(await app.signed_in(caseworker), NEW, filled_in(text=text))
    assert "<script>alert" not in answer.text


async def test_the_live_check_marks_what_identifies(app: App, caseworker: Staff) -> None:
    client = await app.signed_in(caseworker)
    answer = await app.submit(client, NEW, {"text": "Bel 06 12345678 over thuis."}, to="/hulpvragen/controle")
    assert answer.status_code == 200
    assert '<mark class="nl-mark">06 12345678</mark>' in answer.text


@pytest.mark.parametrize("text", ["", "x", "a\0b", "woord " * 2000])
async def test_the_live_check_takes_any_text(app: App, caseworker: Staff, text: str) -> None:
    client = await app.signed_in(caseworker)
    answer = await app.submit(client, NEW, {"text": text}, to="/hulpvragen/controle")
    assert answer.status_code == 200


async def test_it_does_not_matter_when_is_every_daypart(app: App, caseworker: Staff, owner: Owner) -> None:
    await app.submit(await app.signed_in(caseworker), NEW, filled_in(dayparts=["any"]))
    assert await owner.fetchval("select cardinality(dayparts) from kring.need") == 21


async def test_an_address_without_consent_is_not_kept(app: App, caseworker: Staff, owner: Owner) -> None:
    data = filled_in(consents=["matching"], channel=None, contact_email=None)
    assert (await app.submit(await app.signed_in(caseworker), NEW, data)).status_code == 303
    assert await owner.fetchval("select count(*) from vault.contact") == 0


async def test_two_people_are_kept_apart_by_number(app: App, kring: Resources, caseworker: Staff, owner: Owner) -> None:
    other = await submit(kring, caseworker)
    await app.submit(await app.signed_in(caseworker), NEW, filled_in(apart=f" {other.reference.lower()} \n"))
    assert await owner.fetchval("select count(*) from kring.apart") == 1


@pytest.mark.parametrize("path", [NEW, "/hulpvragen/controle", "/hulpvragen/2345-6789/intrekking"])
async def test_a_form_without_its_token_is_refused(app: App, caseworker: Staff, path: str) -> None:
    assert (await (await app.signed_in(caseworker)).post(path, data=filled_in())).status_code == 403


@pytest.mark.parametrize("path", ["/hulpvragen", NEW, "/hulpvragen/2345-6789", "/hulpvragen/2345-6789/ontvangen"])
async def test_a_manager_opens_no_need(app: App, manager: Staff, path: str) -> None:
    assert (await (await app.signed_in(manager)).get(path)).status_code == 403


async def test_the_list_has_the_own_needs_only(
    app: App, kring: Resources, caseworker: Staff, coordinator: Staff
) -> None:
    own, other = await submit(kring, caseworker), await submit(kring, coordinator)
    shown = (await (await app.signed_in(caseworker)).get("/hulpvragen")).text
    assert own.reference in shown
    assert other.reference not in shown


async def test_a_coordinator_sees_all_needs(app: App, kring: Resources, caseworker: Staff, coordinator: Staff) -> None:
    need = await submit(kring, caseworker)
    assert need.reference in (await (await app.signed_in(coordinator)).get("/hulpvragen")).text


async def test_an_empty_list_says_what_to_do(app: App, caseworker: Staff) -> None:
    assert "Dien de eerste in" in (await (await app.signed_in(caseworker)).get("/hulpvragen")).text


async def test_paging_shows_every_need_once(app: App, kring: Resources, caseworker: Staff, owner: Owner) -> None:
    """Also needs that were stored at one moment, as an import does."""
    references = {(await submit(kring, caseworker)).reference for _ in range(30)}
    await owner.execute("update kring.need set created_at = now()")
    client = await app.signed_in(caseworker)
    first = (await client.get("/hulpvragen")).text
    link = first.partition('href="/hulpvragen?na=')[2].partition('"')[0]
    second = (await client.get(f"/hulpvragen?na={link}")).text
    on_first = {reference for reference in references if f'href="/hulpvragen/{reference}"' in first}
    on_second = {reference for reference in references if f'href="/hulpvragen/{reference}"' in second}
    assert on_first | on_second == references
    assert not on_first & on_second


async def test_another_municipalitys_need_does_not_exist(
    app: App, kring: Resources, other_caseworker: Staff, coordinator: Staff
) -> None:
    need = await submit(kring, other_caseworker)
    client = await app.signed_in(coordinator)
    assert (await client.get(f"/hulpvragen/{need.reference}")).status_code == 404
    sent = await app.submit(client, NEW, {}, to=f"/hulpvragen/{need.reference}/intrekking")
    assert sent.status_code == 404


async def test_a_colleagues_need_does_not_exist_for_a_caseworker(
    app: App, kring: Resources, caseworker: Staff, coordinator: Staff
) -> None:
    need = await submit(kring, coordinator)
    client = await app.signed_in(caseworker)
    assert (await client.get(f"/hulpvragen/{need.reference}")).status_code == 404
    assert (await client.get(f"/hulpvragen/{need.reference}/ontvangen")).status_code == 404


@pytest.mark.parametrize("reference", ["nonsense", "2345-678", "%00", "2345-6789"])
async def test_a_number_that_is_nobodys_is_not_found(app: App, caseworker: Staff, reference: str) -> None:
    assert (await (await app.signed_in(caseworker)).get(f"/hulpvragen/{reference}")).status_code == 404


async def test_contact_details_are_never_shown_again(app: App, kring: Resources, caseworker: Staff) -> None:
    client = await app.signed_in(caseworker)
    sent = await app.submit(client, NEW, filled_in())
    reference = sent.headers["location"].split("/")[2]
    for path in (f"/hulpvragen/{reference}", f"/hulpvragen/{reference}/ontvangen", "/hulpvragen"):
        assert "voorbeeld.test" not in (await client.get(path)).text


async def test_no_group_yet_is_told_with_its_reason(app: App, kring: Resources, caseworker: Staff) -> None:
    need = await submit(kring, caseworker)
    left = Ungrouped(str(need.need), Reason(Code.THEME_TOO_SMALL, {"found": 2, "needed": 4}))
    await store_plan(kring, caseworker, Plan((), (), (left,), "handmade", 1))
    shown = (await (await app.signed_in(caseworker)).get(f"/hulpvragen/{need.reference}")).text
    assert "Wij vonden nog geen groep." in shown
    assert "vergelijkbare vraag: 2." in shown


async def test_a_need_in_a_draft_is_in_a_proposal(app: App, kring: Resources, coordinator: Staff) -> None:
    seated = await draft(kring, coordinator)
    shown = (await (await app.signed_in(coordinator)).get(f"/hulpvragen/{seated.people[0].reference}")).text
    assert "In een voorstel" in shown
    assert f"/voorstellen/{seated.proposal}" in shown


@pytest.mark.parametrize("path", ["/hulpvragen", "/hulpvragen/{}"])
@pytest.mark.parametrize("choice", list(Answer))
async def test_nobody_reads_from_a_need_what_the_resident_answered(
    app: App, kring: Resources, coordinator: Staff, choice: Answer, path: str
) -> None:
    invited = await approved(kring, coordinator)
    client = await app.signed_in(coordinator)
    page = path.format(invited.people[0].reference)
    before = (await client.get(page)).text
    await answer_invitation(kring, coordinator, invited.invitations[0], choice)
    after = (await client.get(page)).text
    assert _without_secrets(after) == _without_secrets(before)


def _without_secrets(shown: str) -> list[str]:
    """The page without what differs at every view: its token and its nonce."""
    return [line for line in shown.splitlines() if "csrf" not in line and "nonce" not in line]


async def test_withdrawing_wipes_the_text_and_the_contact_details(
    app: App, kring: Resources, caseworker: Staff, owner: Owner
) -> None:
    need = await submit(kring, caseworker)
    client = await app.signed_in(caseworker)
    sent = await app.submit(client, NEW, {}, to=f"/hulpvragen/{need.reference}/intrekking")
    assert sent.status_code == 303
    shown = (await client.get(sent.headers["location"])).text
    assert "De toestemming om te zoeken is ingetrokken" in shown
    assert "Zorgt al jaren" not in shown
    assert await owner.fetchval("select count(*) from vault.contact") == 0


async def test_withdrawing_twice_is_withdrawing_once(app: App, kring: Resources, caseworker: Staff) -> None:
    need = await submit(kring, caseworker)
    client = await app.signed_in(caseworker)
    for _ in range(2):
        sent = await app.submit(client, NEW, {}, to=f"/hulpvragen/{need.reference}/intrekking")
    assert sent.status_code == 303
