from __future__ import annotations

from compressor.evaluate.confusion import EVALUATION, MOST_LABELS, confusion_matrix
from compressor.report.blocks import Mark, Table
from tests.evaluate.splits import LABELS, certain, many, split


def table_of(found: object) -> Table:
    return next(block for block in found.blocks if isinstance(block, Table))  # type: ignore[attr-defined]


def test_rows_are_right_labels_and_columns_answers() -> None:
    judged = split(certain([0, 1, 1, 1, 1]))
    assert confusion_matrix(judged).tolist() == [[1, 1, 0], [0, 2, 0], [0, 1, 0]]
    table = table_of(EVALUATION.run(judged))
    assert [column.title for column in table.columns] == ["label", *LABELS]
    assert table.rows[0].cells == ("bad", Mark("1", heat=0.5), Mark("1", heat=0.5), Mark("0"))


def test_of_many_labels_the_mistakes_are_listed_the_most_frequent_first() -> None:
    labels = [f"l{i}" for i in range(MOST_LABELS + 1)]
    targets = [0, 0, 0, 1, 2]
    table = table_of(EVALUATION.run(split(certain([3, 3, 0, 5, 2], len(labels)), targets=targets, labels=labels)))
    assert [row.cells for row in table.rows] == [("l0", "l3", "2", "66.7%"), ("l1", "l5", "1", "100.0%")]


def test_only_tasks_of_one_label_have_one() -> None:
    assert EVALUATION.applies(split(certain([0, 1, 1, 1, 1])))
    assert not EVALUATION.applies(many(certain([0, 1, 1, 1, 1]), targets=[[1.0, 0.0, 0.0]] * 5))
