from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from compressor.bench.judged import Judged
from compressor.evaluate.base import Answered, JudgedSplit
from compressor.evaluate.per_class import EVALUATION, MOST_CLASSES
from compressor.report.blocks import Finding, Table
from compressor.runtime.tasks import runtime_task
from tests.evaluate.splits import LABELS, TARGETS, certain, many, split


def rows_of(finding: Finding) -> list[tuple[str, ...]]:
    table = next(block for block in finding.blocks if isinstance(block, Table))
    return [tuple(str(cell) for cell in row.cells) for row in table.rows]


def test_figures_are_those_of_scikit_learn() -> None:
    answers = [0, 1, 1, 1, 1]
    found = EVALUATION.run(split(certain(answers)))
    precision, recall, f1, n = precision_recall_fscore_support(TARGETS, answers, zero_division=0.0)
    assert found.figures == pytest.approx({f"f1.{name}": f1[i] for i, name in enumerate(LABELS)})
    assert rows_of(found)[1] == ("good", f"{100 * precision[1]:.1f}%", f"{100 * recall[1]:.1f}%", "66.7%", str(n[1]))


def test_a_class_that_is_never_answered_has_no_precision() -> None:
    assert rows_of(EVALUATION.run(split(certain([0, 1, 1, 1, 1]))))[2] == ("odd", "n/a", "0.0%", "0.0%", "1")


def test_sets_of_labels_are_counted_label_by_label() -> None:
    logits = [[4, -4, -4], [4, 4, -4], [-4, -4, -4], [-4, 4, -4], [-4, 4, -4]]
    targets = [[1, 0, 0], [1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0]]
    assert rows_of(EVALUATION.run(many(logits, targets=targets))) == [
        ("bad", "100.0%", "66.7%", "80.0%", "3"),
        ("good", "66.7%", "100.0%", "80.0%", "2"),
        ("odd", "n/a", "n/a", "n/a", "0"),
    ]


def test_types_of_spans_are_classes() -> None:
    # Right, found and wanted spans of PER and LOC in each of two texts.
    statistics = {"f1_macro": np.asarray([[1, 2, 1, 0, 0, 1], [1, 1, 1, 1, 1, 2]], dtype=np.float64)}
    judged = JudgedSplit(
        task=runtime_task("token-classification"),
        labels=("O", "B-PER", "I-PER", "B-LOC", "I-LOC"),
        examples=[],
        targets=[],
        model=Answered("onnx int8", Judged([], [], statistics)),
    )
    assert rows_of(EVALUATION.run(judged)) == [
        ("PER", "66.7%", "100.0%", "80.0%", "2"),
        ("LOC", "100.0%", "33.3%", "50.0%", "3"),
    ]


def test_of_very_many_classes_the_worst_are_shown_and_all_are_figures() -> None:
    labels = [f"l{i}" for i in range(MOST_CLASSES + 5)]
    targets = list(range(len(labels)))
    answers = [*targets[:-2], 0, 0]
    found = EVALUATION.run(split(certain(answers, len(labels)), targets=targets, labels=labels, texts=labels))
    assert len(rows_of(found)) == MOST_CLASSES and len(found.figures) == len(labels)
    assert {row[0] for row in rows_of(found)[:2]} == set(labels[-2:])


def test_where_nothing_was_scored_there_is_no_table() -> None:
    judged = split(certain([0, 1, 1, 1, 1]))
    assert not EVALUATION.applies(replace(judged, model=Answered("onnx int8", Judged([], []))))
