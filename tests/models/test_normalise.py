"""How Dutch care notes are written."""

from __future__ import annotations

from models.normalise import dutch_words, plain


def test_accents_and_capitals_do_not_make_another_word() -> None:
    assert plain("Cliënt HÉÉFT één naïeve vraag") == "client heeft een naieve vraag"


def test_abbreviations_are_written_out_in_plain_words() -> None:
    known = dutch_words().abbreviations
    assert known["mw"] == ("mevrouw",)
    assert known["ivm"] == ("in", "verband", "met")
    assert all(plain(word) == word for words in known.values() for word in words)
