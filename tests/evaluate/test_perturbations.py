from __future__ import annotations

import unicodedata

import numpy as np
import pytest

from compressor.evaluate.perturbations import PERTURBATIONS

TEXT = "A “gripping”, funny film; it doesn't drag (much). I liked the actors, and 3.5 stars are deserved!"
NAMES = PERTURBATIONS.names


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_text_and_no_text_breaks_it(name: str) -> None:
    change = PERTURBATIONS.get(name).change
    one, other = (change(TEXT, np.random.default_rng(3)) for _ in range(2))
    assert one == other != TEXT
    for odd in ("", " ", "\n", "a", "🙂", "漢字", "...", "\u0301"):
        assert isinstance(change(odd, np.random.default_rng(0)), str)


@pytest.mark.parametrize(
    "name", [name for name in NAMES if name not in ("typos", "look-alikes", "truncation", "word-order")]
)
def test_a_person_reads_the_same_letters(name: str) -> None:
    changed = PERTURBATIONS.get(name).change(TEXT, np.random.default_rng(3))

    def letters(text: str) -> str:
        plain = unicodedata.normalize("NFD", text)
        return "".join(c for c in plain if c.isalnum()).casefold()

    assert letters(changed) == letters(TEXT)


def test_look_alikes_are_other_characters_of_the_same_number() -> None:
    changed = PERTURBATIONS.get("look-alikes").change(TEXT * 3, np.random.default_rng(3))
    assert len(changed) == len(TEXT * 3) and any("CYRILLIC" in unicodedata.name(c) for c in changed)


def test_the_end_is_cut_off_and_at_least_one_word_stays() -> None:
    change = PERTURBATIONS.get("truncation").change
    random = np.random.default_rng(0)
    assert change(TEXT, random).endswith("3.5 stars") and TEXT.startswith(change(TEXT, random))
    assert change("(good) film!", random) == "(good" and change("film!", random) == "film!"


def test_the_words_are_the_same_in_another_order() -> None:
    changed = PERTURBATIONS.get("word-order").change("one two three four five", np.random.default_rng(3))
    assert sorted(changed.split()) == sorted(["one", "two", "three", "four", "five"]) != changed.split()
