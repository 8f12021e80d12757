"""The corpus as it ships: who is in which split, and that nothing leaks from one into another."""

from __future__ import annotations

from collections import Counter

from models.taxonomy import taxonomy
from models.training.corpus import Split, held_out, notes, words

PARTS = notes()


def test_no_text_is_in_two_splits() -> None:
    seen = Counter(text for part in PARTS.values() for text in {note.text for note in part})
    assert [text for text, count in seen.items() if count > 1] == []


def test_there_are_eight_thousand_notes_and_a_thousand_of_none() -> None:
    every = [note for part in PARTS.values() for note in part]
    assert sum(note.topic is not None for note in every) >= 8_000
    assert sum(note.topic is None for note in every) >= 1_000


def test_every_topic_is_in_every_split_that_is_computed() -> None:
    for used in (Split.TRAIN, Split.DEVELOPMENT, Split.TEST):
        assert {note.topic for note in PARTS[used]} >= set(taxonomy().topics), used


def test_the_split_of_a_note_does_not_hang_on_the_order_of_the_files() -> None:
    from models.training.corpus import split

    ours = [note for used in (Split.TRAIN, Split.TEST) for note in PARTS[used]]
    once, again = split(ours), split(list(reversed(ours)))
    assert {part: {note.id for note in once[part]} for part in once} == {
        part: {note.id for note in again[part]} for part in again
    }


def test_a_fifth_of_the_topics_can_be_held_out_whole() -> None:
    hidden = held_out(taxonomy())
    assert 0.15 <= len(hidden) / len(taxonomy().topics) <= 0.25
    assert {taxonomy().topics[topic].domain for topic in hidden} == {domain.id for domain in taxonomy().domains}


def test_every_topic_has_words() -> None:
    known = words()
    assert [topic for topic in taxonomy().topics if len(known.get(topic, ())) < 40] == []
