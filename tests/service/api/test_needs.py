"""`/hulpvragen`: what a program of the municipality can do, and what it is told when it cannot."""

import uuid
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey, OctKey

from tests.app import App
from tests.service.api.conftest import Sign

URL = "/api/v1/hulpvragen"


def body(**changes: Any) -> dict[str, Any]:
    sent = {
        "sleutel": str(uuid.uuid4()),
        "tekst": "Meneer zorgt voor zijn vrouw met dementie en wil mensen spreken die dat ook doen.",
        "perspectief": "partner",
        "leeftijdsgroep": "65_plus",
        "gebied": "BU01",
        "talen": ["nl"],
        "dagdelen": ["tue-morning", "thu-afternoon"],
        "ontmoeten": "in_person",
        "toestemmingen": ["matching", "invitation"],
        "toestemmingHoe": "in_person",
        "contact": {"kanaal": "email", "waarde": "inwoner@voorbeeld.test"},
        **changes,
    }
    return {name: value for name, value in sent.items() if value is not None}


@pytest.fixture
async def client(api: App, sign: Sign) -> httpx.AsyncClient:
    visitor = await api.visitor()
    visitor.headers["authorization"] = f"Bearer {sign()}"
    return visitor


async def test_a_need_is_accepted_with_a_reference_and_can_be_read_back(client: httpx.AsyncClient) -> None:
    sent = await client.post(URL, json=body())
    assert sent.status_code == 201
    shown = await client.get(sent.headers["location"])
    assert shown.json()["referentie"] == sent.json()["referentie"]
    assert shown.json()["status"] == "open"


async def test_contact_details_are_never_given_back(client: httpx.AsyncClient) -> None:
    sent = await client.post(URL, json=body())
    shown = await client.get(sent.headers["location"])
    assert "inwoner@voorbeeld.test" not in sent.text + shown.text


async def test_the_same_key_twice_is_one_need(client: httpx.AsyncClient) -> None:
    need = body()
    first, second = await client.post(URL, json=need), await client.post(URL, json=need)
    assert first.json() == second.json()
    assert len((await client.get(URL)).json()["hulpvragen"]) == 1


async def test_every_problem_is_told_at_once_and_nothing_is_echoed(client: httpx.AsyncClient) -> None:
    answer = await client.post(URL, json=body(gebied="XX99", talen=[], toestemmingen=["follow_up"], contact=None))
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert {error["field"] for error in answer.json()["errors"]} >= {"gebied", "talen", "toestemmingen"}
    assert "dementie" not in answer.text


async def test_identifying_text_is_refused_with_its_place(client: httpx.AsyncClient) -> None:
    text = "Bel mevrouw Jansen op 06 12345678 over lotgenoten."
    answer = await client.post(URL, json=body(tekst=text))
    assert answer.status_code == 400
    assert {text[span["start"] : span["end"]] for span in answer.json()["spans"]} >= {"06 12345678"}
    assert "Jansen" not in answer.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"tekst": 4711},
        {"tekst": "a" * 5000},
        {"tekst": ""},
        {"tekst": "Zoekt\u0000 lotgenoten met schulden."},
        {"perspectief": "neighbour"},
        {"leeftijdsgroep": None},
        {"dagdelen": ["sunday"]},
        {"talen": "nl"},
        {"sleutel": "1"},
        {"onbekend": 1},
        {"contact": {"kanaal": "email", "waarde": "geen adres"}},
        {"toestemmingen": []},
        {"nietSamenMet": ["AAAA-AAAA"]},
        {"leeftijdsgroep": "12_15"},
    ],
)
async def test_bad_input_is_a_problem_and_stores_nothing(client: httpx.AsyncClient, wrong: dict[str, Any]) -> None:
    answer = await client.post(URL, json=body(**wrong))
    assert answer.status_code == 400
    assert answer.json().keys() >= {"status", "title", "detail", "errors"}
    assert (await client.get(URL)).json()["hulpvragen"] == []


async def test_a_withdrawn_need_has_no_words_left(client: httpx.AsyncClient) -> None:
    where = (await client.post(URL, json=body())).headers["location"]
    assert (await client.post(f"{where}/intrekkingen")).status_code == 201
    shown = (await client.get(where)).json()
    assert (shown["status"], shown["tekst"]) == ("ingetrokken", None)


async def test_a_list_is_paged_with_links(client: httpx.AsyncClient) -> None:
    sent = {(await client.post(URL, json=body())).json()["referentie"] for _ in range(3)}
    first = (await client.get(URL, params={"aantal": 2})).json()
    second = (await client.get(first["_links"]["next"]["href"])).json()
    pages = [need["referentie"] for page in (first, second) for need in page["hulpvragen"]]
    assert set(pages) == sent
    assert len(pages) == 3
    assert "next" not in second["_links"]


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://elders.example"},
        {"aud": "iets-anders"},
        {"exp": 1},
        {"exp": None},
        {"sub": "nobody"},
        {"sub": None},
        {"municipality": "zandhoek-aan-zee"},
        {"municipality": None},
        {"key": ECKey.generate_key("P-256", parameters={"kid": "test"})},
        {"key": OctKey.import_key("x" * 32, parameters={"kid": "test"}), "alg": "HS256"},
    ],
)
async def test_a_wrong_token_gets_401_and_no_explanation(api: App, sign: Sign, changes: dict[str, Any]) -> None:
    visitor = await api.visitor()
    subject = changes.pop("sub", "caseworker")
    token = sign(subject, **changes)
    answer = await visitor.get(URL, headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["code"] == "NotSignedIn"


async def test_an_unsigned_token_gets_401(api: App) -> None:
    unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJjYXNld29ya2VyIn0."
    answer = await (await api.visitor()).get(URL, headers={"authorization": f"Bearer {unsigned}"})
    assert answer.status_code == 401


@pytest.mark.parametrize("claims", [{"scope": "iets"}, {"scope": None}])
async def test_a_token_without_the_scope_gets_403(api: App, sign: Sign, claims: dict[str, Any]) -> None:
    answer = await (await api.visitor()).get(URL, headers={"authorization": f"Bearer {sign(**claims)}"})
    assert answer.status_code == 403


async def test_a_manager_gets_403(api: App, sign: Sign) -> None:
    answer = await (await api.visitor()).get(URL, headers={"authorization": f"Bearer {sign('manager')}"})
    assert answer.status_code == 403


async def test_a_need_of_another_municipality_does_not_exist(api: App, client: httpx.AsyncClient, sign: Sign) -> None:
    reference = (await client.post(URL, json=body())).json()["referentie"]
    other = {"authorization": f"Bearer {sign(municipality='zandhoek')}"}
    answer = await (await api.visitor()).get(f"{URL}/{reference}", headers=other)
    assert answer.status_code == 404


async def test_a_session_cookie_is_no_key_to_the_api(api: App, caseworker: Any) -> None:
    signed_in = await api.signed_in(caseworker)
    assert (await signed_in.get(URL)).status_code == 401


# --- what the gate says ---------------------------------------------------------------------------------------------

NAMED = "Zij mist haar buurvrouw Anja en wil met anderen praten."
ANJA = {"tekst": "Anja", "label": "NAME", "reden": "other"}
RARE = "Moeder van een drieling zoekt andere ouders om mee te praten."
DANGER = "Haar man slaat haar. Zij wil praten met vrouwen die dat kennen."


async def test_a_program_passes_on_what_a_person_overruled(client: httpx.AsyncClient) -> None:
    assert (await client.post(URL, json=body(tekst=NAMED))).status_code == 400
    assert (await client.post(URL, json=body(tekst=NAMED, geenHerkenning=[ANJA]))).status_code == 201


@pytest.mark.parametrize(
    "wrong",
    [
        {**ANJA, "label": "PHONE"},
        {**ANJA, "reden": "want het is een hond"},
        {**ANJA, "label": "NAAM"},
        {"tekst": "Anja"},
        {**ANJA, "waarom": "omdat"},
    ],
)
async def test_a_wrong_overruling_is_a_problem_of_its_own_field(client: httpx.AsyncClient, wrong: Any) -> None:
    answer = await client.post(URL, json=body(tekst=NAMED, geenHerkenning=[wrong]))
    assert answer.status_code == 400
    assert any(error["field"].startswith("geenHerkenning") for error in answer.json()["errors"])
    assert "hond" not in answer.text


async def test_a_receipt_warns_of_what_is_rare(client: httpx.AsyncClient) -> None:
    answer = await client.post(URL, json=body(tekst=RARE))
    assert answer.status_code == 201
    (warning,) = answer.json()["waarschuwingen"]
    assert (RARE[warning["begin"] : warning["einde"]], warning["soort"]) == ("drieling", "multiple_birth")
    assert answer.json()["herinnering"] is None


async def test_a_receipt_reminds_of_direct_help(client: httpx.AsyncClient) -> None:
    answer = await client.post(URL, json=body(tekst=DANGER))
    assert answer.status_code == 201
    assert "0800-2000" in answer.json()["herinnering"]


async def test_a_text_can_be_checked_before_it_is_submitted(client: httpx.AsyncClient) -> None:
    text = f"{NAMED} {RARE} {DANGER}"
    answer = await client.post("/api/v1/tekst-controles", json={"tekst": text})
    assert answer.status_code == 200
    found = answer.json()
    assert [(text[one["begin"] : one["einde"]], one["label"]) for one in found["herkenbaar"]] == [("Anja", "NAME")]
    assert [one["soort"] for one in found["waarschuwingen"]] == ["multiple_birth"]
    assert "112" in found["herinnering"]
    assert (await client.get(URL)).json()["hulpvragen"] == []
