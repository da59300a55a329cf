"""What is said at one tokenizer's tokens, said at another's: against a literal rewrite, on texts cut at random."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import pre_tokenizers
from transformers import AutoTokenizer

from compressor.runtime.encoder import Encoder
from compressor.runtime.tasks.base import softmax
from compressor.tasks import get_task
from compressor.tasks.alignment import ABSENT, NOWHERE, Placed, Places, move_probabilities, take_by_beginning
from tests import tiny

Side = Literal["start", "end"]
SIDES = st.sampled_from(["start", "end"])


@st.composite
def token_places(draw: st.DrawFn, length: int) -> Places:
    """A row: no answer, then a text of so many characters cut into tokens, between which some may be missing."""
    inner = draw(st.sets(st.integers(1, length - 1), max_size=12))
    bounds = [0, *sorted(inner), length]
    spans = list(pairwise(bounds))
    kept = draw(st.lists(st.booleans(), min_size=len(spans), max_size=len(spans)))
    left = [span for span, keep in zip(spans, kept, strict=True) if keep] or spans
    return np.array([NOWHERE, *left], dtype=np.int64)


@st.composite
def two_rows(draw: st.DrawFn) -> tuple[Placed, Places]:
    """What a teacher says of a text, and the places of a student's tokens."""
    length = draw(st.integers(2, 40))
    theirs, mine = draw(token_places(length)), draw(token_places(length))
    return Placed(draw(logits(len(theirs))), theirs), mine


def logits(count: int) -> st.SearchStrategy[Any]:
    return st.lists(st.floats(-12, 12), min_size=count, max_size=count).map(lambda values: np.array(values, np.float16))


def rewritten(teacher: Placed, places: Places, side: Side) -> list[float]:
    """The probabilities, token by token and character by character."""
    found = [0.0] * len(places)
    tokens = places[1:].tolist()
    for probability, (begin, end) in zip(softmax(teacher.values), teacher.places.tolist(), strict=True):
        character = begin if side == "start" else end - 1
        if (begin, end) == NOWHERE or not tokens[0][0] <= begin < end <= tokens[-1][1]:
            found[0] += probability
            continue
        if side == "start":
            holder = next(number for number, (_, after) in enumerate(tokens) if character < after)
        else:
            holder = max(number for number, (first, _) in enumerate(tokens) if first <= character)
        found[1 + holder] += probability
    return found


@given(two_rows(), SIDES)
def test_probabilities_fall_to_the_token_that_holds_the_character(both: tuple[Placed, Places], side: Side) -> None:
    teacher, places = both
    moved = move_probabilities([teacher], places, side)
    if np.isnan(moved).all():
        assert teacher.places[1:, 0].min() >= places[:, 1].max() or teacher.places[:, 1].max() <= places[1:, 0].min()
        return
    np.testing.assert_allclose(softmax(moved), rewritten(teacher, places, side), atol=1e-6)


@given(st.data(), SIDES)
def test_no_probability_is_lost_between_windows(data: st.DataObject, side: Side) -> None:
    """A window of the student that several of the teacher's see, each with logits of its own."""
    length = data.draw(st.integers(4, 40))
    whole = data.draw(token_places(length))
    places = np.concatenate([whole[:1], whole[1:][data.draw(st.integers(0, len(whole) - 2)) :]])
    windows = [Placed(data.draw(logits(len(one))), one) for one in windows_of(data.draw(token_places(length)))]
    moved = move_probabilities(windows, places, side)
    assert np.isnan(moved).all() or np.exp(moved.astype(np.float64)).sum() == pytest.approx(1, abs=1e-4)


def windows_of(places: Places, size: int = 4, step: int = 3) -> list[Places]:
    """The tokens of a row in windows that share one."""
    starts = range(1, max(2, len(places) - size + step), step)
    return [np.concatenate([places[:1], places[first : first + size]]) for first in starts if first < len(places)]


@given(st.data(), SIDES)
def test_a_teacher_with_the_same_windows_is_taken_at_its_word(data: st.DataObject, side: Side) -> None:
    windows = [Placed(data.draw(logits(len(one))), one) for one in windows_of(data.draw(token_places(40)))]
    for window in windows:
        moved = move_probabilities(windows, window.places, side)
        np.testing.assert_allclose(moved, np.log(softmax(window.values)), atol=1e-5)


@given(st.data(), SIDES)
@settings(max_examples=40)
def test_windows_together_say_what_one_would_that_sees_it_all(data: st.DataObject, side: Side) -> None:
    whole, mine = data.draw(token_places(40)), data.draw(token_places(40))
    mine[1, 0], mine[-1, 1] = 0, 40
    values = data.draw(logits(len(whole)))
    windows = [
        Placed(np.concatenate([values[:1], values[np.isin(whole[:, 0], one[1:, 0])]]), one) for one in windows_of(whole)
    ]
    together = move_probabilities(windows, mine, side)
    alone = move_probabilities([Placed(values, whole)], mine, side)
    np.testing.assert_allclose(softmax(together), softmax(alone), atol=1e-6)


def test_what_stands_outside_of_the_students_window_is_no_answer_there() -> None:
    teacher = Placed(np.log([0.1, 0.2, 0.3, 0.4]), np.array([NOWHERE, (0, 4), (4, 8), (8, 12)]))
    moved = move_probabilities([teacher], np.array([NOWHERE, (4, 6), (6, 8)]), "start")
    np.testing.assert_allclose(np.exp(moved[:2]), [0.1 + 0.2 + 0.4, 0.3], rtol=1e-5)
    assert moved[2] == np.float32(ABSENT)


def test_an_answer_ends_with_the_token_that_holds_its_last_character() -> None:
    teacher = Placed(np.log([0.1, 0.2, 0.7]), np.array([NOWHERE, (0, 4), (5, 12)]))
    moved = move_probabilities([teacher], np.array([NOWHERE, (0, 2), (2, 4), (5, 9), (9, 12)]), "end")
    np.testing.assert_allclose(np.exp(moved), [0.1, 0, 0.2, 0, 0.7], atol=1e-6)


def test_no_answer_counts_as_in_the_window_where_it_is_least_likely() -> None:
    windows = [
        Placed(np.array([5.0, 0.0]), np.array([NOWHERE, (0, 4)])),
        Placed(np.array([-3.0, 4.0]), np.array([NOWHERE, (4, 6)])),
    ]
    moved = move_probabilities(windows, np.array([NOWHERE, (0, 2), (2, 6)]), "end")
    nothing, *tokens = softmax(np.array([-3.0, 0.0, 4.0]))
    np.testing.assert_allclose(np.exp(moved), [nothing, 0, sum(tokens)], atol=1e-6)


def test_a_text_that_the_teacher_did_not_see_teaches_nothing() -> None:
    teacher = Placed(np.zeros(2), np.array([NOWHERE, (0, 4)]))
    assert np.isnan(move_probabilities([teacher], np.array([NOWHERE, (9, 12)]), "start")).all()
    assert np.isnan(move_probabilities([Placed(np.zeros(1), np.array([NOWHERE]))], teacher.places, "start")).all()
    assert move_probabilities([teacher], np.array([NOWHERE]), "start").tolist() == [0]


def test_words_are_one_where_they_begin_at_the_same_character() -> None:
    teacher = Placed(np.array([[1.0, 0], [0, 2]]), np.array([(0, 6), (7, 9)]))
    found = take_by_beginning([teacher], np.array([(0, 5), (5, 6), (7, 12), (13, 14)]))
    np.testing.assert_array_equal(found, [[1, 0], [np.nan] * 2, [0, 2], [np.nan] * 2])


def test_space_around_a_token_is_none_of_it(encoder_folder: Any) -> None:
    """Byte-level tokenizers count the space before a word as part of it."""
    task = get_task("question-answering")
    tokenizer = AutoTokenizer.from_pretrained(encoder_folder).backend_tokenizer
    plain = Encoder(tokenizer, {}, max_length=32)
    spaced = type(tokenizer).from_str(tokenizer.to_str())
    spaced.normalizer = None
    spaced.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_next")
    examples = [{name: tiny.questions(1)[0][name] for name in ("question", "context")}]
    expected, found = (
        task.places(task.runtime.encode(encoder, examples)) for encoder in (plain, Encoder(spaced, {}, max_length=32))
    )
    assert expected is not None and found is not None
    np.testing.assert_array_equal(found[0], expected[0])
