from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compressor.bench.results import Memory
from compressor.bench.subject import Subject
from compressor.compare import memory
from compressor.compare.memory import SETS, MemoryCase
from compressor.events import Silent
from compressor.recipe.benchmark import Target
from tests.compare.models import MAX_LENGTH


def subject(name: str, folder: Path = Path()) -> Subject:
    return Subject(name, "onnxruntime", folder, MAX_LENGTH, "text-classification")


def test_a_set_is_a_its_copy_and_b_and_all_answer_the_same_texts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, int]] = []
    peaks = iter([100, 100, 120] * SETS)

    def measured(subject: Subject, target: Target, texts: Any, *, seed: int, work: Path) -> Memory:
        work.mkdir(parents=True, exist_ok=True)
        asked.append((subject.name, seed))
        return Memory(10.0, 50.0, float(next(peaks)), None, None)

    monkeypatch.setattr(memory, "measure_memory", measured)
    case = MemoryCase("int8", subject("a"), subject("b"), Target(), [], tmp_path)
    found = case.measure(3, Silent())

    assert asked == [("a", 3), ("a", 3), ("b", 3)] * SETS
    assert found.sample.effects == pytest.approx(np.full(SETS, np.log(1.2)))
    assert found.sample.controls == pytest.approx(np.zeros(SETS))
    assert (found.a, found.b) == (100, 120)
    assert np.load(tmp_path / "3.npy").tolist() == [[100, 100, 120]] * SETS


def test_real_processes_have_a_peak(
    onnx_folder: Path, texts: list[dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "SETS", 1)
    model = subject("tiny", onnx_folder)
    found = MemoryCase("tiny", model, model, Target(), texts, tmp_path).measure(0, Silent())

    assert found.a > 20 and found.b > 20, "MB: numpy and onnxruntime alone take more"
