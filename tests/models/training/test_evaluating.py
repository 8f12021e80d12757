"""From a corpus in files to weights and results."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from models.bundled import BundledEncoder
from models.need import Perspective
from models.taxonomy import TopicId, taxonomy
from models.training.baselines import Kring, Tfidf
from models.training.comparing import NoteSet, compare
from models.training.corpus import Split, fingerprint, notes
from models.training.evaluating import evaluate
from models.training.fitting import Recipe
from models.training.footprint import footprint
from models.training.measuring import grouping, reading, sides
from models.training.train import TAUGHT_FILE, train
from tests.models.training.small import some_notes, write_corpus

QUICK = Recipe(epochs=120, batch=32)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("evaluating") / "corpus")


@pytest.fixture(scope="module")
def weights(corpus: Path) -> Path:
    folder = corpus.parent / "weights"
    train(folder, corpus=corpus, recipe=QUICK)
    return folder


def test_a_tiny_corpus_is_learnt(weights: Path, corpus: Path) -> None:
    measured = reading("all", notes(corpus)[Split.TEST], BundledEncoder(weights))
    assert measured.notes == 4
    assert measured.alone.three > 0.7


def test_the_weights_say_which_notes_they_were_made_from(weights: Path, corpus: Path) -> None:
    assert (weights / TAUGHT_FILE).read_text("ascii").strip() == fingerprint(notes(corpus)[Split.TRAIN])


def test_another_note_is_another_fingerprint_and_another_order_is_not() -> None:
    some = some_notes()
    assert fingerprint(some) == fingerprint(some[::-1])
    assert fingerprint(some) != fingerprint(some[1:])


def test_a_topic_left_out_has_no_column(corpus: Path, tmp_path: Path) -> None:
    train(tmp_path / "twin", corpus=corpus, without=frozenset({TopicId("diabetes")}), recipe=Recipe(epochs=3, batch=32))
    assert set(BundledEncoder(tmp_path / "twin").facts.columns) == {"alcohol_self", "incontinence", "amputation"}


def test_a_quick_run_measures_what_is_there(weights: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.training.baselines.MiniLm.installed", staticmethod(lambda: False))
    results = evaluate(weights, corpus, quick=True)
    assert results.taught_on_these
    assert results.counts["elsewhere"] == 17
    assert [one.name for one in results.readings if one.name.startswith("elsewhere")] == [
        "elsewhere, plain",
        "elsewhere, hard",
    ]
    assert [one.name for one in results.seen if one.remark.startswith("not installed")] == [
        "all-MiniLM-L6-v2 (English)",
        "BERTopic, default pipeline",
    ]
    assert results.unseen == []


def test_a_changed_corpus_is_noticed(
    weights: Path, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.training.baselines.MiniLm.installed", staticmethod(lambda: False))
    other = write_corpus(tmp_path / "other")
    lines = (other / "some.jsonl").read_text("utf-8").splitlines(keepends=True)
    (other / "some.jsonl").write_text("".join(lines[:-6]), "utf-8")
    assert not evaluate(weights, other, quick=True).taught_on_these


def test_methods_are_scored_on_the_same_notes(weights: Path) -> None:
    about = [one for one in some_notes() if one.topic]
    rows = compare(
        iter([Kring(weights), Tfidf()]), [NoteSet("all", about, [about])], timed=[], seed=0, tell=lambda *_: None
    )
    kring, tfidf = rows[:2]
    assert kring.scores["all"].found is not None
    assert kring.scores["all"].found.first > 0.9
    assert tfidf.scores["all"].found is None
    assert (kring.scores["all"].ami or 0) > (tfidf.scores["all"].ami or 0)


def test_no_theme_mixes_perspectives_and_everybody_is_counted(weights: Path) -> None:
    sides_of = [Perspective.SELF, Perspective.PARENT]
    mixed = [replace(one, perspective=sides_of[at % 2]) for at, one in enumerate(some_notes())]
    encoder = BundledEncoder(weights)
    encoder.facts = replace(encoder.facts, levels=(0.3,))  # what a few notes teach about closeness is nothing
    measured = grouping("all", mixed, encoder, seed=0)
    assert measured.pairs.people == 51
    assert measured.themes > 0
    assert measured.mixed == 0


def test_sides_lists_who_asks_only(weights: Path) -> None:
    measured = sides(some_notes(), BundledEncoder(weights), taxonomy())
    assert [(one.perspective.value, one.notes) for one in measured] == [("self", 48)]


def test_siblings_know_each_other() -> None:
    siblings = taxonomy().siblings()
    assert all(topic in siblings[other] for topic, others in siblings.items() for other in others)
    assert all(topic not in others for topic, others in siblings.items())


def test_the_footprint_is_that_of_another_process(weights: Path) -> None:
    measured = footprint(weights, ["Prikt insuline.", "Zoekt een kroeg."] * 50)
    assert measured.notes == 100
    assert measured.folder_mb == pytest.approx(
        sum(file.stat().st_size for file in weights.rglob("*") if file.is_file()) / 1e6
    )
    # this process holds torch, that one does not
    assert measured.peak_mb is None or measured.peak_mb < 400
