"""What identifies somebody is stopped however it is written, on the page and by the API: nothing of it is stored."""

import uuid

import asyncpg
import httpx
import pytest

from service.domain import Staff
from tests.app import App
from tests.service.api.conftest import Sign
from tests.service.api.test_injection import NEED

ADDRESS = "/api/v1/hulpvragen"
TRICKS = {
    "zero width inside a BSN": "BSN 1112\u200b22333 staat in het dossier, zij zoekt lotgenoten.",
    "joiners inside a BSN": "Zijn bsn is 111\u200d222\u2060333 en hij zoekt lotgenoten.",
    "soft hyphens in a phone number": "Bel 06\u00ad12\u00ad34\u00ad56\u00ad78 als het nodig is.",
    "wide digits": "Bel ０６１２３４５６７８ als het nodig is.",
    "Arabic digits": "Bel \u0660\u0666\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668 als het nodig is.",
    "Cyrillic letters in a name": "Zijn vrouw heet \u0410nja d\u0435 Vries en zoekt lotgenoten.",
    "mathematical letters": "Zijn buurman \U0001d409\U0001d41a\U0001d427 \U0001d41d\U0001d41e Vries helpt hem.",
    "right-to-left marks around a BSN": "Haar bsn: \u2067333222111\u2069 en zij zoekt lotgenoten.",
    "turned round": "Zoekt mensen \u202e333222111\u202c in de buurt.",
    "a combining accent": "Mail naar ja\u0301n@voorbeeld.nl voor meer.",
    "written out": "Mail naar jan(at)voorbeeld(punt)nl voor meer.",
    "hard spaces": "BSN 111\u00a0222\u00a0333 staat erin, zij zoekt lotgenoten.",
    "letters that are blank": "BSN 111\u3164222\u3164333 staat erin, zij zoekt lotgenoten.",
    "fillers": "BSN 111\u115f222\uffa0333 staat erin, zij zoekt lotgenoten.",
    "empty braille": "BSN 111\u2800222\u2800333 staat erin, zij zoekt lotgenoten.",
    "tags": "BSN 111\U000e0020222\U000e0020333 staat erin, zij zoekt lotgenoten.",
    "circled digits": "BSN ①①①②②②③③③ staat erin, zij zoekt lotgenoten.",
}


@pytest.mark.parametrize("trick", list(TRICKS))
async def test_a_trick_with_letters_gets_nobody_in(
    api: App, sign: Sign, caseworker: Staff, owner: "asyncpg.Connection[asyncpg.Record]", trick: str
) -> None:
    program = await api.visitor()
    answer = await program.post(
        ADDRESS,
        json=NEED | {"sleutel": str(uuid.uuid4()), "tekst": TRICKS[trick]},
        headers={"authorization": f"Bearer {sign()}"},
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "Identifying")
    assert TRICKS[trick] not in answer.text
    page = await _submitted(api, await api.signed_in(caseworker), TRICKS[trick])
    assert page.status_code == 400
    assert await owner.fetchval("select count(*) from kring.need") == 0


async def test_the_same_without_a_trick_is_accepted(
    api: App, caseworker: Staff, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """Or the form above would be refused for something else."""
    assert (await _submitted(api, await api.signed_in(caseworker), NEED["tekst"])).status_code == 303
    assert await owner.fetchval("select count(*) from kring.need") == 1


async def _submitted(app: App, client: httpx.AsyncClient, text: str) -> httpx.Response:
    form = {
        "submission_key": str(uuid.uuid4()),
        "text": text,
        "perspective": "child",
        "age_band": "40_64",
        "area": "BU01",
        "languages": ["nl"],
        "dayparts": ["tue-evening"],
        "meeting": "in_person",
        "consents": ["matching", "invitation"],
        "given_by": "self",
        "recorded_how": "in_person",
        "channel": "email",
        "contact_email": "iemand@voorbeeld.test",
    }
    return await app.submit(client, "/hulpvragen/nieuw", form)
