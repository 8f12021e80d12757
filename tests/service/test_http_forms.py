"""Every form that can be sent, found by following links: none without its token, whatever it is filled with."""

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import httpx
from fastapi import FastAPI
from fastapi.routing import APIRoute

from tests.app import App
from tests.service.crawl import Found, crawl
from tests.service.filled import Owner
from tests.service.web.compare import everything

FORBIDDEN, BAD_REQUEST = HTTPStatus.FORBIDDEN, HTTPStatus.BAD_REQUEST
NOBODY = "0b54f4ea-6a5f-4b3d-8b3e-1c3f5a0a7d11"
# What changes when somebody is refused: that they were there.
MAY_CHANGE = {"kring.staff_session", "kring.audit", "kring.audit_chain", "kring.sign_in"}
FORGED = ("Het formulier is verlopen", "Nog niet verstuurd", "De pagina stond te lang open")


def changing_routes(app: App) -> Iterator[str]:
    """The pattern of every changing page there is."""
    inner: Any = app.asgi
    while not isinstance(inner, FastAPI):
        inner = inner.app
    for route in inner.routes:
        if isinstance(route, APIRoute) and "POST" in (route.methods or set()):
            yield route.path


async def snapshot(owner: Owner) -> dict[str, list[str]]:
    """What is in each table, but for who was there."""
    return {table: rows for table, rows in (await everything(owner)).items() if table not in MAY_CHANGE}


async def test_the_walk_finds_forms_and_pages(found: Found) -> None:
    assert {page: answer.status_code for page, answer in found.pages.items() if answer.status_code >= 400} == {}
    assert len(found.forms) > 12


# --- whose form it is -----------------------------------------------------------------------------------------------


async def test_every_form_asks_for_its_token(found: Found) -> None:
    assert [form.where for form in found.forms if "csrf" not in form.names] == []


async def test_no_form_is_believed_without_its_own_token(unlimited: App, found: Found, owner: Owner) -> None:
    of_another_session = (await crawl(await unlimited.visitor(), "/aanmelden")).forms[0].values["csrf"][0]
    before = await snapshot(owner)
    believed = [
        (form.where, token, answer.status_code)
        for form in found.forms
        for token in ([], "", "x", of_another_session)
        if (answer := await form.send(csrf=token)).status_code != FORBIDDEN
    ]
    assert believed == []
    assert await snapshot(owner) == before


async def test_no_changing_route_works_without_a_token(unlimited: App, all_roles: httpx.AsyncClient) -> None:
    """Also those that no form was found for."""
    believed = [
        (path, answer.status_code)
        for path in changing_routes(unlimited)
        if (answer := await all_roles.post(re.sub(r"{[^}]*}", NOBODY, path), data={})).status_code != FORBIDDEN
    ]
    assert believed == []


async def test_no_form_is_believed_from_another_site(found: Found, owner: Owner) -> None:
    before = await snapshot(owner)
    believed = []
    for form in found.forms:
        for site in ("cross-site", "same-site", "none of your business"):
            form.by.headers["sec-fetch-site"] = site
            if (await form.send()).status_code != FORBIDDEN:
                believed.append((form.where, site))
    assert believed == []
    assert await snapshot(owner) == before


async def test_a_form_with_its_token_is_believed(found: Found) -> None:
    """Or the tests above would hold for forms that never work."""
    for form in found.forms:
        form.by.headers["sec-fetch-site"] = "same-origin"
        answer = await form.send()
        assert answer.status_code < 500, form.where
        assert [word for word in FORGED if word in answer.text] == [], form.where


# --- what stands in it ----------------------------------------------------------------------------------------------


LONG = "Zoekt lotgenoten. " * 6000  # some 100,000 characters
WIDE = "\ud7ff\uffff" * 30_000
VALUES = [LONG, WIDE, "9" * 5000, "-1", "1e400", "NaN", "0x10", "\0", "٣", "\u202e", "[]", "{}", "null"]


async def test_no_field_breaks_a_page(found: Found, owner: Owner) -> None:
    broken = [
        (form.where, name, value[:10], answer.status_code)
        for form in found.forms
        for name in form.typed
        for value in VALUES
        if (answer := await form.send(**{name: value})).status_code >= 500
    ]
    assert broken == []
    assert await longest(owner) < 10_000


async def longest(owner: Owner) -> int:
    """Characters of the longest text that somebody's words are kept in."""
    columns = await owner.fetch(
        """
        select c.oid::regclass::text as name, a.attname as column from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        where c.relkind = 'r' and c.relnamespace = 'kring'::regnamespace and a.atttypid = 'text'::regtype
        """
    )
    return max([await owner.fetchval(f'select coalesce(max(length("{row[1]}")), 0) from {row[0]}') for row in columns])


async def test_a_field_that_is_repeated_breaks_no_page(found: Found) -> None:
    broken = []
    for form in found.forms:
        for name in form.typed:
            often, too_often = [(await form.send(**{name: ["x"] * times})).status_code for times in (990, 10_000)]
            if often >= 500 or too_often != BAD_REQUEST:
                broken.append((form.where, name, often, too_often))
    assert broken == []


async def test_a_megabyte_in_any_form_is_too_large(found: Found) -> None:
    assert {(await form.send(title="a" * 1_000_000)).status_code for form in found.forms} == {413}


def multipart(parts: list[tuple[str, bytes]], charset: str = "") -> tuple[bytes, dict[str, str]]:
    body = b"".join(b"--x\r\ncontent-disposition: form-data; %s\r\n\r\n%s\r\n" % (h.encode(), v) for h, v in parts)
    return body + b"--x--\r\n", {"content-type": f"multipart/form-data; boundary=x{charset}"}


IN_PARTS: list[tuple[list[tuple[str, bytes]], str]] = [
    ([(f'name="f{number}"', b"") for number in range(10_000)], ""),
    ([(f'name="f{number}"; filename="f"', b"") for number in range(10_000)], ""),
    ([('name="text"; filename="../../etc/passwd"', b"x")], ""),
    ([('name="text"', b"\xff\xfe\x00")], ""),
    ([('name="text"', rb"\ud800\udfff")], "; charset=raw_unicode_escape"),
    ([('name="text"', b"+2AA-")], "; charset=utf-7"),
    ([('name="text"', b"x" * 999)], '; charset="utf-16"'),
    ([('name="text"', b"x")], "; charset=hex"),
    ([('name="text"', b"x")], "; charset=no-such-thing"),
    ([("no-name", b"x")], ""),
    ([('name=""', b"x")], ""),
]


async def test_a_form_in_parts_breaks_no_page(found: Found) -> None:
    """Other charsets can hold halves of characters, which neither a page nor PostgreSQL can."""
    broken = []
    for form in found.forms:
        for parts, charset in IN_PARTS:
            token = ('name="csrf"', form.values["csrf"][0].encode())
            named = [(header.replace('"text"', f'"{form.names[-1]}"'), value) for header, value in parts]
            body, headers = multipart([token, *named], charset)
            status = (await form.by.post(form.action, content=body, headers=headers)).status_code
            if status >= 500 or (charset and status != BAD_REQUEST):
                broken.append((form.where, parts[0], charset, status))
    assert broken == []
