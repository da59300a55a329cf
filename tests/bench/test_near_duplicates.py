from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compressor.bench.near_duplicates import ALIKE, NearDuplicates, similarity

VOCABULARY = [f"{a}{b}{c}" for a in "bdfgklmn" for b in "aeiou" for c in ("ram", "tis", "lon", "ver", "nok", "pel")]


def made_text(seed: int, words: int) -> str:
    return " ".join(np.random.default_rng(seed).choice(VOCABULARY, words))


def found(text: str, stream: list[str], seed: int = 1) -> dict[int, float]:
    nearest = NearDuplicates([(text,)], seed=seed).nearest((one,) for one in stream)
    return {row: near.similarity for row, near in nearest.found.items()}


@pytest.mark.parametrize("words", [12, 25, 35, 80, 300])
def test_copies_with_small_changes_are_found(words: int) -> None:
    text = made_text(words, words)
    parts = text.split()
    typo = " ".join([*parts[:4], f"{parts[4][:1]}x{parts[4][1:]}", *parts[5:]])
    word = " ".join([*parts[:9], "otherwise", *parts[10:]])
    punctuated = f"“{text.upper().replace(' ', ',  ', 3)}”!"
    others = [made_text(1000 + i, words) for i in range(50)]
    assert found(text, [*others, punctuated]) == {0: 1.0}
    for copy in (typo, word) if words > 12 else (typo,):
        assert similarity((text,), (copy,)) >= ALIKE and found(text, [*others, copy]), copy


@pytest.mark.parametrize("words", [3, 10, 34, 100])
def test_unrelated_texts_are_none(words: int) -> None:
    texts = [(made_text(i, words),) for i in range(300)]
    others = [(made_text(10_000 + i, words),) for i in range(3000)]
    assert not NearDuplicates(texts, seed=1).nearest(others).found


@given(
    st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=120),
    st.lists(st.tuples(st.integers(0, 119), st.sampled_from(["", *VOCABULARY[:9]])), max_size=4),
    st.integers(0, 9),
)
def test_every_pair_of_a_similarity_of_0_9_is_found(words: list[str], edits: list[tuple[int, str]], seed: int) -> None:
    changed = list(words)
    for place, word in edits:
        changed[place % len(changed)] = word
    text, copy = " ".join(words), " ".join(changed)
    close = similarity((text,), (copy,))
    got = found(text, ["something else", copy], seed)
    if close >= 0.9:
        assert got == {0: close}
    elif close < ALIKE:
        assert not got


def test_the_nearest_of_several_is_told_and_the_same_seed_finds_the_same() -> None:
    text = made_text(1, 60)
    parts = text.split()
    near, nearer = (" ".join([*parts[:-count], *["other"] * count]) for count in (3, 1))
    assert found(text, [near, nearer, near]) == {0: similarity((text,), (nearer,))}
    assert found(text, [near, nearer], seed=5) == found(text, [near, nearer], seed=5)


def test_a_text_is_no_duplicate_of_itself() -> None:
    texts = [(made_text(i, 20),) for i in range(5)]
    sought = NearDuplicates([*texts, texts[2]], seed=1)
    assert list(sought.nearest([*texts, texts[2]], itself=True).found) == [2, 5]


def test_of_a_pair_both_texts_have_to_be_alike() -> None:
    context, question, other = made_text(1, 90), made_text(2, 8), made_text(3, 8)
    sought = NearDuplicates([(question, context)], seed=1)
    assert not sought.nearest([(other, context)]).found
    assert list(sought.nearest([(question.upper(), context)]).found) == [0]


@pytest.mark.parametrize("text", ["", "...", "a", "\ud800", "日本語の短い文章です", "क्या यह ठीक है"])
def test_any_text_can_be_asked(text: str) -> None:
    assert set(found(text, ["", text, "other"])) <= {0}
    assert bool(found(text, [text])) == any(character.isalnum() for character in text)


def test_no_text_at_all() -> None:
    assert NearDuplicates([], seed=1).nearest([("a",)]).found == {}
    assert NearDuplicates([("a",)], seed=1).nearest([]).read == 0


def test_memory_does_not_grow_with_the_stream() -> None:
    sought = NearDuplicates([(made_text(i, 40),) for i in range(20)], seed=1)

    def peak(count: int) -> int:
        def stream() -> Iterator[tuple[str]]:
            yield from ((f"{i} {i + 1} {i + 2} {i * 7} tail of a text",) for i in range(count))

        tracemalloc.start()
        try:
            sought.nearest(stream())
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(2000)
    assert peak(8000) < 1.2 * peak(2000)
