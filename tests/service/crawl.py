"""Finds every page and every form there is by following links, as somebody who is signed in and holds a link would."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx


@dataclass(slots=True)
class Form:
    """A form as a browser would send it: by whom, where to, and what stands in each field."""

    by: httpx.AsyncClient
    page: str
    action: str
    values: dict[str, list[str]] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)

    async def send(self, **changes: Any) -> httpx.Response:
        return await self.by.post(self.action, data={**self.values, **changes})

    @property
    def typed(self) -> list[str]:
        """The fields that somebody fills in, or could."""
        return [name for name in self.names if name != "csrf"]

    @property
    def where(self) -> str:
        """The address without its ids: two proposals have one form."""
        return re.sub(r"/([0-9a-f-]{36}|[A-Z0-9]{4}-[A-Z0-9]{4})(?=/|$)", "/…", self.action)


class _Reader(HTMLParser):
    def __init__(self, client: httpx.AsyncClient, page: str) -> None:
        super().__init__()
        self.client = client
        self.page = page
        self.links: list[str] = []
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._name = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in found:
            self.links.append(urljoin(self.page, found["href"]))
        elif tag == "form" and found.get("method") == "post":
            self._form = Form(self.client, self.page, urljoin(self.page, found.get("action", "")))
            self.forms.append(self._form)
        elif self._form is not None and tag in {"input", "select", "textarea", "button"} and "name" in found:
            self._field(tag, found)
        elif self._form is not None and tag == "option" and self._name not in self._form.values and found.get("value"):
            self._form.values[self._name] = [found["value"]]

    def _field(self, tag: str, found: Mapping[str, str]) -> None:
        assert self._form is not None
        self._name = found["name"]
        if self._name not in self._form.names:
            self._form.names.append(self._name)
        if tag in {"select", "textarea"}:
            return
        boxes = found.get("type") in {"checkbox", "radio"}
        if boxes and self._name in self._form.values:
            return
        self._form.values[self._name] = [found.get("value", "on" if boxes else "")]

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None


@dataclass(frozen=True, slots=True)
class Found:
    pages: dict[str, httpx.Response]
    forms: list[Form]


SIGN_OUT = "/afmelden"


async def crawl(client: httpx.AsyncClient, *starts: str) -> Found:
    """Every page that can be reached, and one form for each place that forms are sent to; not the one to sign out."""
    pages: dict[str, httpx.Response] = {}
    forms: dict[tuple[str, tuple[str, ...]], Form] = {}
    to_see = list(starts)
    while to_see:
        path = to_see.pop(0).partition("#")[0]
        if path in pages or not path.startswith("/") or path.startswith("/static/"):
            continue
        answer = pages[path] = await client.get(path)
        if "location" in answer.headers:
            to_see.append(_path(answer.headers["location"]))
        if not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        reader = _Reader(client, path)
        reader.feed(answer.text)
        to_see += [_path(link) for link in reader.links]
        for form in [form for form in reader.forms if form.action != SIGN_OUT]:
            forms.setdefault((form.where, tuple(form.names)), form)
    return Found(pages, list(forms.values()))


def _path(address: str) -> str:
    parts = urlsplit(address)
    return "" if parts.netloc else parts.path + ("?" + parts.query if parts.query else "")
