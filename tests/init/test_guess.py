"""Which task and which columns are seen in a file, and when nothing can be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from compressor.data.peek import Peek
from compressor.errors import DataError, RecipeError
from compressor.init.guess import Given, guess
from compressor.init.reading import Reading
from tests import tiny

REVIEWS = tiny.reviews(80)
TEXTS = [text for text, _ in REVIEWS]
LABELS = [label for _, label in REVIEWS]


def peek(**columns: Sequence[Any]) -> Peek:
    return Peek(
        "csv", None, {name: list(values) for name, values in columns.items()}, len(next(iter(columns.values())))
    )


def read(given: Given = Given(), /, **columns: Sequence[Any]) -> Reading:  # noqa: B008  # frozen
    return guess(peek(**columns), given, "file", None)


def cycle(*values: Any) -> list[Any]:
    return [values[index % len(values)] for index in range(len(TEXTS))]


def test_labels_are_told_from_ids_texts_and_amounts() -> None:
    columns = {"id": range(80), "review": TEXTS, "sentiment": LABELS, "votes": [i * 1.5 for i in range(80)]}
    found = read(**{name: list(map(str, values)) for name, values in columns.items()})
    assert (found.target, found.texts, found.labels) == ("one-label", ("review",), ("sentiment",))


def test_the_longer_of_two_texts_is_read_unless_another_is_named() -> None:
    titles = [f"{text.split()[0]} number {index}" for index, text in enumerate(TEXTS)]
    columns = {"headline": titles, "body": [f"{text} {text}" for text in TEXTS], "category": LABELS}
    assert read(**columns).texts == ("body",)
    assert read(Given(texts=("headline",)), **columns).texts == ("headline",)


def test_few_whole_numbers_are_labels_and_many_or_broken_ones_amounts() -> None:
    assert read(text=TEXTS, stars=cycle("1", "2", "3", "4", "5")).target == "one-label"
    assert read(text=TEXTS, stars=cycle("1.5", "2", "3.5", "4")).target == "number"
    assert read(text=TEXTS, score=[str(37 * index % 80) for index in range(80)]).target == "number"
    assert read(Given(task="regression"), text=TEXTS, stars=cycle("1", "2", "3")).target == "number"


def test_several_labels_are_seen_as_lists_separated_or_in_columns() -> None:
    assert read(text=TEXTS, topics=cycle(["a", "b"], ["b"], [])).target == "many-labels"
    separated = read(text=TEXTS, topics=cycle("a", "b", "a;b"))
    assert (separated.target, separated.separator) == ("many-labels", ";")
    columns = read(text=TEXTS, toxic=cycle("0", "1"), rude=cycle("0", "0", "1"), spam=cycle("1", "0", "0"))
    assert (columns.target, columns.labels) == ("many-labels", ("toxic", "rude", "spam"))


def test_tokens_with_tags_and_texts_with_spans_are_tagged_text() -> None:
    sentences = tiny.tagged_texts(30)
    tokens = [[token for token, _ in sentence] for sentence in sentences]
    tags = [[tag for _, tag in sentence] for sentence in sentences]
    found = read(ner_tags=tags, words=tokens)
    assert (found.target, found.texts, found.labels) == ("tags", ("words",), ("ner_tags",))
    spans = read(text=TEXTS, entities=cycle([{"start": 0, "end": 2, "label": "X"}], []))
    assert (spans.target, spans.labels) == ("tags", ("entities",))


def test_answers_are_seen_as_objects_or_as_pieces_of_their_context() -> None:
    rows = tiny.questions(60)
    columns = {name: [row[name] for row in rows] for name in ("answers", "context", "question")}
    found = read(**columns)
    assert (found.target, found.texts, found.labels) == ("spans", ("question", "context"), ("answers",))
    plain = [one[0]["text"] for one in columns["answers"]]
    assert read(question=columns["question"], context=columns["context"], answer=plain).target == "spans"


def test_pairs_are_known_by_their_names_and_scores_by_theirs() -> None:
    pair = {"sentence1": TEXTS, "sentence2": TEXTS[::-1]}
    assert read(**pair, label=cycle("0", "1", "2")).texts == ("sentence1", "sentence2")
    assert read(**pair, label=cycle("0", "1", "2")).target == "one-label"
    assert read(**pair, similarity=cycle("0.5", "4.5", "3")).target == "score"
    assert read(**pair).labels == ()


def test_texts_alone_make_vectors() -> None:
    assert (read(text=TEXTS).target, read(text=TEXTS).labels) == ("score", ())


def test_what_the_call_says_counts_though_little_speaks_for_it() -> None:
    names = [f"name {index}" for index in range(80)]
    assert read(Given(labels=("who",)), text=TEXTS, who=names).target == "one-label"
    both = read(Given(labels=("a", "b")), text=TEXTS, a=cycle("1.5", "2"), b=cycle("7", "8.5"))
    assert (both.target, both.labels) == ("number", ("a", "b"))


def test_without_a_best_guess_the_option_is_named() -> None:
    with pytest.raises(RecipeError, match="one, two") as tied:
        read(text=TEXTS, one=LABELS, two=cycle("x", "y", "z"))
    assert "--label" in str(tied.value)
    with pytest.raises(RecipeError, match="--text"):
        read(n=cycle("1", "2"), m=cycle("3", "4"))
    with pytest.raises(RecipeError, match="several columns must hold numbers"):
        read(Given(labels=("a", "b")), text=TEXTS, a=LABELS, b=LABELS)


def test_a_format_of_one_task_is_not_read_by_another() -> None:
    tagged = replace(peek(text=[["a", "b"]], tags=[["O", "B-X"]]), format="conll")
    assert guess(tagged, Given(), "file", None).target == "tags"
    with pytest.raises(DataError, match="this task can't read"):
        guess(tagged, Given(task="text-classification"), "file", None)


def test_a_person_is_asked_which_of_two_texts_and_which_of_two_readings() -> None:
    asked: list[tuple[str, Sequence[str]]] = []

    def second(question: str, choices: Sequence[str]) -> int:
        asked.append((question, choices))
        return 1

    columns = {"one": TEXTS, "other": [f"{text} film" for text in TEXTS], "stars": cycle("1", "2", "3")}
    found = guess(peek(**columns), Given(), "file", second)
    assert (found.texts, found.labels, found.target) == (("one",), ("stars",), "number")
    assert [question for question, _ in asked] == ["Which column holds the text?", "How is it to be read?"]
