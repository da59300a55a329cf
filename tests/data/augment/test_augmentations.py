"""Each augmentation alone: what it changes, what it leaves, and that only its generator decides."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compressor.data.augment.base import AugmentationConfig
from compressor.data.corpus import Corpus
from compressor.data.words import Words
from compressor.recipe.augment import AUGMENTATIONS, AugmentationSection

TEXTS = ["A gripping, funny film.", "The plot is dull; the actors are not!", "“Moving” and warm, in the end"]
CORPUS = Corpus.of(TEXTS, TEXTS)
KINDS = sorted(set(AUGMENTATIONS.names) - {"masked-model"})
OFF: dict[str, dict[str, Any]] = {
    "random-words": {"share": 0},
    "delete-span": {"share": 0},
    "swap-words": {"share": 0},
    "typos": {"share": 0},
    "accents": {"share": 0},
    "look-alikes": {"share": 0},
    "invisible": {"share": 0},
    "whitespace": {"share": 0},
    "noise": {"case": 0, "punctuation": 0},
}

any_text = st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip)


def augmentation(kind: str, **options: Any) -> AugmentationConfig:
    made: AugmentationSection = AUGMENTATIONS.get(kind).model_validate({"kind": kind, **options})
    assert isinstance(made, AugmentationConfig)
    return made


def changed(kind: str, text: str, seed: int = 0, corpus: Corpus = CORPUS, **options: Any) -> str:
    return augmentation(kind, **options).change(text, np.random.default_rng(seed), corpus)


def many(kind: str, text: str, count: int = 200, **options: Any) -> set[str]:
    return {changed(kind, text, seed, **options) for seed in range(count)}


@given(any_text)
def test_words_and_gaps_are_the_text_again(text: str) -> None:
    words = Words.of(text)
    assert words.text == text
    assert all(word and not any(letter.isspace() for letter in word) for word in words.words)


def test_words_are_what_stands_between_spaces_without_marks_around() -> None:
    words = Words.of("“Don't”, he said -- a well-made हिन्दी film (3.5)!")
    assert words.words == ("Don't", "he", "said", "a", "well-made", "हिन्दी", "film", "3.5")


@pytest.mark.parametrize("kind", sorted(OFF))
@given(text=any_text)
def test_a_share_of_nothing_changes_nothing(kind: str, text: str) -> None:
    assert changed(kind, text, **OFF[kind]) == text


@pytest.mark.parametrize("kind", KINDS)
@given(text=any_text, seed=st.integers(0, 2**32 - 1))
def test_no_text_becomes_empty_and_the_seed_decides(kind: str, text: str, seed: int) -> None:
    found = changed(kind, text, seed)
    assert found.strip()
    assert found == changed(kind, text, seed)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if augmentation(kind).keeps_words])
@given(text=any_text, seed=st.integers(0, 2**32 - 1))
def test_those_that_say_so_keep_the_words_apart(kind: str, text: str, seed: int) -> None:
    most: dict[str, Any] = dict.fromkeys(OFF[kind], 1.0)
    assert len(changed(kind, text, seed, **most).split()) == len(text.split())


@pytest.mark.parametrize("kind", KINDS)
def test_most_texts_are_changed_and_differently(kind: str) -> None:
    text = "The plot is thin; the actors, in the end, are very good, and it was funny!"
    most: dict[str, Any] = dict.fromkeys(OFF.get(kind, {}), 0.5)
    found = many(kind, text, **most)
    assert len(found) > 10


def test_random_words_come_from_the_training_texts_by_their_frequency() -> None:
    corpus = Corpus.of(["good good good bad"] * 5, ["good"])
    found = [word for seed in range(200) for word in changed("random-words", "x y z", seed, corpus, share=1).split()]
    assert set(found) == {"good", "bad"}
    assert found.count("good") / len(found) == pytest.approx(0.75, abs=0.07)


def test_random_words_leave_marks_where_they_are() -> None:
    assert changed("random-words", "(one), two!", corpus=Corpus.of(["x"], ["x"]), share=1) == "(x), x!"


def test_a_deleted_span_leaves_the_rest_with_its_marks() -> None:
    found = many("delete-span", "a gripping, funny film.", share=0.25)
    assert found == {"gripping, funny film.", "a, funny film.", "a gripping, film.", "a gripping, funny."}
    assert many("delete-span", "alone") == {"alone"}


def test_recombined_texts_begin_as_one_and_end_as_another() -> None:
    other = Corpus.of(["five six seven eight!"], ["five six seven eight!"])
    found = {changed("recombine", "(one two three four", seed, other) for seed in range(100)}
    assert found == {"(one six seven eight!", "(one two seven eight!", "(one two three eight!"}


def test_n_grams_are_neighbouring_words_without_marks_around() -> None:
    found = many("n-gram", "one, two three!", shortest=2, longest=2)
    assert found == {"one, two", "two three"}
    assert list(augmentation("n-gram", shortest=3, longest=2).problems())


def test_swapped_words_stand_where_their_neighbours_did() -> None:
    assert changed("swap-words", "one, (two) three.", share=1) == "two, (three) one."


def test_typos_are_slips_of_one_finger() -> None:
    found = many("typos", "Was", count=400, share=1)
    assert {"aWs", "as", "WWas", "Qas", "Wad"} <= found  # swapped, dropped, doubled, keys beside W and s
    assert "Wpas" not in found and "Wap" not in found


def test_noise_changes_case_and_marks_and_no_word() -> None:
    found = many("noise", "It's “good”, he says!", case=0.5, punctuation=0.5)
    plain = {"".join(letter for letter in text if letter.isalpha()).lower() for text in found}
    assert plain == {"itsgoodhesays"}
    assert "It's “Good”, He Says!" in many("noise", "it's “good”, he says!", case=1, punctuation=0)
    assert any(text.isupper() for text in found) and any("!!" in text for text in found)
    assert any('"' in text for text in found) and any("\N{RIGHT SINGLE QUOTATION MARK}" in text for text in found)
    assert many("noise", "3.5 , 7", case=0, punctuation=1) <= {"3.5 , 7", "3.5 ,, 7"}
