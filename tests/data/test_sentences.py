from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from compressor.data.sentences import sentences


def test_sentences_end_at_their_marks_and_not_at_titles() -> None:
    text = 'Mr. Smith meets J. R. Jones in St. Louis... "Who are you?" he asks.\nNobody knows! 3.5 stars'
    assert sentences(text) == [
        "Mr. Smith meets J. R. Jones in St. Louis...",
        '"Who are you?"',
        "he asks.",
        "Nobody knows!",
        "3.5 stars",
    ]


def test_short_sentences_are_joined_to_the_next_one_and_the_last_to_the_one_before() -> None:
    assert sentences("No. Not now, please. He went home again. Yes.", min_words=4) == [
        "No. Not now, please.",
        "He went home again. Yes.",
    ]


def test_long_sentences_are_cut_at_commas_and_then_between_words() -> None:
    text = "He came, he saw the wide sea, and went one two three four five six."
    assert sentences(text, max_words=5) == [
        "He came,",
        "he saw the wide sea,",
        "and went one two three",
        "four five six.",
    ]


@given(st.text(st.sampled_from("ab .!?,;\n\"'—。")), st.integers(1, 5), st.integers(1, 8))
def test_no_word_is_lost_and_none_too_long(text: str, fewest: int, most: int) -> None:
    found = sentences(text, min_words=fewest, max_words=most)
    assert "".join(" ".join(found).split()) == "".join(text.split())
    assert all(0 < len(one.split()) <= most for one in found)
