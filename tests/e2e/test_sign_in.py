"""Signing in at a real provider and out again, in a real browser: the policies of the pages let it through."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from service.commands.demo import wait_until_it_listens
from service.demo.children import child
from service.demo.first_day import SLUG
from service.processes import free_port
from tests.e2e.conftest import DESK, PHONE, Kring, Person
from tests.service.provider import IdentityProvider, identity_provider, person, providers_file

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def provider(port: int) -> Iterator[IdentityProvider]:
    with identity_provider(f"http://127.0.0.1:{port}", (SLUG,)) as started:
        yield started


@pytest.fixture(scope="module")
def site(
    kring: Kring, provider: IdentityProvider, port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A second web process on the same data, without the demo's one click."""
    folder = tmp_path_factory.mktemp("site")
    changed = {
        "demo": False,
        "port": port,
        "base_url": f"http://127.0.0.1:{port}",
        "oidc_providers": providers_file(folder, provider, (SLUG,)),
    }
    settings = kring.settings.model_copy(update=changed)
    with child(settings, folder, "serve") as web:
        wait_until_it_listens(port, web)
        yield settings.base_url


@pytest.fixture(params=[DESK, PHONE], ids=["desk", "phone"])
def visitor(site: str, browser: Browser, pictures: Path, request: pytest.FixtureRequest) -> Iterator[Person]:
    context = browser.new_context(viewport=request.param, base_url=site, locale="nl-NL")
    context.set_default_timeout(15_000)
    yield Person(context, pictures)
    context.close()


def _fits(page: Page) -> None:
    """Nothing that axe finds, and no scrolling sideways."""
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def _say_who(page: Page, **changes: object) -> None:
    page.get_by_label("Wie bent u?").fill(json.dumps(person("s-browser") | changes))
    page.get_by_role("button", name="Aanmelden").click()


def test_somebody_signs_in_at_the_provider_and_out_again(visitor: Person) -> None:
    page = visitor.page
    page.goto("/hulpvragen")
    _fits(page)
    visitor.picture(f"aanmelden-{page.viewport_size['width']}")  # type: ignore[index]  # every context here has one
    page.get_by_role("button", name="Aanmelden met uw gemeente-account").click()
    _say_who(page)
    expect(page.get_by_role("button", name="Afmelden")).to_be_visible()
    expect(page.get_by_text("Noor de Wit", exact=True)).to_be_visible()
    page.get_by_role("button", name="Afmelden").click()
    page.get_by_role("button", name="Ja, afmelden").click()
    expect(page.get_by_role("button", name="Aanmelden met uw gemeente-account")).to_be_visible()


def test_without_a_second_factor_the_page_says_what_to_do(visitor: Person) -> None:
    page = visitor.page
    page.goto("/aanmelden")
    page.get_by_role("button", name="Aanmelden met uw gemeente-account").click()
    _say_who(page, acr="loa2", amr=["pwd"])
    expect(page.get_by_role("heading", name="De tweede stap ontbreekt")).to_be_visible()
    _fits(page)
    visitor.picture(f"tweede-stap-{page.viewport_size['width']}")  # type: ignore[index]
    page.get_by_role("link", name="Opnieuw aanmelden").click()
    expect(page.get_by_role("heading", name="Aanmelden")).to_be_visible()


def test_the_page_between_stands_on_its_own(visitor: Person, provider: IdentityProvider) -> None:
    """Where a browser does not go on by itself, it holds the way on."""
    page = visitor.page
    page.route(f"{provider.issuer}/**", lambda route: route.abort())
    page.goto("/aanmelden")
    with page.expect_response(lambda answer: answer.request.method == "POST") as sent:
        page.get_by_role("button", name="Aanmelden met uw gemeente-account").click()
    shown = sent.value.text().replace('http-equiv="refresh"', 'http-equiv="x"')
    page.route("**/tussen", lambda route: route.fulfill(body=shown, content_type="text/html; charset=utf-8"))
    page.goto("/tussen")
    expect(page.get_by_role("link", name="Verder")).to_be_visible()
    _fits(page)
    visitor.picture(f"onderweg-{page.viewport_size['width']}")  # type: ignore[index]
