"""Nothing of a person is read or changed without an entry in the audit trail, on any route there is."""

from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from service.db import transaction
from service.domain import Answer, Staff
from service.resources import Resources
from service.web.routes import routers
from tests import factories
from tests.app import CSRF, App

# Where nothing is shown or changed that is of a person, or where a resident sees only what is their own: opening a
# personal link changes nothing at all (docs/decisions/0004), and an entry beside an answer to a pulse could be joined
# to it.
WITHOUT = {
    "GET /aanmelden", "POST /aanmelden", "POST /afmelden", "GET /post", "GET /post/{key}",
    "GET /aanmelden/{slug}", "POST /aanmelden/{slug}", "GET /hulpvragen/nieuw", "POST /hulpvragen/controle",
    "POST /hulpvragen/nieuw",  # an empty form looks nothing up; storing one: tests of the form
    "GET /aanmelden/{slug}/terug", "POST /afmelden/{slug}/sessie", "GET /gewist", "GET /.well-known/security.txt",
    "GET /u/{token:path}", "GET /uitnodiging", "GET /peiling", "POST /peiling",
}  # fmt: skip


def staff_routes(kring: Resources) -> Iterator[tuple[str, str]]:
    for route in (route for router in routers(kring.settings) for route in _all(router)):
        for method in route.methods:
            if f"{method} {route.path}" not in WITHOUT and not _of_residents(route.path):
                yield method, route.path


def _all(router: APIRouter) -> Iterator[APIRoute]:
    for route in router.routes:
        if isinstance(route, APIRoute):
            yield route
        else:  # a router inside this one
            yield from _all(route.original_router)  # type: ignore[attr-defined]


def _of_residents(path: str) -> bool:
    return path.startswith(("/mijn-gegevens", "/uitnodiging", "/ingetrokken"))


async def entries(kring: Resources, staff: Staff) -> list[dict[str, Any]]:
    async with transaction(kring.pool, staff.municipality) as conn:
        return [dict(record) for record in await conn.fetch("select * from kring.audit order by seq")]


async def csrf(client: httpx.AsyncClient) -> str:
    found = CSRF.search((await client.get("/")).text)
    assert found
    return found[1]


async def test_every_route_of_staff_leaves_an_entry(
    app: App, kring: Resources, coordinator: Staff, manager: Staff
) -> None:
    """Whatever comes of it: here each address is one that does not exist, and each form is empty."""
    unseen = []
    clients = {staff: await app.signed_in(staff) for staff in (coordinator, manager)}
    tokens = {staff: await csrf(clients[staff]) for staff in clients}
    for method, path in staff_routes(kring):
        staff = manager if path.startswith("/rapportage") else coordinator
        address = path.replace("{reference}", "4F7K-29XM").replace("{field}", "tekst")
        for name in ("proposal_id", "platform_id", "theme_id", "run_id"):
            address = address.replace(f"{{{name}}}", str(uuid4()))
        before = len(await entries(kring, staff))
        # what a form points to is an id as well; without one nothing is looked up
        pointing = dict.fromkeys(("naar", "met", "verandering", "meeting"), str(uuid4())) | {"choice": "decline"}
        sent = {"csrf": tokens[staff], **pointing} if method == "POST" else None
        answer = await clients[staff].request(method, address, data=sent)
        assert answer.status_code < 500, (method, path)
        found = (await entries(kring, staff))[before:]
        if not found or {entry["actor_id"] for entry in found} != {staff.id}:
            unseen.append(f"{method} {path}")
    assert unseen == []


async def test_who_reads_a_proposal_is_in_the_trail_of_each_of_its_people(
    app: App, kring: Resources, coordinator: Staff
) -> None:
    draft = await factories.draft(kring, coordinator, 5)
    client = await app.signed_in(coordinator)
    assert (await client.get(f"/voorstellen/{draft.proposal}")).status_code == 200
    read = [entry for entry in await entries(kring, coordinator) if entry["action"] == "proposal.read"]
    assert {entry["resident_id"] for entry in read} == {person.resident for person in draft.people}
    assert {(entry["actor_id"], entry["origin"], entry["result"]) for entry in read} == {
        (coordinator.id, "page", "done")
    }
    assert {entry["address"] for entry in read} == {"127.0.0.1"}


async def test_what_does_not_exist_is_a_refusal(app: App, kring: Resources, coordinator: Staff) -> None:
    client = await app.signed_in(coordinator)
    await client.get(f"/voorstellen/{uuid4()}")
    last = (await entries(kring, coordinator))[-1]
    assert (last["action"], last["result"], last["detail"]) == ("proposal.read", "refused", "not_found")


@pytest.mark.parametrize("address", ["/voorstellen", "/themas", "/zonder-groep", "/platforms", "/zoektochten"])
async def test_a_role_that_is_refused_is_in_the_trail(app: App, kring: Resources, manager: Staff, address: str) -> None:
    client = await app.signed_in(manager)
    assert (await client.get(address)).status_code == 403
    last = (await entries(kring, manager))[-1]
    assert (last["action"], last["object_id"], last["result"]) == ("access.refused", address, "refused")


async def test_a_forged_form_is_in_the_trail(app: App, kring: Resources, coordinator: Staff) -> None:
    client = await app.signed_in(coordinator)
    assert (await client.post("/zoektochten", data={"csrf": "made-up"})).status_code == 403
    last = (await entries(kring, coordinator))[-1]
    assert (last["action"], last["detail"]) == ("access.refused", "forged_form")


@pytest.mark.parametrize("answer", list(Answer))
async def test_the_trail_tells_that_somebody_answered_and_never_what(
    app: App, kring: Resources, coordinator: Staff, answer: Answer
) -> None:
    invited = await factories.approved(kring, coordinator, 6)
    token = await factories.link(kring, coordinator, invited.invitations[0])
    resident = await app.link_holder(token)
    before = len(await entries(kring, coordinator))
    await app.submit(resident, "/uitnodiging", {"choice": answer.value})
    answered = (await entries(kring, coordinator))[before:]
    mine = [entry for entry in answered if entry["action"] == "invitation.answered"]
    assert [(entry["actor_id"], entry["resident_id"], entry["result"], entry["detail"]) for entry in mine] == [
        (invited.people[0].resident, invited.people[0].resident, "done", None)
    ]
    assert mine[0]["address"] is None
    assert Counter(entry["action"] for entry in answered).keys() <= {"invitation.answered"}, "the rest would tell which"


async def test_who_reads_a_need_is_in_its_residents_trail(app: App, kring: Resources, caseworker: Staff) -> None:
    someone = await factories.submit(kring, caseworker)
    client = await app.signed_in(caseworker)
    await client.get(f"/hulpvragen/{someone.reference}")
    read = (await entries(kring, caseworker))[-1]
    assert (read["action"], read["object_id"], read["resident_id"]) == (
        "need.read",
        someone.reference,
        someone.resident,
    )
