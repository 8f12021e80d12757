"""The demo's post."""

import mailbox
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from service.resources import Resources
from service.web.routes.mailbox import stretches
from tests.app import App, running

HOME = "http://127.0.0.1:8000"


def letter(to: str = "iemand@voorbeeld.test", text: str = "Goedendag") -> EmailMessage:
    message = EmailMessage()
    message["To"] = to
    message["Subject"] = "Bericht van gemeente Waterdam – één ding"
    message.set_content(text)
    return message


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "post"


@pytest.fixture
async def demo(kring: Resources, folder: Path) -> AsyncIterator[App]:
    """The application with a mailbox that does not exist yet."""
    changed: dict[str, Any] = {"demo_mailbox": folder}
    settings = kring.settings.model_copy(update=changed)
    async with running(Resources(settings, kring.pool, kring.queue, kring.vault)) as started:
        yield started


async def test_a_folder_that_is_not_there_is_an_empty_mailbox(demo: App) -> None:
    assert "Er is nog geen post." in (await (await demo.visitor()).get("/post")).text


async def test_a_setting_that_is_not_there_is_an_empty_mailbox(app: App) -> None:
    assert "Er is nog geen post." in (await (await app.visitor()).get("/post")).text


async def test_a_message_is_listed_and_opened(demo: App, folder: Path) -> None:
    key = mailbox.Maildir(folder).add(letter(text=f"Klik op {HOME}/u/abc."))
    client = await demo.visitor()
    listed = (await client.get("/post")).text
    assert "Bericht van gemeente Waterdam – één ding" in listed
    assert "iemand@voorbeeld.test" in listed
    shown = (await client.get(f"/post/{key}")).text
    assert f'<a class="nl-link" href="{HOME}/u/abc">' in shown
    assert "In het echt ziet niemand deze post." in shown


async def test_the_newest_message_comes_first(demo: App, folder: Path) -> None:
    box = mailbox.Maildir(folder)
    for name in ("eerste", "tweede"):
        box.add(letter(f"{name}@voorbeeld.test"))
    shown = (await (await demo.visitor()).get("/post")).text
    assert shown.index("tweede@") < shown.index("eerste@")


@pytest.mark.parametrize("key", ["nonsense", "..%2F..%2Fsecret", "%00"])
async def test_an_unknown_message_is_not_found(demo: App, folder: Path, key: str) -> None:
    mailbox.Maildir(folder).add(letter())
    (folder.parent / "secret").write_text("secret")
    assert (await (await demo.visitor()).get(f"/post/{key}")).status_code == 404


async def test_a_broken_message_breaks_no_page(demo: App, folder: Path) -> None:
    key = mailbox.Maildir(folder).add(b"Content-Type: text/plain; charset=nonsense\nSubject: =?x?b?!?=\n\n\xff\xfe")
    client = await demo.visitor()
    assert (await client.get("/post")).status_code == 200
    assert (await client.get(f"/post/{key}")).status_code == 200


async def test_markup_in_a_message_stays_text(demo: App, folder: Path) -> None:
    key = mailbox.Maildir(folder).add(letter(text="<script>alert(1)</script>"))
    assert "<script>alert" not in (await (await demo.visitor()).get(f"/post/{key}")).text


@pytest.mark.parametrize(
    ("address", "clickable"),
    [
        (f"{HOME}/u/abc-_", True),
        ("https://elders.example/u/abc", False),
        ("http://127.0.0.1:80001/u/abc", False),
        ("http://127.0.0.1:8000.elders.example/", False),
        ("http://127.0.0.1:8000@elders.example/", False),
    ],
)
def test_only_addresses_of_this_kring_can_be_clicked(address: str, clickable: bool) -> None:
    (found,) = [part for part in stretches(f"Open {address}.", HOME) if part.text == address]
    assert found.link is clickable


async def test_outside_the_demo_there_is_no_mailbox(kring: Resources) -> None:
    changed: dict[str, Any] = {"demo": False}
    real = Resources(kring.settings.model_copy(update=changed), kring.pool, kring.queue, kring.vault)
    async with running(real) as app:
        assert (await (await app.visitor()).get("/post")).status_code == 404
