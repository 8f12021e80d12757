"""The form around a note: suggestions applied, hits overruled, what is rare, and the reminder of direct help."""

from html import unescape
from typing import Any, TypeAlias

import asyncpg
import httpx
import pytest

from models.deidentify import Label
from service import note_words
from service.domain import OverruleReason, ReminderAnswer, Staff
from tests.app import App
from tests.service.web.test_needs import NEW, fields, filled_in

Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
CHECK = "/hulpvragen/controle"
TEXT = "Zij mist haar buurvrouw Anja en wil met anderen praten."
OVERRULED = "NAME:other:Anja"
DIALS = "Bel haar op 06 12345678, zij voelt zich alleen."
DANGER = "Haar man slaat haar. Zij wil praten met vrouwen die dat kennen."
RARE = "Moeder van een drieling zoekt andere ouders om mee te praten."


async def _checked(app: App, staff: Staff, **typed: Any) -> str:
    answer = await app.submit(await app.signed_in(staff), NEW, typed, to=CHECK)
    assert answer.status_code == 200
    return answer.text


def _note(page: httpx.Response) -> str:
    return unescape(page.text.partition('<textarea class="')[2].partition(">\n")[2].partition("</textarea>")[0])


async def _needs(owner: Owner) -> int:
    count: int = await owner.fetchval("select count(*) from kring.need")
    return count


# --- suggestions ----------------------------------------------------------------------------------------------------


async def test_a_hit_has_its_suggestion_and_a_button_for_it(app: App, caseworker: Staff) -> None:
    shown = unescape(await _checked(app, caseworker, text=TEXT))
    assert "U schreef “buurvrouw Anja” → beter: “buurvrouw”" in shown
    assert 'name="rewrite" value="NAME:Anja"' in shown


async def test_without_a_script_the_button_brings_the_page_back_with_the_note_rewritten(
    app: App, caseworker: Staff, owner: Owner
) -> None:
    client = await app.signed_in(caseworker)
    page = await app.submit(client, NEW, filled_in(text=TEXT, rewrite="NAME:Anja"))
    assert page.status_code == 200
    assert _note(page) == "Zij mist haar buurvrouw en wil met anderen praten."
    assert 'value="iemand@voorbeeld.test"' in page.text, "what else was typed stays"
    assert await _needs(owner) == 0, "a suggestion is not sent on"


async def test_the_live_check_hands_the_rewritten_note_to_the_script(app: App, caseworker: Staff) -> None:
    shown = await _checked(app, caseworker, text=TEXT, rewrite="NAME:Anja")
    assert '<output id="text-rewritten" hidden>Zij mist haar buurvrouw en wil met anderen praten.</output>' in shown
    assert "Wij zien geen namen" in shown


@pytest.mark.parametrize("rewrite", ["NAME:Kees", ":", "x", "PHONE:" + "9" * 5000, "NAME:Anja:x"])
async def test_a_button_that_was_never_there_changes_nothing(app: App, caseworker: Staff, rewrite: str) -> None:
    page = await app.submit(await app.signed_in(caseworker), NEW, filled_in(text=TEXT, rewrite=rewrite))
    assert (page.status_code, _note(page)) == (200, TEXT)


async def test_enter_in_a_field_never_presses_a_suggestion(app: App, caseworker: Staff) -> None:
    """A browser then presses the first button of the form."""
    page = await app.submit(await app.signed_in(caseworker), NEW, filled_in(text=TEXT))
    form = page.text.partition("<main")[2].partition("<form")[2]
    first = form.partition("<button")[2].partition(">")[0]
    assert "rewrite" in form
    assert "name=" not in first


# --- overruling -----------------------------------------------------------------------------------------------------


async def test_a_hit_that_was_overruled_goes_through(app: App, caseworker: Staff, owner: Owner) -> None:
    sent = await app.submit(await app.signed_in(caseworker), NEW, filled_in(text=TEXT, overruled=["", OVERRULED]))
    assert sent.status_code == 303
    assert await owner.fetchrow("select label, reason from kring.overruled_hit") == ("NAME", "other")


async def test_the_need_says_what_stayed_and_who_said_so(app: App, caseworker: Staff) -> None:
    client = await app.signed_in(caseworker)
    sent = await app.submit(client, NEW, filled_in(text=TEXT, overruled=[OVERRULED]))
    shown = await client.get(sent.headers["location"].removesuffix("/ontvangen"))
    assert f"Naam. Reden: “anders”, van {caseworker.name}" in shown.text


async def test_what_was_overruled_is_still_chosen_when_the_page_comes_back(app: App, caseworker: Staff) -> None:
    page = await app.submit(
        await app.signed_in(caseworker), NEW, filled_in(text=f"{TEXT} {DIALS}", overruled=[OVERRULED])
    )
    assert page.status_code == 400
    assert f'value="{OVERRULED}" selected' in page.text
    assert '<mark class="nl-mark">06 12345678</mark>' in page.text
    assert '<mark class="nl-mark">Anja</mark>' not in page.text


async def test_the_live_check_takes_an_overruled_hit_as_settled(app: App, caseworker: Staff) -> None:
    shown = await _checked(app, caseworker, text=TEXT, overruled=[OVERRULED])
    assert "Wij zien geen namen, plaatsen of data meer" in shown
    assert f'value="{OVERRULED}" selected' in shown


@pytest.mark.parametrize("reason", list(OverruleReason))
async def test_every_reason_can_be_chosen(app: App, caseworker: Staff, reason: OverruleReason) -> None:
    shown = await _checked(app, caseworker, text=TEXT)
    assert f'value="NAME:{reason}:Anja"' in shown
    assert note_words.REASONS[reason] in shown


async def test_a_telephone_number_offers_no_reason(app: App, caseworker: Staff) -> None:
    assert 'name="overruled"' not in await _checked(app, caseworker, text=DIALS)


@pytest.mark.parametrize(
    "sent", ["PHONE:other:06 12345678", "NAME:because:Anja", "NAME", "::", "Anja", "NAME:other", "naam:other:Anja"]
)
async def test_what_the_page_does_not_offer_is_told_at_the_field(
    app: App, caseworker: Staff, owner: Owner, sent: str
) -> None:
    text = f"{TEXT} {DIALS}"
    page = await app.submit(await app.signed_in(caseworker), NEW, filled_in(text=text, overruled=[sent]))
    assert page.status_code == 400
    if sent != "NAME:other":  # words that are nowhere: a reason for nothing
        assert 'id="overruled-e"' in page.text
        assert 'href="#overruled"' in page.text
        assert 'id="overruled"' in page.text
    assert await _needs(owner) == 0


async def test_words_with_markup_stay_text(app: App, caseworker: Staff) -> None:
    shown = await _checked(app, caseworker, text='Mail "><script>alert(1)</script>@x.nl of buurvrouw O\'Anja "Kees"')
    assert "<script>" not in shown


# --- what is rare ---------------------------------------------------------------------------------------------------


async def test_what_is_rare_is_warned_about_and_goes_through(app: App, caseworker: Staff) -> None:
    client = await app.signed_in(caseworker)
    shown = unescape((await app.submit(client, NEW, {"text": RARE}, to=CHECK)).text)
    assert "“drieling”: Zulke gezinnen zijn er weinig." in shown
    assert (await app.submit(client, NEW, filled_in(text=RARE))).status_code == 303


# --- the reminder ---------------------------------------------------------------------------------------------------


async def test_a_sign_of_danger_asks_once_whether_help_is_arranged(app: App, caseworker: Staff, owner: Owner) -> None:
    client = await app.signed_in(caseworker)
    data = filled_in(text=DANGER)
    page = await app.submit(client, NEW, data)
    assert page.status_code == 200
    for said in ("Is directe hulp geregeld?", "112", "0800-0113", "0800-2000", "Meldcode", "nog niet verstuurd"):
        assert said in page.text, said
    assert await _needs(owner) == 0
    again = await app.submit(client, NEW, {**data, "danger_told": fields(page)["danger_told"][0]})
    assert again.status_code == 303


@pytest.mark.parametrize("answer", list(note_words.ANSWERS))
async def test_any_answer_lets_the_need_through_at_once(
    app: App, caseworker: Staff, owner: Owner, answer: ReminderAnswer
) -> None:
    sent = await app.submit(await app.signed_in(caseworker), NEW, filled_in(text=DANGER, danger=answer.value))
    assert sent.status_code == 303
    assert await owner.fetchval("select detail from kring.audit where action = 'need.danger_reminded'") == answer


async def test_no_answer_is_an_answer(app: App, caseworker: Staff, owner: Owner) -> None:
    sent = await app.submit(await app.signed_in(caseworker), NEW, filled_in(text=DANGER, danger_told="1"))
    assert sent.status_code == 303
    assert await owner.fetchval("select detail from kring.audit where action = 'need.danger_reminded'") == "no_answer"


async def test_the_reminder_comes_with_the_mistakes_and_does_not_come_twice(
    app: App, caseworker: Staff, owner: Owner
) -> None:
    client = await app.signed_in(caseworker)
    page = await app.submit(client, NEW, filled_in(text=DANGER, area=""))
    assert page.status_code == 400
    assert 'id="area-e"' in page.text
    assert "Is directe hulp geregeld?" in page.text
    told = fields(page)["danger_told"][0]
    assert (await app.submit(client, NEW, filled_in(text=DANGER, danger_told=told))).status_code == 303


async def test_an_answer_to_a_reminder_that_never_came_is_not_kept(app: App, caseworker: Staff, owner: Owner) -> None:
    sent = await app.submit(await app.signed_in(caseworker), NEW, filled_in(danger="arranged", danger_told="1"))
    assert sent.status_code == 303
    assert await owner.fetchval("select count(*) from kring.audit where action = 'need.danger_reminded'") == 0


async def test_the_live_check_shows_the_reminder_without_counting_it_as_told(app: App, caseworker: Staff) -> None:
    shown = await _checked(app, caseworker, text=DANGER)
    assert "Is directe hulp geregeld?" in shown
    assert "danger_told" not in shown


async def test_without_a_sign_there_is_no_reminder(app: App, caseworker: Staff) -> None:
    page = await app.submit(await app.signed_in(caseworker), NEW, filled_in(area=""))
    assert "Is directe hulp geregeld?" not in page.text


async def test_nothing_of_the_sign_is_kept_with_the_need(app: App, caseworker: Staff, owner: Owner) -> None:
    await app.submit(await app.signed_in(caseworker), NEW, filled_in(text=DANGER, danger="arranged"))
    row = await owner.fetchval("select to_jsonb(n) - 'text' from kring.need n")
    assert not any(word in row for word in ("danger", "arranged", "violence", "gevaar"))


@pytest.mark.parametrize("label", sorted(Label))
def test_every_label_has_a_dutch_word(label: Label) -> None:
    assert note_words.LABELS[label].islower()
