"""Token classification: logits of words to spans, and how these are scored."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import seqeval.metrics as seqeval
from hypothesis import given
from hypothesis import strategies as st

from compressor.errors import DataError
from compressor.runtime.encoder import Encoder, Row
from compressor.runtime.outputs import Outputs, Ragged
from compressor.runtime.tasks import Encoded, Settings
from compressor.runtime.tasks.token_classification import TASK, tags_of, words_of
from tests import tiny

NAMES = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
ENTITIES = Settings(NAMES)
PLAIN = Settings(("DET", "NOUN", "VERB"))


def row_of(words: Sequence[str]) -> Row:
    """Tokens of words with single spaces between them, a token each, between two special ones."""
    ends = np.cumsum([len(word) + 1 for word in words]).tolist()
    offsets = [(end - 1 - len(word), end - 1) for word, end in zip(words, ends, strict=True)]
    size = len(words)
    return Row(
        [0] * (size + 2),
        [0] * (size + 2),
        [(0, 0), *offsets, (0, 0)],
        [None, *range(size), None],
        [None, *[0] * size, None],
    )


def encoded(*texts: str) -> Encoded:
    return Encoded([{"text": text} for text in texts], [row_of(text.split()) for text in texts], np.arange(len(texts)))


def outputs(*texts: Sequence[str], names: Sequence[str] = NAMES) -> Outputs:
    """Logits that are sure of these tags."""
    rows = [20.0 * np.eye(len(names))[[names.index(tag) for tag in tags]] for tags in texts]
    return {"logits": Ragged.of(rows, ragged=True)}


def spans(text: str, *pieces: tuple[str, str]) -> list[dict[str, Any]]:
    return [{"start": text.index(p), "end": text.index(p) + len(p), "label": label} for p, label in pieces]


def test_neighbouring_tags_of_a_type_are_one_span() -> None:
    tags = ["B-PER", "I-PER", "O", "B-LOC", "B-LOC"]
    (found,) = TASK.decode(outputs(tags), encoded("Ada Lovelace saw Rome Oslo"), ENTITIES)
    assert [(span.text, span.label) for span in found.spans] == [
        ("Ada Lovelace", "PER"), ("Rome", "LOC"), ("Oslo", "LOC")
    ]  # fmt: skip
    assert found.brief == "Ada Lovelace (PER), Rome (LOC), Oslo (LOC)"
    first = found.to_dict()["spans"][0]
    assert first == {"label": "PER", "score": pytest.approx(1), "start": 0, "end": 12, "text": "Ada Lovelace"}


def test_an_inside_tag_without_its_beginning_begins_a_span() -> None:
    tags = ["I-PER", "I-LOC", "O", "I-LOC", "I-LOC"]
    (found,) = TASK.decode(outputs(tags), encoded("a b c d e"), ENTITIES)
    assert [(span.text, span.label) for span in found.spans] == [("a", "PER"), ("b", "LOC"), ("d e", "LOC")]


def test_plain_tags_are_a_span_a_word() -> None:
    tags = ["DET", "NOUN", "NOUN"]
    (found,) = TASK.decode(outputs(tags, names=PLAIN.labels), encoded("the film story"), PLAIN)
    assert [(span.text, span.label) for span in found.spans] == [("the", "DET"), ("film", "NOUN"), ("story", "NOUN")]


def test_a_text_without_words_has_no_spans() -> None:
    given = encoded("")
    (found,) = TASK.decode(TASK.reduce([np.zeros((1, 2, 5))], given), given, ENTITIES)
    assert found.spans == ()
    assert found.brief == "(none)"


def test_names_of_outputs_are_iob2_tags_or_the_plain_tags() -> None:
    assert TASK.output_names(["PER", "LOC"], {"tag_scheme": "entities"}) == list(NAMES)
    assert TASK.output_names(["DET"], {"tag_scheme": "plain"}) == ["DET"]


def test_the_first_token_of_a_word_speaks_for_it(tmp_path: Path) -> None:
    tiny.write_name_encoder(tmp_path)
    found = TASK.encode(Encoder.from_folder(tmp_path, 32), [{"text": "annaville, rome"}, {"text": "oslo"}])
    first, second = found.rows
    assert [(word.token, word.start, word.end) for word in words_of(first, "annaville, rome")] == [
        (1, 0, 9), (3, 9, 10), (4, 11, 15)
    ]  # fmt: skip
    tokens = np.arange(12, dtype=np.float64).reshape(2, 6, 1)
    (kept,) = TASK.reduce([tokens], found).values()
    assert [row.ravel().tolist() for row in kept] == [[1, 3, 4], [7]]
    assert len(second) == 3
    (kept,) = TASK.reduce([tokens], found, pads_left=True).values()
    assert [row.ravel().tolist() for row in kept] == [[1, 3, 4], [10]]


def test_a_span_is_told_by_the_words_it_touches() -> None:
    text = "Ada King-Noel of New York"
    words = words_of(row_of(text.split()), text)
    wanted = spans(text, ("Ada King", "PER"), ("New York", "LOC"))
    assert [NAMES[tag or 0] for tag in tags_of(words, wanted, NAMES)] == ["B-PER", "I-PER", "O", "B-LOC", "I-LOC"]
    assert tags_of(words, wanted[:1], ("LOC", "PER")) == [1, 1, None, None, None]


def test_spans_that_were_cut_off_are_missed() -> None:
    text = "anna saw rome"
    given = Encoded([{"text": text}], [row_of(["anna", "saw"])], np.arange(1))
    wanted = [spans(text, ("anna", "PER"), ("rome", "LOC"))]
    found = TASK.statistics(outputs(["B-PER", "O"]), given, wanted, ENTITIES)
    assert found["f1_entity"].tolist() == [[1, 1, 2]]
    assert found["accuracy"].tolist() == [[2, 3]]
    assert TASK.values(found)["recall"] == 0.5


def test_a_word_of_the_data_that_the_tokenizer_cuts_up_is_one_answer() -> None:
    """The tag where it begins counts, and those of its other pieces don't."""
    given = Encoded([{"text": "don't go"}], [row_of(["don", "t", "go"])], np.arange(1))
    given.rows[0].offsets[1:4] = [(0, 3), (3, 5), (6, 8)]
    wanted = [[{"start": 0, "end": 5, "label": "VERB"}, {"start": 6, "end": 8, "label": "VERB"}]]
    found = TASK.statistics(outputs(["VERB", "NOUN", "VERB"], names=PLAIN.labels), given, wanted, PLAIN)
    assert found["f1_entity"].tolist() == [[2, 2, 2]]


TAGS = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), min_size=1, max_size=8)


@given(texts=st.lists(TAGS, min_size=1, max_size=6))
def test_metrics_are_seqevals(texts: list[list[tuple[str, str]]]) -> None:
    answered, meant = ([[pair[side] for pair in text] for text in texts] for side in (0, 1))
    given = encoded(*(" ".join("w" * len(text)) for text in texts))
    wanted = [
        [{"start": span.start, "end": span.end, "label": span.label} for span in answer.spans]
        for answer in TASK.decode(outputs(*meant), given, ENTITIES)
    ]
    statistics = TASK.statistics(outputs(*answered), given, wanted, ENTITIES)
    found = TASK.values(statistics)
    options = {"y_true": meant, "y_pred": answered, "zero_division": 0}
    assert found["f1_entity"] == pytest.approx(seqeval.f1_score(**options))
    assert found["precision"] == pytest.approx(seqeval.precision_score(**options))
    assert found["recall"] == pytest.approx(seqeval.recall_score(**options))
    if any(tag != "O" for text in texts for pair in text for tag in pair):
        assert found["f1_macro"] == pytest.approx(seqeval.f1_score(**options, average="macro"))
    repaired = [tags_of(words_of(row, ""), spans, NAMES) for row, spans in zip(given.rows, wanted, strict=True)]
    truth = [[NAMES[tag or 0] for tag in tags] for tags in repaired]
    assert found["accuracy"] == pytest.approx(seqeval.accuracy_score(truth, answered))


def test_examples_are_scored_by_their_own_spans() -> None:
    rows = np.asarray([[1.0, 1, 2], [0, 0, 0], [0, 1, 0]])
    assert TASK.metrics["f1_entity"].example_scores(rows) == pytest.approx([2 / 3, 1, 0])
    assert TASK.metrics["f1_entity"].value(rows) == pytest.approx(0.5)


def test_answers_agree_where_all_their_spans_do() -> None:
    given = encoded("anna saw rome", "anna saw rome")
    answers = TASK.decode(outputs(["B-PER", "O", "B-LOC"], ["B-PER", "O", "O"]), given, ENTITIES)
    keys = TASK.keys(answers)
    assert keys == [[[0, 4, "PER"], [9, 13, "LOC"]], [[0, 4, "PER"]]]
    assert TASK.agreement(keys, [keys[0], keys[0]]) == 0.5


def test_right_answers_of_a_file_are_spans() -> None:
    given = [{"start": 9, "end": 13, "label": "LOC"}, {"start": 0, "end": 4, "label": "PER"}]
    assert TASK.target(given, ENTITIES) == given[::-1]
    with pytest.raises(DataError, match="'ORG', which the model never answers"):
        TASK.target([{"start": 0, "end": 4, "label": "ORG"}], ENTITIES)
    for wrong in ("B-PER O", ["B-PER"], [{"start": "0", "end": 1, "label": "PER"}]):
        with pytest.raises(DataError, match="no list of spans"):
            TASK.target(wrong, ENTITIES)


def test_always_no_span_finds_nothing() -> None:
    found = TASK.constant([spans("Ada saw Rome", ("Ada", "PER"), ("Rome", "LOC")), []], ENTITIES)
    assert found is not None and found.answer == "no span"
    assert TASK.values(found.statistics) == {"f1_entity": 0.0, "precision": 0.0, "recall": 0.0, "f1_macro": 0.0}


def test_where_every_word_has_a_tag_always_the_most_frequent_is_compared_with() -> None:
    text = "the dog the cat"
    targets = [[*spans(text, ("the", "DET"), ("dog", "NOUN"), ("cat", "NOUN"))]]
    found = TASK.constant(targets, PLAIN)
    assert found is not None and found.answer == "every word the tag 'NOUN'"
    assert TASK.values(found.statistics)["f1_entity"] == pytest.approx(2 / 3)
