"""The start page, and signing in and out."""

from typing import Any

import httpx
import pytest

from service.domain import Staff
from service.queries.municipalities import Municipality
from service.resources import Resources
from tests.app import App, running
from tests.factories import draft, submit


def _as(person: str, municipality: Municipality) -> dict[str, str]:
    return {"subject": person, "municipality": str(municipality.id)}


async def _sign_in(app: App, client: httpx.AsyncClient, data: dict[str, str]) -> httpx.Response:
    return await app.submit(client, "/aanmelden", data)


async def test_who_is_not_signed_in_is_sent_to_sign_in(app: App) -> None:
    answer = await (await app.visitor()).get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/aanmelden")


async def test_the_demo_offers_the_staff_of_every_municipality(app: App) -> None:
    shown = (await (await app.visitor()).get("/aanmelden")).text
    assert "Dit is een demo" in shown
    assert "Aanmelden als caseworker Waterdam" in shown
    assert "Aanmelden als manager Zandhoek" in shown


async def test_one_click_signs_in(app: App, municipality: Municipality) -> None:
    client = await app.visitor()
    answer = await _sign_in(app, client, _as("caseworker", municipality))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "Welkom, caseworker Waterdam" in (await client.get("/")).text


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(app: App, municipality: Municipality) -> None:
    answer = await _sign_in(app, await app.visitor(), _as("caseworker", municipality))
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/" in cookie


async def test_signing_in_again_ends_the_old_session(app: App, municipality: Municipality) -> None:
    client = await app.visitor()
    await _sign_in(app, client, _as("caseworker", municipality))
    old = client.cookies["kring"]
    await _sign_in(app, client, _as("coordinator", municipality))
    assert client.cookies["kring"] != old
    stolen = await app.visitor()
    stolen.cookies.set("kring", old)
    assert (await stolen.get("/")).headers["location"] == "/aanmelden"


async def test_signing_out_ends_the_session(app: App, caseworker: Staff) -> None:
    client = await app.signed_in(caseworker)
    kept = client.cookies["kring"]
    answer = await app.submit(client, "/", {}, to="/afmelden")
    assert answer.headers["location"] == "/aanmelden"
    client.cookies.set("kring", kept)
    assert (await client.get("/")).headers["location"] == "/aanmelden"


@pytest.mark.parametrize("subject", ["nobody", "", "x\0y"])
async def test_an_unknown_person_is_not_signed_in(app: App, municipality: Municipality, subject: str) -> None:
    client = await app.visitor()
    answer = await _sign_in(app, client, _as(subject, municipality))
    assert answer.status_code == 404
    assert "kring" not in client.cookies


async def test_an_unknown_municipality_signs_nobody_in(app: App) -> None:
    answer = await _sign_in(app, await app.visitor(), {"subject": "caseworker", "municipality": "waterdam"})
    assert answer.status_code == 404


async def test_signing_in_needs_the_forms_own_token(app: App, municipality: Municipality) -> None:
    answer = await (await app.visitor()).post("/aanmelden", data=_as("caseworker", municipality))
    assert answer.status_code == 403


async def test_another_site_cannot_sign_somebody_in(app: App, municipality: Municipality) -> None:
    client = await app.visitor()
    client.headers["sec-fetch-site"] = "cross-site"
    assert (await _sign_in(app, client, _as("caseworker", municipality))).status_code == 403


def _in_earnest(kring: Resources) -> Resources:
    changed: dict[str, Any] = {"demo": False}
    return Resources(kring.settings.model_copy(update=changed), kring.pool, kring.queue, kring.vault)


async def test_outside_the_demo_the_page_says_that_signing_in_is_not_set_up(kring: Resources) -> None:
    async with running(_in_earnest(kring)) as app:
        answer = await (await app.visitor()).get("/aanmelden")
    assert answer.status_code == 503
    assert "nog niet ingesteld" in answer.text
    assert "<form" not in answer.text


async def test_outside_the_demo_one_click_sign_in_does_not_exist(kring: Resources, municipality: Municipality) -> None:
    async with running(_in_earnest(kring)) as app:
        answer = await (await app.visitor()).post("/aanmelden", data=_as("caseworker", municipality))
    assert answer.status_code == 404


async def test_a_coordinator_sees_how_many_drafts_wait(app: App, kring: Resources, coordinator: Staff) -> None:
    await draft(kring, coordinator)
    assert "1 voorstel" in (await (await app.signed_in(coordinator)).get("/")).text


async def test_a_caseworker_sees_the_own_latest_needs(app: App, kring: Resources, caseworker: Staff) -> None:
    submitted = await submit(kring, caseworker)
    assert submitted.reference in (await (await app.signed_in(caseworker)).get("/")).text


async def test_a_manager_starts_with_nothing_but_the_report(app: App, kring: Resources, manager: Staff) -> None:
    shown = (await (await app.signed_in(manager)).get("/")).text
    assert "/rapportage" in shown
    assert "/hulpvragen" not in shown
    assert "/voorstellen" not in shown


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("/themas", "/aanmelden?verder=%2Fthemas"),
        ("/hulpvragen?na=4F7K-29XM", "/aanmelden?verder=%2Fhulpvragen%3Fna%3D4F7K-29XM"),
        ("/", "/aanmelden"),
    ],
)
async def test_who_is_not_signed_in_comes_back_to_the_page_that_was_asked_for(app: App, asked: str, told: str) -> None:
    answer = await (await app.visitor()).get(asked)
    assert (answer.status_code, answer.headers["location"]) == (303, told)
