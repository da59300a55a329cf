"""Spans of a context: windows, the best span of all, no answer, and figures as the official script has them."""

from __future__ import annotations

import collections
import itertools
import re
import string
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compressor.errors import DataError
from compressor.runtime.encoder import Encoder
from compressor.runtime.outputs import Outputs, Ragged
from compressor.runtime.tasks import Encoded, Settings
from compressor.runtime.tasks.question_answering import (
    LONGEST_ANSWER,
    TASK,
    THRESHOLD,
    Span,
    best_threshold,
    context_tokens,
    exact_match,
    f1,
)
from tests import tiny

MAX_LENGTH = 24
SHORT = {"question": "was it good", "context": "the film was  gripping"}
LONG = {"question": "was it good", "context": " ".join(f"w{i % 80}" for i in range(100))}


@pytest.fixture
def encoder(encoder_folder: Path) -> Encoder:
    return Encoder.from_folder(encoder_folder, MAX_LENGTH)


def random_outputs(encoded: Encoded, seed: int = 0) -> Outputs:
    generator = np.random.default_rng(seed)
    width = max(map(len, encoded.rows))
    arrays = [generator.normal(size=(len(encoded.rows), width)) * 3 for _ in range(2)]
    return TASK.reduce(arrays, encoded)


def chosen(encoded: Encoded, spans: dict[int, tuple[int, int]]) -> Outputs:
    """Outputs that favour in each row one (start, end) of what is kept; (0, 0) where none is named."""
    rows: list[list[Any]] = [[], []]
    for place, row in enumerate(encoded.rows):
        begin, end = context_tokens(row)
        for side, found in enumerate(rows):
            found.append(np.eye(1 + end - begin)[spans.get(place, (0, 0))[side]] * 10)
    return {
        name: Ragged.of(found, ragged=True) for name, found in zip(("start_logits", "end_logits"), rows, strict=True)
    }


def test_a_long_context_is_read_in_windows_that_overlap(encoder: Encoder) -> None:
    encoded = TASK.encode(encoder, [SHORT, LONG])
    assert encoded.rows_of(0) == [0] and len(encoded.rows_of(1)) > 5
    assert max(map(len, encoded.rows)) == MAX_LENGTH
    spans = [
        (row.offsets[begin][0], row.offsets[end - 1][1])
        for row in encoded.rows[1:]
        for begin, end in [context_tokens(row)]
    ]
    assert spans[0][0] == 0 and spans[-1][1] == len(LONG["context"])
    assert all(after[0] < before[1] for before, after in itertools.pairwise(spans))
    shared = [LONG["context"][after[0] : before[1]].split() for before, after in itertools.pairwise(spans)]
    assert {len(words) for words in shared} == {MAX_LENGTH // 4}


def test_a_question_that_fills_the_row_is_cut_so_that_context_remains(encoder: Encoder) -> None:
    encoded = TASK.encode(encoder, [{"question": LONG["context"], "context": SHORT["context"]}])
    assert max(map(len, encoded.rows)) <= MAX_LENGTH
    first, after = context_tokens(encoded.rows[0])
    assert after - first == 4


def test_padding_and_question_are_left_out_wherever_the_padding_stands(encoder: Encoder) -> None:
    encoded = TASK.encode(encoder, [SHORT, LONG])
    width, lengths = max(map(len, encoded.rows)), [len(row) for row in encoded.rows]
    numbers = [np.arange(width) + 100 * row for row in range(len(lengths))]
    left = [np.roll(row, width - length) for row, length in zip(numbers, lengths, strict=True)]
    right = TASK.reduce([np.array(numbers)] * 2, encoded)["end_logits"]
    begin, end = context_tokens(encoded.rows[0])
    assert right[0].tolist() == [0, *range(begin, end)]
    padded_left = TASK.reduce([np.array(left)] * 2, encoded, pads_left=True)["end_logits"]
    assert right.values.tolist() == padded_left.values.tolist()


def test_an_answer_is_a_piece_of_the_context_by_its_characters(encoder: Encoder) -> None:
    encoded = TASK.encode(encoder, [SHORT])
    (answer,) = TASK.decode(chosen(encoded, {0: (2, 4)}), encoded, Settings())
    assert (answer.text, answer.start, answer.end) == ("film was  gripping", 4, 22)
    assert answer.brief == answer.text and 0.9 < answer.score <= 1


def test_an_answer_in_a_later_window_is_found(encoder: Encoder) -> None:
    encoded = TASK.encode(encoder, [SHORT, LONG])
    row = encoded.rows_of(1)[-1]
    _, answer = TASK.decode(chosen(encoded, {0: (1, 1), row: (1, 2)}), encoded, Settings())
    begin = context_tokens(encoded.rows[row])[0]
    assert answer.start == encoded.rows[row].offsets[begin][0]
    assert LONG["context"][answer.start : answer.end] == answer.text and len(answer.text.split()) == 2


@pytest.mark.parametrize("seed", range(5))
def test_the_best_span_is_that_of_a_search_over_all(encoder: Encoder, seed: int) -> None:
    encoded = TASK.encode(encoder, [SHORT, LONG])
    outputs = random_outputs(encoded, seed)
    for example, answer in enumerate(TASK.decode(outputs, encoded, Settings())):
        best: tuple[float, int, int, float] = (-np.inf, 0, 0, 0.0)
        for place in encoded.rows_of(example):
            start, end = outputs["start_logits"][place], outputs["end_logits"][place]
            offsets = encoded.rows[place].offsets[context_tokens(encoded.rows[place])[0] :]
            scores = {
                (i, j): start[i] + end[j]
                for i in range(1, len(start))
                for j in range(i, min(i + LONGEST_ANSWER, len(end)))
            }
            total = sum(np.exp(value) for value in scores.values()) + np.exp(start[0] + end[0])
            for (i, j), score in scores.items():
                if score > best[0]:
                    best = (score, offsets[i - 1][0], offsets[j - 1][1], np.exp(score) / total)
        assert (answer.start, answer.end) == best[1:3]
        assert answer.score == pytest.approx(best[3])


def test_no_span_is_longer_than_the_limit(encoder_folder: Path) -> None:
    encoder = Encoder.from_folder(encoder_folder, 64)
    encoded = TASK.encode(encoder, [{**LONG, "context": " ".join(["film"] * 50)}])
    (answer,) = TASK.decode(chosen(encoded, {0: (1, 45)}), encoded, Settings())
    assert len(answer.text.split()) <= LONGEST_ANSWER


def test_no_answer_needs_every_window_to_say_so_and_a_threshold(encoder: Encoder) -> None:
    encoded = TASK.encode(encoder, [LONG])
    none = chosen(encoded, {})
    allowed = Settings(options={THRESHOLD: 0.0})
    assert TASK.decode(none, encoded, Settings())[0].text
    (answer,) = TASK.decode(none, encoded, allowed)
    assert (answer.text, answer.start, answer.end, answer.brief) == ("", 0, 0, "(no answer)")
    assert 0.5 < answer.score <= 1
    assert TASK.decode(none, encoded, Settings(options={THRESHOLD: 1000.0}))[0].text
    assert TASK.decode(chosen(encoded, {2: (1, 1)}), encoded, allowed)[0].text


def test_a_context_without_tokens_has_no_answer(encoder: Encoder) -> None:
    encoded = TASK.encode(encoder, [{"question": "was it good", "context": " "}])
    assert TASK.decode(random_outputs(encoded), encoded, Settings()) == [Span("", 0, 0, 1.0)]
    assert TASK.tune(random_outputs(encoded), encoded, [[]], Settings()) == {THRESHOLD: 0.0}


def official_normalize(s: str) -> str:
    """`normalize_answer` of evaluate-v2.0.py."""

    def remove_articles(text: str) -> str:
        regex = re.compile(r"\b(a|an|the)\b", re.UNICODE)
        return re.sub(regex, " ", text)

    def white_space_fix(text: str) -> str:
        return " ".join(text.split())

    def remove_punc(text: str) -> str:
        exclude = set(string.punctuation)
        return "".join(ch for ch in text if ch not in exclude)

    return white_space_fix(remove_articles(remove_punc(s.lower())))


def official_scores(prediction: str, answers: list[str]) -> tuple[float, float]:
    """`get_raw_scores` of evaluate-v2.0.py for one question: exact match and F1."""
    gold_answers = [text for text in answers if official_normalize(text)] or [""]

    def compute_f1(a_gold: str, a_pred: str) -> float:
        gold_toks = official_normalize(a_gold).split() if a_gold else []
        pred_toks = official_normalize(a_pred).split() if a_pred else []
        common = collections.Counter(gold_toks) & collections.Counter(pred_toks)
        num_same = sum(common.values())
        if len(gold_toks) == 0 or len(pred_toks) == 0:
            return int(gold_toks == pred_toks)
        if num_same == 0:
            return 0
        precision = 1.0 * num_same / len(pred_toks)
        recall = 1.0 * num_same / len(gold_toks)
        return (2 * precision * recall) / (precision + recall)

    exact = max(int(official_normalize(gold) == official_normalize(prediction)) for gold in gold_answers)
    return exact, max(compute_f1(gold, prediction) for gold in gold_answers)


WORDS = st.lists(
    st.sampled_from(["The", "a", "an", "film's", "film", "good,", "GOOD", "...", "é", "—", " "]), max_size=6
)
PHRASES = st.one_of(WORDS.map(" ".join), st.text(max_size=12))


@given(answer=PHRASES, right=st.lists(PHRASES, max_size=4))
def test_answers_are_scored_as_the_official_script_scores_them(answer: str, right: list[str]) -> None:
    exact, of_words = official_scores(answer, right)
    assert exact_match(answer, right) == exact
    assert f1(answer, right) == pytest.approx(of_words)


def test_figures_are_means_of_the_scores_of_the_answers(encoder: Encoder) -> None:
    rows = tiny.questions(40, unanswered=0.3)
    encoded = TASK.encode(encoder, rows)
    outputs = random_outputs(encoded)
    settings = Settings(options={THRESHOLD: 0.0})
    said = [answer.text for answer in TASK.decode(outputs, encoded, settings)]
    assert "" in said
    scores = [
        official_scores(text, [one["text"] for one in row["answers"]]) for text, row in zip(said, rows, strict=True)
    ]
    figures = TASK.figures(outputs, encoded, [row["answers"] for row in rows], settings)
    assert list(figures) == ["f1", "exact_match"]
    assert (figures["exact_match"], figures["f1"]) == pytest.approx(tuple(np.mean(scores, axis=0)))


def official_best(leads: Any, scores: Any, has_answer: Any) -> float:
    """Best total of `find_best_thresh` in evaluate-v2.0.py."""
    current = best = float(sum(not has for has in has_answer))
    for place in np.argsort(leads):
        current += scores[place] if has_answer[place] else -1
        best = max(best, current)
    return best


@given(seed=st.integers(0, 10_000), count=st.integers(1, 30))
def test_the_threshold_is_the_best_one_of_the_official_script(seed: int, count: int) -> None:
    generator = np.random.default_rng(seed)
    has_answer = generator.random(count) < 0.6
    leads = generator.normal(size=count) - 2 * has_answer
    scores = np.where(has_answer, generator.random(count), 0)
    threshold = best_threshold(leads, scores, has_answer)
    total = float(np.where(leads > threshold, ~has_answer, scores).sum())
    assert total == pytest.approx(official_best(leads, scores, has_answer))


def test_equal_leads_are_not_parted() -> None:
    leads, has_answer = np.array([1.0, 1.0, 2.0]), np.array([True, False, False])
    threshold = best_threshold(leads, has_answer.astype(float), has_answer)
    assert threshold < 1 or 1 < threshold < 2


def test_a_threshold_is_chosen_where_questions_have_no_answer_and_makes_the_figure_better(encoder: Encoder) -> None:
    rows = tiny.questions(60, unanswered=0.4)
    encoded = TASK.encode(encoder, rows)
    outputs, targets = random_outputs(encoded), [row["answers"] for row in rows]
    options = TASK.tune(outputs, encoded, targets, Settings())
    tuned = TASK.figures(outputs, encoded, targets, Settings(options=options))
    for other in ({}, {THRESHOLD: 0.0}, {THRESHOLD: 5.0}):
        assert tuned["f1"] >= TASK.figures(outputs, encoded, targets, Settings(options=other))["f1"]
    assert TASK.tune(outputs, encoded, [[{"start": 0, "text": "film"}]] * len(rows), Settings()) == {}


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ([{"start": 3, "text": "a film"}, {"text": "film", "answer_start": 5}], ["a film", "film"]),
        ({"text": ["film"], "answer_start": [5]}, ["film"]),
        ({"text": [], "answer_start": []}, []),
        (["film", "a film"], ["film", "a film"]),
        (" film ", ["film"]),
        ("", []),
        ([], []),
    ],
)
def test_right_answers_may_be_written_in_every_usual_way(value: Any, texts: list[str]) -> None:
    assert [answer["text"] for answer in TASK.target(value, Settings())] == texts


@pytest.mark.parametrize("value", [3, [3], [{"start": 3}], [["film"], 2]])
def test_what_is_no_answer_is_refused(value: Any) -> None:
    with pytest.raises(DataError):
        TASK.target(value, Settings())


def test_always_no_answer_is_right_where_there_is_none() -> None:
    found = TASK.constant([[], [{"start": 0, "text": "good"}], []], Settings())
    assert found is not None and found.answer == "no answer"
    assert TASK.values(found.statistics) == {"f1": pytest.approx(2 / 3), "exact_match": pytest.approx(2 / 3)}
    assert TASK.constant([[{"start": 0, "text": "good"}]], Settings()) is None
