"""Every word a resident reads is plain Dutch (B1): short sentences, active, u-form. The main thing a lint can see.

The pages keep their words in `{% trans %}`, in whole sentences, so what is translated later is what is checked here.
"""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from statistics import mean
from typing import get_args

import jinja2
import pytest
from jinja2 import nodes
from jinja2.ext import extract_from_ast

from service.consents import TEXTS
from service.domain import MessageKind
from service.messages import compose
from service.web.pages import ENVIRONMENT, TEMPLATES

RESIDENT = sorted(path.relative_to(TEMPLATES).as_posix() for path in (TEMPLATES / "resident").glob("*.html"))
AVERAGE_MOST = 15  # docs/sources.md, Pages
SENTENCE_MOST = 25

FORBIDDEN = {
    "stiff": r"u dient|middels|teneinde|conform|betreffende|onderstaande?|inzake|alsmede|desgewenst|indien|derhalve",
    "passive": r"wordt|worden|werd|werden",
    "abbreviated": r"d\.m\.v\.|i\.v\.m\.|o\.a\.|bijv\.|evt\.|m\.b\.t\.",
    "not in the u-form": r"je|jij|jou|jouw|jullie|uzelf dient",
}
_END = re.compile(r"(?<=[.!?:])\s+")


def sentences(text: str) -> list[str]:
    return [part for line in text.splitlines() for part in _END.split(" ".join(line.split())) if part]


def complaints(sentence: str) -> list[str]:
    found = [
        f"{fault}: {hit[0]!r} in {sentence!r}"
        for fault, pattern in FORBIDDEN.items()
        if (hit := re.search(rf"\b({pattern})(?!\w)", sentence, re.IGNORECASE))
    ]
    if (length := len(sentence.split())) > SENTENCE_MOST:
        found.append(f"{length} words: {sentence!r}")
    return found


def page_texts(template: str) -> list[str]:
    """What the template hands to the translator, with a word in the place of each name or number."""
    source = (TEMPLATES / template).read_text()
    found: list[str] = []
    for _, _, words in extract_from_ast(ENVIRONMENT.parse(source)):
        found += [part for part in ([words] if isinstance(words, str) else words or ()) if part]
    return [re.sub(r"%\(\w+\)s", "woord", text).replace("%%", "%") for text in found]


def message_texts(kind: MessageKind) -> list[str]:
    url = "https://kring.example/u/x"
    return compose(kind, municipality_name="Waterdam", link_url=url, link_days=30).text.replace(url, "").splitlines()


SOURCES: dict[str, list[str]] = {
    **{template: page_texts(template) for template in RESIDENT},
    **{f"message {kind}": message_texts(kind) for kind in get_args(MessageKind)},
    **{f"consent {purpose}": [text.label, text.explanation] for purpose, text in TEXTS.items()},
}


@pytest.mark.parametrize("source", SOURCES)
def test_every_sentence_is_plain_dutch(source: str) -> None:
    found = [complaint for text in SOURCES[source] for part in sentences(text) for complaint in complaints(part)]
    assert found == []


@pytest.mark.parametrize("source", SOURCES)
def test_sentences_are_short_on_average(source: str) -> None:
    """Headings, labels and buttons do not count: they would hide a long sentence among them."""
    whole = [part for text in SOURCES[source] for part in sentences(text) if part.endswith((".", "?", "!"))]
    longest = max(whole, key=lambda part: len(part.split()), default="")
    assert mean([len(part.split()) for part in whole] or [0]) <= AVERAGE_MOST, longest


@pytest.mark.parametrize(
    "sentence",
    [
        "U dient het formulier in te vullen.",
        "Uw gegevens worden gewist.",
        "Je kunt altijd stoppen.",
        "Wij bewaren dit i.v.m. de wet.",
        "Wij schrijven hier een zin die maar door gaat en door gaat, zodat niemand aan het eind nog weet hoe hij "
        "ook alweer begon of waar hij over ging.",
    ],
)
def test_the_lint_sees_what_is_not_plain(sentence: str) -> None:
    assert complaints(sentence)


# --- nothing is said outside what is translated ---------------------------------------------------------------------


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        self.found += re.findall(r"[^\W\d_]{2,}", data)


def _literal(node: nodes.Node) -> Iterator[str]:
    """The template's own text in order; translated text and values stand in calls and are not in it."""
    for data in node.find_all(nodes.TemplateData):
        yield data.data


@pytest.mark.parametrize("template", [*RESIDENT, "layout.html"])
def test_every_word_of_a_page_can_be_translated(template: str) -> None:
    words = _Words()
    words.feed("".join(_literal(ENVIRONMENT.parse((TEMPLATES / template).read_text()))))
    assert [word for word in words.found if word not in {"Kring"}] == []


@pytest.mark.parametrize(
    "template", [name for name in RESIDENT if Path(name).name not in {"layout.html", "parts.html"}]
)
def test_every_page_of_a_resident_has_a_title(template: str) -> None:
    loaded: jinja2.Template = ENVIRONMENT.get_template(template)
    assert "title" in loaded.blocks
