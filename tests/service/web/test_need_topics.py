"""What a need is about: suggested by Kring, confirmed or changed by a person, and never needed."""

import logging
import re
from typing import TypeAlias

import asyncpg
import pytest

from models.taxonomy import taxonomy
from service.domain import Staff
from service.resources import Resources
from tests.app import App
from tests.factories import submit
from tests.service.web.test_needs import NEW, filled_in

Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
CHECK = "/hulpvragen/controle"
CLEAR = "moeder van een zoon met autisme"
UNREADABLE = "ქართული ენა"  # not one word of it is known, so nobody can be sure
NOT_SURE = "Kring herkent geen onderwerp in deze tekst."


def offered(shown: str) -> dict[str, bool]:
    """The topics with a box, in order, and whether it is ticked."""
    boxes = re.findall(r'<input type="checkbox" name="topics" value="([^"]+)"([^>]*)>', shown)
    return {topic: "checked" in rest for topic, rest in boxes}


async def stored(owner: Owner) -> list[str]:
    found: list[str] = await owner.fetchval("select topics from kring.need")
    return found


async def test_an_empty_form_offers_the_list_and_none_of_these(app: App, caseworker: Staff) -> None:
    shown = (await (await app.signed_in(caseworker)).get(NEW)).text
    assert offered(shown) == {}
    assert NOT_SURE not in shown
    assert 'name="no_topic"' in shown
    listed = re.findall(r'<option value="(\w+)"', shown.partition('id="other_topic"')[2].partition("</select>")[0])
    assert sorted(listed) == sorted(taxonomy().topics)
    for domain in taxonomy().domains:
        assert f'<optgroup label="{domain.label}">' in shown


async def test_a_note_gets_three_suggestions_and_none_is_ticked(app: App, caseworker: Staff) -> None:
    answer = await app.submit(await app.signed_in(caseworker), NEW, {"text": CLEAR}, to=CHECK)
    found = offered(answer.text)
    assert len(found) == 3
    assert "autism_child_parent" in found
    assert not any(found.values())
    topic = taxonomy().topic("autism_child_parent")
    assert topic.label in answer.text
    assert topic.description in answer.text


async def test_a_suggestion_never_shows_how_likely_it_is(app: App, caseworker: Staff) -> None:
    answer = await app.submit(await app.signed_in(caseworker), NEW, {"text": CLEAR}, to=CHECK)
    words = re.sub(r"<[^>]+>", " ", answer.text)
    assert not re.search(r"%|0[.,]\d|procent", words)


async def test_who_asks_changes_what_is_suggested(app: App, caseworker: Staff) -> None:
    client = await app.signed_in(caseworker)
    text = "Zorgt al jaren en zoekt anderen die hetzelfde meemaken met dementie."
    found = [
        offered((await app.submit(client, NEW, {"text": text, "perspective": asks}, to=CHECK)).text)
        for asks in ("self", "partner", "nobody")
    ]
    assert list(found[0]) != list(found[1])
    assert len(found[2]) == 3, "who asks is not filled in yet, or not readable: suggested from the note alone"


async def test_kring_says_so_when_it_is_not_sure(app: App, caseworker: Staff) -> None:
    answer = await app.submit(await app.signed_in(caseworker), NEW, {"text": UNREADABLE}, to=CHECK)
    assert NOT_SURE in answer.text
    assert offered(answer.text) == {}


@pytest.mark.parametrize("text", ["", "  \n", "autisme " * 600])
async def test_what_is_no_note_gets_no_suggestions(app: App, caseworker: Staff, text: str) -> None:
    answer = await app.submit(await app.signed_in(caseworker), NEW, {"text": text}, to=CHECK)
    assert answer.status_code == 200
    assert offered(answer.text) == {}
    assert NOT_SURE not in answer.text


async def test_the_live_check_leaves_nothing_of_the_note_behind(
    app: App, caseworker: Staff, owner: Owner, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    client = await app.signed_in(caseworker)
    with caplog.at_level(logging.DEBUG):
        await app.submit(client, NEW, {"text": CLEAR, "topics": "autism_child_parent"}, to=CHECK)
    written = capfd.readouterr()
    assert "autis" not in caplog.text + written.out + written.err
    assert await owner.fetchval("select count(*) from kring.need") == 0


async def test_a_confirmed_suggestion_is_stored_and_shown(app: App, caseworker: Staff, owner: Owner) -> None:
    client = await app.signed_in(caseworker)
    sent = await app.submit(client, NEW, filled_in(topics=["dementia_parent"]))
    assert await stored(owner) == ["dementia_parent"]
    shown = (await client.get(sent.headers["location"].removesuffix("/ontvangen"))).text
    assert "Onderwerp" in shown
    assert taxonomy().topic("dementia_parent").label in shown


async def test_a_person_can_choose_another_topic(app: App, caseworker: Staff, owner: Owner) -> None:
    await app.submit(
        await app.signed_in(caseworker), NEW, filled_in(topics=["dementia_parent"], other_topic="gambling_self")
    )
    assert await stored(owner) == ["dementia_parent", "gambling_self"]


async def test_the_same_topic_ticked_and_from_the_list_is_one(app: App, caseworker: Staff, owner: Owner) -> None:
    await app.submit(
        await app.signed_in(caseworker), NEW, filled_in(topics=["gambling_self"], other_topic="gambling_self")
    )
    assert await stored(owner) == ["gambling_self"]


@pytest.mark.parametrize("none", [{}, {"no_topic": "yes"}])
async def test_none_of_these_is_an_answer_and_so_is_nothing(
    app: App, caseworker: Staff, owner: Owner, none: dict[str, str]
) -> None:
    client = await app.signed_in(caseworker)
    sent = await app.submit(client, NEW, filled_in(**none))
    assert sent.status_code == 303
    assert await stored(owner) == []
    assert "Onderwerp" not in (await client.get(sent.headers["location"].removesuffix("/ontvangen"))).text


@pytest.mark.parametrize(
    "wrong",
    [
        {"topics": ["dementia_parent"], "no_topic": "yes"},
        {"other_topic": "dementia_parent", "no_topic": "yes"},
        {"topics": ["autism"]},
        {"other_topic": "x\0"},
        {"topics": ["dementia_parent", "gambling_self", "autism_child_parent"], "other_topic": "foster_parents"},
    ],
)
async def test_topics_that_cannot_be_are_told_at_the_question(
    app: App, caseworker: Staff, owner: Owner, wrong: dict[str, str | list[str]]
) -> None:
    answer = await app.submit(await app.signed_in(caseworker), NEW, filled_in(**wrong))
    assert answer.status_code == 400
    assert 'href="#topics"' in answer.text
    assert 'id="topics"' in answer.text
    assert 'id="topics-e"' in answer.text
    assert await owner.fetchval("select count(*) from kring.need") == 0


async def test_what_was_chosen_stays_after_a_mistake_beside_new_suggestions(app: App, caseworker: Staff) -> None:
    answer = await app.submit(
        await app.signed_in(caseworker),
        NEW,
        filled_in(text=CLEAR, perspective="parent", area="", topics=["gambling_self"], other_topic="foster_parents"),
    )
    found = offered(answer.text)
    assert found.pop("gambling_self")
    assert len(found) == 3
    assert "autism_child_parent" in found
    assert not any(found.values())
    assert '<option value="foster_parents" selected>' in answer.text


async def test_none_of_these_stays_after_a_mistake(app: App, caseworker: Staff) -> None:
    answer = await app.submit(await app.signed_in(caseworker), NEW, filled_in(area="", no_topic="yes"))
    (box,) = [line for line in answer.text.splitlines() if 'name="no_topic"' in line]
    assert "checked" in box


async def test_without_a_script_a_form_with_mistakes_says_that_kring_is_not_sure(app: App, caseworker: Staff) -> None:
    answer = await app.submit(await app.signed_in(caseworker), NEW, filled_in(text=UNREADABLE, area=""))
    assert NOT_SURE in answer.text


async def test_a_withdrawn_need_has_no_topic_left(app: App, kring: Resources, caseworker: Staff) -> None:
    need = await submit(kring, caseworker, topics=("dementia_parent",))
    client = await app.signed_in(caseworker)
    await app.submit(client, NEW, {}, to=f"/hulpvragen/{need.reference}/intrekking")
    shown = (await client.get(f"/hulpvragen/{need.reference}")).text
    assert taxonomy().topic("dementia_parent").label not in shown
