"""A corpus small enough to train on in a test: four topics of the taxonomy, a few words each."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

from models.need import Perspective
from models.taxonomy import TopicId, taxonomy
from models.training.corpus import Note, Register

WORDS = {
    "alcohol_self": ("alcohol", "nuchter", "drinken", "kroeg"),
    "incontinence": ("urineverlies", "blaas", "toilet", "luier"),
    "amputation": ("prothese", "stomp", "onderbeen", "geamputeerd"),
    "diabetes": ("insuline", "suiker", "prikken", "hypo"),
}
REST = (
    "zoekt anderen om over te praten",
    "wil mensen leren kennen die dit ook hebben",
    "loopt vast en vraagt om contact",
)
NONE = "wil een parkeervergunning", "vraagt om een nieuwe grijze container", "zoekt een schaakclub"


def note(
    number: int,
    text: str = "…",
    topic: str | None = "diabetes",
    register: Register = Register.FORM,
    perspective: Perspective = Perspective.SELF,
) -> Note:
    """A note with what a test does not care about filled in."""
    return Note(f"n-{number:04d}", text, (TopicId(topic),) if topic else (), perspective, register)


def some_notes() -> list[Note]:
    """Twelve notes of each topic and three of none, in all registers."""
    registers = list(Register)
    made = [
        (f"Meneer: {first} en {second}, {REST[at % 3]}.", topic)
        for topic, own in WORDS.items()
        for at, (first, second) in enumerate(pair for pair in product(own, own) if pair[0] != pair[1])
    ]
    made += [(f"Mevrouw {text}.", None) for text in NONE]
    return [note(at, text, topic, registers[at % 4]) for at, (text, topic) in enumerate(made)]


def write_corpus(folder: Path) -> Path:
    """The same as files."""
    folder.mkdir()
    rows = [
        {
            "id": one.id,
            "text": one.text,
            "topics": list(one.topics),
            "perspective": one.perspective.value,
            "register": one.register.value,
        }
        for one in some_notes()
    ]
    apart = [row | {"id": f"e-{at}", "text": f"Zij ook: {row['text']}"} for at, row in enumerate(rows[::3])]
    (folder / "some.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    (folder / "elsewhere.jsonl").write_text("".join(json.dumps(row) + "\n" for row in apart), "utf-8")
    words = [{"topic": topic, "words": list(WORDS.get(topic, ("woord",)))} for topic in taxonomy().topics]
    (folder / "words.jsonl").write_text("".join(json.dumps(row) + "\n" for row in words), "utf-8")
    return folder
