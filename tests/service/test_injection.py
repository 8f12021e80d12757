"""What is typed stays what was typed: in no field it becomes SQL, HTML, a template, a header, a log line, a formula."""

import csv
import io
import logging
from itertools import product
from urllib.parse import quote

import httpx
import pytest

from service.settings import Settings
from service.web.routes.reports import spreadsheet_safe
from tests.app import App
from tests.service.crawl import Found, crawl
from tests.service.filled import Owner
from tests.service.payloads import MARK, PAYLOADS, executed, kept_in_redis, logged

PATHS = ("/aanmelden", "/bestaat-niet", "/api/v1/gebieden", "/uitnodiging")
HEADERS = ("user-agent", "referer", "accept", "cookie", "origin", "x-forwarded-for", "x-forwarded-host")
ADDRESSES = ("/hulpvragen?na={0}", "/{0}", "/hulpvragen/{0}", "/u/{0}", "/post/{0}", "/static/{0}")


async def test_nothing_that_is_typed_in_a_form_comes_to_life(
    found: Found,
    owner: Owner,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    needs_before = await owner.fetchval("select count(*) from kring.need")
    alive = []
    with caplog.at_level(logging.DEBUG):
        for form in found.forms:
            for name, kind in product(form.typed, PAYLOADS):
                answer = await form.send(**{name: PAYLOADS[kind]})
                alive += [(form.where, name, kind, what) for what in executed(answer)]
        seen_again = [await crawl(one.by, one.page) for one in {form.by: form for form in found.forms}.values()]
    for walk in seen_again:
        alive += [(page, "stored", "", what) for page, answer in walk.pages.items() for what in executed(answer)]
    assert alive == []
    assert MARK not in logged(caplog, capfd)
    assert kept_in_redis(settings) == []
    assert await owner.fetchval("select count(*) from kring.need") >= needs_before


async def test_what_was_stored_is_shown_as_it_was_typed(found: Found) -> None:
    """Or the test above would be about nothing: some of it is kept, and escaped."""
    naming = next(form for form in found.forms if form.where.endswith("/naam"))
    assert (await naming.send(title=PAYLOADS["html"])).status_code == 303
    assert f"{MARK}&lt;script&gt;alert(1)&lt;/script&gt;" in (await naming.by.get(naming.page)).text


async def test_nothing_in_an_address_comes_to_life(
    all_roles: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        for where, payload in product(ADDRESSES, PAYLOADS.values()):
            answer = await all_roles.get(where.format(quote(payload, safe="")))
            assert executed(answer) == [], (where, payload)
            assert MARK not in answer.text, (where, payload)
    assert MARK not in logged(caplog, capfd)


async def test_nothing_in_a_header_comes_to_life(
    unlimited: App, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    visitor = await unlimited.visitor()
    with caplog.at_level(logging.DEBUG):
        for path, header, payload in product(PATHS, HEADERS, PAYLOADS.values()):
            request = visitor.build_request("GET", path)
            request.headers.raw.append((header.encode(), payload.encode()))
            answer = await visitor.send(request)
            assert executed(answer) == [], (path, header, payload)
            assert MARK not in answer.text, (path, header, payload)
    assert MARK not in logged(caplog, capfd)


# --- downloads ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", "\n=", " =", "\u00a0=", "＝", "\ufeff=", "=+-@"])
def test_no_cell_of_a_download_is_a_formula(start: str) -> None:
    """As a spreadsheet reads it back: quotes and all."""
    written = io.StringIO()
    csv.writer(written, delimiter=";").writerow([spreadsheet_safe(f"{start}1+1|cmd")])
    (cell,) = next(csv.reader(io.StringIO(written.getvalue()), delimiter=";"))
    assert cell.lstrip()[0] not in "=+-@＝＋－＠\t\r\n"
    assert "1+1|cmd" in cell
