"""Kring as it runs: servers, mail server, worker and web process, each a real process, and a real browser in front."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from service.commands.demo import wait_until_it_listens
from service.demo.api_token import write_token
from service.demo.children import child
from service.demo.first_day import SLUG, fill
from service.demo.mail import mail_catcher
from service.demo.settings import demo_settings
from service.embedded import EmbeddedServers
from service.migrate import migrate
from service.processes import free_port
from service.settings import Settings

# Debian's Chromium as root, without its own calls to the outside
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESK = {"width": 1100, "height": 900}
PHONE = {"width": 360, "height": 740}


@dataclass(frozen=True, slots=True)
class Kring:
    settings: Settings
    folder: Path

    @property
    def url(self) -> str:
        return self.settings.base_url


@pytest.fixture(scope="module")
def kring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kring]:
    """Everything the demo starts, with Elzermeer's needs submitted and nothing done with them yet."""
    folder = tmp_path_factory.mktemp("kring")
    with EmbeddedServers(folder, durable=False) as servers, mail_catcher(folder / "mail") as mail:
        settings = demo_settings(folder, servers, mail=mail, port=free_port())
        migrate(settings)
        fill(settings)
        write_token(folder, settings, municipality=SLUG, subject="anouk")  # the web process wants its key
        with child(settings, folder, "worker"), child(settings, folder, "serve") as web:
            wait_until_it_listens(settings.port, web)
            yield Kring(settings, folder)


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield launched
        launched.close()


class Person:
    """Somebody at a screen: a browser of their own, and a picture of what they saw."""

    def __init__(self, context: BrowserContext, pictures: Path) -> None:
        self.page: Page = context.new_page()
        self._pictures = pictures

    def picture(self, name: str) -> None:
        """The whole page as `name.png`, and what fits on the screen as `name-screen.png`."""
        self.page.screenshot(path=self._pictures / f"{name}.png", full_page=True)
        self.page.screenshot(path=self._pictures / f"{name}-screen.png")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """Where the screenshots go: `--pictures FOLDER`, else a folder that pytest removes."""
    chosen = request.config.getoption("--pictures")
    folder = Path(chosen) if chosen else tmp_path_factory.mktemp("pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def people(browser: Browser, kring: Kring, pictures: Path) -> Iterator["People"]:
    made = People(browser, kring, pictures)
    yield made
    made.close()


class People:
    def __init__(self, browser: Browser, kring: Kring, pictures: Path) -> None:
        self._browser, self._kring, self._pictures = browser, kring, pictures
        self._contexts: list[BrowserContext] = []

    def _person(self, viewport: dict[str, int]) -> Person:
        context = self._browser.new_context(viewport=viewport, base_url=self._kring.url, locale="nl-NL")  # type: ignore[arg-type]
        self._contexts.append(context)
        context.set_default_timeout(15_000)
        return Person(context, self._pictures)

    def staff(self, name: str) -> Person:
        """Somebody signed in, at a desk."""
        person = self._person(DESK)
        person.page.goto("/aanmelden")
        person.page.get_by_role("button", name=f"Aanmelden als {name}").click()
        return person

    def resident(self) -> Person:
        """Somebody with a telephone and no account."""
        return self._person(PHONE)

    def close(self) -> None:
        for context in self._contexts:
            context.close()
