"""Text to vectors: the encoder that ships, and any other by setting."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from models.bundled import WEIGHTS, BundledEncoder, bundled
from models.encoder import load_encoder
from models.errors import EncoderUnavailable
from tests.models.encoders import saved_model

ROOT = Path(__file__).parents[2]
NOTES = [
    "Moeder van een zoon met autisme zoekt andere ouders.",
    "Dochter heeft ASS en loopt vast op school, vader wil andere ouders spreken.",
    "Mevrouw heeft schulden, er is bewind en zij leeft van weekgeld.",
    "Meneer zit in de schuldsanering en krijgt leefgeld van de bewindvoerder.",
    "Spreekt graag iemand over modeltreinen.",
]
ODD = {
    "empty": "",
    "blank": " \n\t ",
    "emoji": "😢😢 🙏",
    "long": "moe en verdrietig " * 1_200,
    "one long word": "a" * 20_000,
    "English": "My husband drinks and I do not know what to do.",
    "Turkish": "Eşim hasta ve ben çok yoruldum, konuşacak kimsem yok.",
    "Arabic": "زوجي مريض وأنا متعبة جدا",
    "shouting": "MIJN ZOON HEEFT AUTISME EN IK ZOEK ANDERE OUDERS",
    "random": "qwx zrtk pfff %%% 0000 --- ~~~",
    "control characters": "\x00\x01\ufffd\u202e",
}


def test_rows_are_float32_of_unit_length() -> None:
    vectors = bundled().encode(NOTES)
    assert (vectors.dtype, vectors.shape) == (np.float32, (len(NOTES), len(bundled().facts.columns) + 1))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def test_notes_about_the_same_are_close_and_others_are_not() -> None:
    encoder = bundled()
    vectors = encoder.comparable(encoder.encode(NOTES))
    close = vectors @ vectors.T >= encoder.levels[-1]
    np.fill_diagonal(close, val=False)
    assert np.argwhere(close).tolist() == [[0, 1], [1, 0], [2, 3], [3, 2]]


def test_notes_of_no_topic_are_close_to_nobody() -> None:
    encoder = bundled()
    vectors = encoder.comparable(encoder.encode(["Wil een nieuwe groene container.", "Zijn parkeerkaart is kwijt."]))
    assert vectors[0] @ vectors[1] < encoder.levels[-1]


@pytest.mark.parametrize("text", ODD.values(), ids=ODD.keys())
def test_whatever_is_typed_has_a_finite_unit_vector(text: str) -> None:
    (vector,) = bundled().encode([text])
    assert np.isfinite(vector).all()
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)


def test_no_texts_are_no_rows() -> None:
    assert bundled().encode([]).shape == (0, len(bundled().facts.columns) + 1)


def test_a_note_has_the_same_vector_whoever_stands_beside_it() -> None:
    together = bundled().encode(NOTES)
    alone = np.vstack([bundled().encode([note]) for note in NOTES])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_the_same_texts_give_the_same_bytes() -> None:
    assert BundledEncoder().encode(NOTES).tobytes() == BundledEncoder().encode(NOTES).tobytes()


def test_it_is_an_ordinary_sentence_transformer() -> None:
    from sentence_transformers import SentenceTransformer

    texts = [*NOTES, *(text for text in ODD.values() if text.strip())]
    theirs = SentenceTransformer(str(WEIGHTS), device="cpu").encode(texts)
    # A text of 3,600 words adds up in another order there: the fourth decimal differs, no more.
    np.testing.assert_allclose(bundled().encode(texts), theirs, atol=1e-3)


def test_no_setting_means_the_bundled_encoder_and_no_torch() -> None:
    code = (
        "import sys; from models.encoder import load_encoder; encoder = load_encoder(None); encoder.encode(['a']);"
        "sys.exit(not encoder.model_id.startswith('kring-nl-') or bool({'torch', 'sklearn'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("file", ["modules.json", "kring.json", "tokenizer.json", "model.safetensors", "2_Dense"])
def test_a_missing_file_is_one_line_that_says_what_to_do(tmp_path: Path, file: str) -> None:
    folder = shutil.copytree(WEIGHTS, tmp_path / "weights")
    shutil.rmtree(folder / file) if (folder / file).is_dir() else (folder / file).unlink()
    with pytest.raises(EncoderUnavailable) as caught:
        BundledEncoder(folder)
    assert "kring train" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("file", ["modules.json", "kring.json", "tokenizer.json", "model.safetensors"])
def test_a_corrupt_file_is_one_line_that_says_what_to_do(tmp_path: Path, file: str) -> None:
    folder = shutil.copytree(WEIGHTS, tmp_path / "weights")
    whole = (folder / file).read_bytes()
    (folder / file).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(EncoderUnavailable) as caught:
        BundledEncoder(folder)
    assert "kring train" in str(caught.value)


def test_weights_of_another_training_are_another_model(tmp_path: Path) -> None:
    folder = shutil.copytree(WEIGHTS, tmp_path / "weights")
    dense = folder / "2_Dense" / "model.safetensors"
    changed = bytearray(dense.read_bytes())
    changed[-1] ^= 1
    dense.write_bytes(bytes(changed))
    assert BundledEncoder(folder).model_id != bundled().model_id


def test_a_missing_folder_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(EncoderUnavailable) as caught:
        load_encoder(str(tmp_path / "nothing-here"))
    assert caught.value.code == "encoder_not_found"
    assert "\n" not in str(caught.value)


def test_any_sentence_transformer_can_be_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    folder = saved_model(tmp_path / "model", NOTES, seed=1)
    encoder = load_encoder(str(folder))
    vectors = encoder.encode(NOTES)
    assert encoder.model_id.startswith(f"{folder}:")
    assert all(-1.0 <= level <= 1.0 for level in encoder.levels)
    assert vectors.shape == (len(NOTES), 16)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def test_a_folder_filled_anew_is_another_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    first = load_encoder(str(saved_model(tmp_path / "model", NOTES, seed=1))).model_id
    second = load_encoder(str(saved_model(tmp_path / "model", NOTES, seed=2))).model_id
    assert first != second
