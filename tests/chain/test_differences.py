from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from compressor.bench.results import Measurement, Size, Skipped
from compressor.bench.statistics import paired_difference
from compressor.chain.measurement import read_differences, write_measurement, write_scores
from compressor.chain.stages import Differences
from compressor.engine.artifact import SEAL, Artifact, Made, seal
from compressor.events import Silent
from tests.engine.fakes import fake_key
from tests.report.sample import measurement


def sealed(folder: Path) -> Artifact:
    seal(folder, stage=folder.name, key=fake_key({}), made=Made({}, 1.0))
    return Artifact.read(folder)


def measured(folder: Path, found: Measurement, right: list[int] | None) -> Artifact:
    """What a measure stage leaves; `right`: 1 for each text answered right."""
    folder.mkdir()
    write_measurement(found, folder)
    if right is not None:
        write_scores(np.asarray(right, dtype=np.float64)[:, None], folder)
    return sealed(folder)


@pytest.fixture
def artifacts(tmp_path: Path) -> dict[str, Artifact]:
    fp32, int8 = (measurement(name, "onnxruntime", 0.8, 1.0, 10.0, 1.0) for name in ("fp32", "int8"))
    absent = Measurement("student", "torch", "cpu-1", Size(1.0), skipped=Skipped("no PyTorch"))
    return {
        "fp32": measured(tmp_path / "fp32", fp32, [1, 1, 1, 1, 1, 0, 0, 0, 1, 1]),
        "int8": measured(tmp_path / "int8", int8, [1, 1, 0, 0, 0, 1, 0, 0, 1, 1]),
        "student": measured(tmp_path / "student", absent, None),
    }


def test_models_are_compared_text_by_text(artifacts: dict[str, Artifact], tmp_path: Path) -> None:
    stage = Differences(
        name="differences", task="text-classification", pairs=(("int8", "fp32"), ("fp32", "student")), seed=1
    )
    out = tmp_path / "out"
    out.mkdir()
    assert stage.run(artifacts, out, Silent()) == {}
    (found,) = read_differences([artifacts["fp32"], sealed(out)])
    assert (found.subject, found.reference, found.target, found.metric) == ("int8", "fp32", "cpu-1", "accuracy")
    assert (found.difference.better, found.difference.worse) == (1, 3)
    assert found.difference.value == pytest.approx(-0.2)
    assert found.difference.p_value == pytest.approx(2 * (1 + 4) / 2**4)
    assert found.difference == paired_difference(
        *(np.load(artifacts[name].folder / "scores.npy")[:, 0] for name in ("int8", "fp32")), seed=1
    )
    assert (out / SEAL).is_file()
