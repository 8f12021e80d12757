"""A message says who sends it and that there is a page, in words that fit any theme, and can carry nothing else."""

from html.parser import HTMLParser
from typing import get_args

import pytest

from service.domain import MessageKind
from service.messages import Message, compose

KINDS = get_args(MessageKind)
URL = "https://kring.example/u/AbC-123_x?a=1&b=2"


def message(kind: MessageKind = "invitation", municipality_name: str = "Waterdam") -> Message:
    return compose(kind, municipality_name=municipality_name, link_url=URL, link_days=30)


class Read(HTMLParser):
    """Tags with their attributes, and the words a reader sees, one paragraph a line."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.words += "\n"

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.mark.parametrize("kind", KINDS)
def test_every_message_has_the_same_subject(kind: MessageKind) -> None:
    assert message(kind).subject == "Bericht van gemeente Waterdam"


@pytest.mark.parametrize("kind", KINDS)
def test_no_message_says_what_it_is_about(kind: MessageKind) -> None:
    """Nor that there is a group: that somebody asked for one is already something others need not know."""
    words = message(kind).text.lower()
    assert [word for word in ("groep", "uitnodig", "kring ", "hulp", "platform", "bijeenkomst") if word in words] == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_message_says_that_opening_decides_nothing_and_how_to_stop(kind: MessageKind) -> None:
    text = message(kind).text
    assert "Als u de link opent, gebeurt er nog niets." in text
    assert "Met dezelfde link ziet u wat wij over u bewaren. U kunt daar ook alles intrekken." in text


@pytest.mark.parametrize("kind", KINDS)
def test_every_message_says_how_long_the_link_works(kind: MessageKind) -> None:
    assert "De link werkt 30 dagen." in message(kind).text


@pytest.mark.parametrize("kind", KINDS)
def test_the_link_stands_alone_on_its_line(kind: MessageKind) -> None:
    assert message(kind).text.splitlines().count(URL) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_plain_text_and_html_say_the_same(kind: MessageKind) -> None:
    sent = message(kind)
    assert Read(sent.html).words.split() == [*sent.subject.split(), *sent.text.split()]


@pytest.mark.parametrize("kind", KINDS)
def test_the_html_fetches_nothing(kind: MessageKind) -> None:
    read = Read(message(kind).html)
    assert {tag for tag, _ in read.tags} == {"html", "head", "meta", "title", "body", "p", "a", "br"}
    assert [attributes["href"] for tag, attributes in read.tags if tag == "a"] == [URL]


def test_a_name_with_markup_stays_a_name() -> None:
    sent = message(municipality_name='Water<b onclick="x">dam & Zn')
    assert '<b onclick="x">' not in sent.html
    assert 'Water<b onclick="x">dam & Zn' in Read(sent.html).words


def test_a_name_with_a_line_break_makes_no_header() -> None:
    assert message(municipality_name="Water\r\nBcc: x\n dam").subject == "Bericht van gemeente Water Bcc: x dam"
