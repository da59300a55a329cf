"""Labels without an end: they are counted no further than the limit, whatever the kind of target."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from compressor.data.columns import Columns
from compressor.data.labels import LONGEST_LABEL, MOST_LABELS
from compressor.data.source import RawSplit
from compressor.data.targets import many_labels, tags
from compressor.errors import DataError
from compressor.recipe.data import DataSection
from compressor.task_specs import task_spec
from tests.data.support import Listener

TRAIN = RawSplit(Path(), Columns({"text": "text"}, {"label": "label"}, {}), 0, "a.jsonl")
ROWS = 20 * MOST_LABELS


class Rows:
    """Rows that each bring a label of their own, and how many of them were read."""

    def __init__(self, row: Any) -> None:
        self.row, self.read = row, 0

    def __call__(self, _: RawSplit) -> Iterator[Any]:
        for number in range(ROWS):
            self.read += 1
            yield self.row(number)


def choose(monkeypatch: pytest.MonkeyPatch, kind: ModuleType, task: str, rows: Rows, **section: Any) -> Any:
    monkeypatch.setattr(kind, "target_values", rows)
    return kind.TARGET.choose(DataSection(source="a.jsonl", **section), task_spec(task), TRAIN, Listener())


KINDS: dict[str, tuple[ModuleType, str, Any]] = {
    "sets of labels": (many_labels, "multi-label-classification", lambda i: [f"l{i}"]),
    "tags": (tags, "token-classification", lambda i: [f"B-l{i}"]),
    "spans": (tags, "token-classification", lambda i: [{"start": 0, "end": 1, "label": f"l{i}"}]),
}


@pytest.mark.parametrize(("kind", "task", "row"), KINDS.values(), ids=KINDS)
def test_labels_are_counted_no_further_than_the_limit(
    monkeypatch: pytest.MonkeyPatch, kind: ModuleType, task: str, row: Any
) -> None:
    rows = Rows(row)
    with pytest.raises(DataError, match=r"a\.jsonl holds more than \d+ different values"):
        choose(monkeypatch, kind, task, rows)
    assert rows.read <= 7 * MOST_LABELS + 1


def test_a_label_that_is_a_text_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = Rows(lambda i: ["l" * (LONGEST_LABEL + i)])
    with pytest.raises(DataError, match="a value of 1,001 characters"):
        choose(monkeypatch, many_labels, "multi-label-classification", rows)
    assert rows.read == 2


def test_where_labels_are_named_others_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = Rows(lambda i: [f"l{i}", "rare"] if i == ROWS - 1 else [f"l{i}", "often"])
    found = choose(monkeypatch, many_labels, "multi-label-classification", rows, labels=("often", "rare"))
    assert found.vocabulary == ("often", "rare") and rows.read == ROWS
    assert found.stratum([1.0, 1.0]) == 1, "the rarer one, so both were counted to the end"
