"""Text to vectors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from models.encoder import FirstEncoder, load_encoder
from models.errors import EncoderUnavailable

NOTES = [
    "Moeder van een zoon met autisme zoekt andere ouders.",
    "Dochter heeft ASS en loopt vast op school.",
    "Mevrouw leeft van weekgeld, er is bewind.",
    "Meneer zit in de schuldsanering.",
    "Spreekt graag iemand over breien en bijen.",
]


def test_rows_are_float32_of_unit_length() -> None:
    vectors = FirstEncoder().encode(NOTES)
    assert vectors.dtype == np.float32
    assert vectors.shape[0] == len(NOTES)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def test_notes_about_the_same_are_close_and_others_are_not() -> None:
    encoder = FirstEncoder()
    vectors = encoder.encode(NOTES)
    close = vectors @ vectors.T >= encoder.close_from
    np.fill_diagonal(close, val=False)
    assert np.argwhere(close).tolist() == [[0, 1], [1, 0], [2, 3], [3, 2]]


def test_a_text_without_a_telling_word_is_close_to_nobody() -> None:
    vectors = FirstEncoder().encode(["de het een", "12 34", NOTES[0]])
    assert not vectors[:2].any()
    assert np.isfinite(vectors).all()


@pytest.mark.parametrize("texts", [[], ["x"], ["de"], ["bijen"], ["bijen", "bijen"], ["a b c", "😢"]])
def test_a_tiny_pool_encodes(texts: list[str]) -> None:
    vectors = FirstEncoder().encode(texts)
    assert vectors.shape[0] == len(texts)
    assert np.isfinite(vectors).all()


def test_the_same_texts_give_the_same_bytes() -> None:
    assert FirstEncoder(3).encode(NOTES).tobytes() == FirstEncoder(3).encode(NOTES).tobytes()


def test_circumstances_alone_make_nobody_close() -> None:
    encoder = FirstEncoder()
    vectors = encoder.encode(["Slapen gaat slecht.", "Kan niet slapen door de buren.", *NOTES])
    assert vectors[0] @ vectors[1] < encoder.close_from


def test_no_setting_means_the_bundled_encoder() -> None:
    assert load_encoder(None).model_id == "kring-first-1"


def test_the_bundled_encoder_never_imports_torch() -> None:
    code = "import sys; from models.encoder import load_encoder; load_encoder(None).encode(['een', 'bij']);"
    done = subprocess.run(
        [sys.executable, "-c", code + "sys.exit('torch' in sys.modules)"], cwd=Path(__file__).parents[2], check=False
    )
    assert done.returncode == 0


def test_a_missing_folder_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(EncoderUnavailable) as caught:
        load_encoder(str(tmp_path / "nothing-here"))
    assert caught.value.code == "encoder_not_found"
    assert "\n" not in str(caught.value)


def test_any_sentence_transformer_can_be_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    words = sorted({word for note in NOTES for word in note.replace(".", " .").replace(",", " ,").split()})
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0, **{word: at for at, word in enumerate(words, 1)}}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    weights = np.random.default_rng(1).standard_normal((len(words) + 1, 16)).astype(np.float32)
    model = SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=weights)], device="cpu")
    model.save(str(tmp_path / "model"))

    encoder = load_encoder(str(tmp_path / "model"))
    vectors = encoder.encode(NOTES)
    assert encoder.model_id == str(tmp_path / "model")
    assert -1.0 <= encoder.close_from <= 1.0
    assert vectors.shape == (len(NOTES), 16)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
