"""Data that looks like another task's is met by an error that names what fits."""

from __future__ import annotations

from pathlib import Path

import pytest

from compressor.errors import DataError
from tests.data.support import Listener, install, made_spec, reviews, run, write

REGRESSION = made_spec("number", "text", "label", name="made-up-regression")
MULTI = made_spec("many-labels", "text", "label", name="made-up-labels")
RATINGS = [f"{rating / 2:.1f}" for rating in range(2, 11)]
COMBINED = ("billing", "urgent", "billing,urgent", "login", "login, urgent")


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_ratings_with_decimals_are_not_taken_for_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    path = write(tmp_path, reviews(90, RATINGS), kind)
    install(monkeypatch)
    with pytest.raises(
        DataError, match=r"are numbers \(1\.0, 1\.5, 2\.0, 2\.5, 3\.0, \.\.\.\)[\s\S]*data\.labels"
    ) as caught:
        run(tmp_path / "out", path)
    assert "task:" not in str(caught.value)
    install(monkeypatch, REGRESSION)
    with pytest.raises(DataError, match="Set `task: made-up-regression`"):
        run(tmp_path / "out", path)
    assert run(tmp_path / "out", path, labels=tuple(RATINGS))["labels"] == RATINGS


def test_more_numbers_than_there_can_be_classes_name_the_task_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, REGRESSION)
    with pytest.raises(DataError, match="Set `task: made-up-regression`"):
        run(tmp_path / "out", write(tmp_path, reviews(1200, [f"{i / 7:.3f}" for i in range(1200)])))


@pytest.mark.parametrize("labels", [("1", "2", "3"), ("0.5", "1.5"), ("v1.0", "v2.0", "v3.0")])
def test_whole_numbers_two_numbers_and_names_stay_classes(tmp_path: Path, labels: tuple[str, ...]) -> None:
    assert len(run(tmp_path / "out", write(tmp_path, reviews(90, labels)))["labels"]) == len(labels)


def test_combinations_of_labels_are_not_taken_for_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, reviews(100, COMBINED), "csv")
    install(monkeypatch, MULTI)
    with pytest.raises(DataError) as caught:
        run(tmp_path / "out", path)
    assert "'billing,urgent', 'login, urgent'" in str(caught.value)
    assert "Set `task: made-up-labels`" in str(caught.value)
    assert "label_separator: ','" in str(caught.value)
    assert run(tmp_path / "out", path, labels=COMBINED)["labels"] == list(COMBINED)


def test_a_comma_in_a_name_is_no_combination(tmp_path: Path) -> None:
    labels = ("Food, drink", "Arts; film", "Sports")
    assert len(run(tmp_path / "out", write(tmp_path, reviews(90, labels)))["labels"]) == 3


def test_lists_of_labels_name_the_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, MULTI)
    rows = [{"text": f"t {i}", "label": ["a"]} for i in range(30)]
    with pytest.raises(DataError, match=r"'label' holds a list[\s\S]*Set `task: made-up-labels`"):
        run(tmp_path / "out", write(tmp_path, rows))


def test_labels_that_differ_in_case_are_warned_of(tmp_path: Path) -> None:
    events = Listener()
    run(tmp_path / "out", write(tmp_path, reviews(90, ("Billing", "billing", "login"))), events=events)
    assert any("'Billing' and 'billing' are different labels" in warning for warning in events.warnings)


@pytest.mark.parametrize(("delimiter", "shown"), [(";", ";"), ("|", "|")])
def test_another_delimiter_is_seen_and_can_be_set(tmp_path: Path, delimiter: str, shown: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text("\n".join([f"text{delimiter}label", *(f"text {i}{delimiter}{'ab'[i % 2]}" for i in range(60))]))
    with pytest.raises(DataError) as caught:
        run(tmp_path / "out", path)
    assert f'Set `data.delimiter: "{shown}"`' in str(caught.value)
    assert run(tmp_path / "out", path, delimiter=delimiter)["read"] == {"train": 60}
