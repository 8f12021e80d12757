"""`/onderwerpen`: the topics, what a note seems to be about, and what a person confirmed of a need."""

import httpx
import pytest

from models.taxonomy import taxonomy
from tests.app import App
from tests.service.api.conftest import Sign
from tests.service.api.test_needs import URL, body

TOPICS = "/api/v1/onderwerpen"
SUGGESTIONS = "/api/v1/onderwerp-suggesties"


@pytest.fixture
async def client(api: App, sign: Sign) -> httpx.AsyncClient:
    visitor = await api.visitor()
    visitor.headers["authorization"] = f"Bearer {sign()}"
    return visitor


async def test_the_topics_are_listed_with_what_they_mean(client: httpx.AsyncClient) -> None:
    listed = (await client.get(TOPICS)).json()["onderwerpen"]
    assert {topic["id"] for topic in listed} == set(taxonomy().topics)
    (one,) = [topic for topic in listed if topic["id"] == "autism_child_parent"]
    assert one.keys() == {"id", "naam", "omschrijving", "domein", "perspectieven"}
    assert "parent" in one["perspectieven"]


async def test_a_note_gets_suggestions_best_first(client: httpx.AsyncClient) -> None:
    answer = (await client.post(SUGGESTIONS, json={"tekst": "moeder van een zoon met autisme"})).json()
    assert answer["zeker"] is True
    assert "autism_child_parent" in {one["onderwerp"] for one in answer["suggesties"]}
    scores = [one["score"] for one in answer["suggesties"]]
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)
    assert all(one["naam"] == taxonomy().topic(one["onderwerp"]).label for one in answer["suggesties"])


async def test_who_asks_counts(client: httpx.AsyncClient) -> None:
    text = "Zorgt al jaren en zoekt anderen die hetzelfde meemaken met dementie."
    answers = [
        (await client.post(SUGGESTIONS, json={"tekst": text, "perspectief": asks})).json()
        for asks in ("self", "partner")
    ]
    assert answers[0] != answers[1]


async def test_the_reader_says_when_it_is_not_sure(client: httpx.AsyncClient) -> None:
    assert (await client.post(SUGGESTIONS, json={"tekst": "ქართული ენა"})).json()["zeker"] is False


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"tekst": "geheim " * 1000},
        {"tekst": 1},
        {"tekst": "geheim", "perspectief": "neighbour"},
        {"tekst": "geheim", "aantal": 5},
    ],
)
async def test_a_question_that_cannot_be_read_is_a_problem_without_an_echo(
    client: httpx.AsyncClient, wrong: dict[str, object]
) -> None:
    answer = await client.post(SUGGESTIONS, json=wrong)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert "geheim" not in answer.text
    assert "neighbour" not in answer.text


async def test_without_a_token_there_is_nothing(api: App) -> None:
    visitor = await api.visitor()
    assert (await visitor.get(TOPICS)).status_code == 401
    assert (await visitor.post(SUGGESTIONS, json={"tekst": "autisme"})).status_code == 401


async def test_a_manager_sends_no_notes(api: App, sign: Sign) -> None:
    manager = {"authorization": f"Bearer {sign('manager')}"}
    answer = await (await api.visitor()).post(SUGGESTIONS, json={"tekst": "autisme"}, headers=manager)
    assert answer.status_code == 403


async def test_confirmed_topics_are_stored_and_given_back(client: httpx.AsyncClient) -> None:
    sent = await client.post(URL, json=body(onderwerpen=["dementia_partner", "male_carer", "male_carer"]))
    assert (await client.get(sent.headers["location"])).json()["onderwerpen"] == ["dementia_partner", "male_carer"]


async def test_topics_are_optional(client: httpx.AsyncClient) -> None:
    sent = await client.post(URL, json=body())
    assert (await client.get(sent.headers["location"])).json()["onderwerpen"] == []


@pytest.mark.parametrize("wrong", [["geheim"], ["dementia_partner"] * 4, "dementia_partner", ["x\0"]])
async def test_topics_that_cannot_be_are_a_problem_and_store_nothing(client: httpx.AsyncClient, wrong: object) -> None:
    answer = await client.post(URL, json=body(onderwerpen=wrong))
    assert answer.status_code == 400
    assert {error["field"] for error in answer.json()["errors"]} == {"onderwerpen"}
    assert "geheim" not in answer.text
    assert (await client.get(URL)).json()["hulpvragen"] == []
