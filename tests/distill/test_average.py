from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from compressor.distill.average import WeightAverage
from compressor.events import Silent
from tests.distill.killed import train


class Interrupted(Exception):
    pass


class StopAt(Silent):
    def __init__(self, step: int) -> None:
        self.step = step

    def progress(self, what: str, done: float, total: float | None, detail: str = "") -> None:
        if what == "student: training" and done == self.step:
            raise Interrupted


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, data: Path, classifier_folder: Path) -> Path:
    """A folder with `teacher` and `data`."""
    folder = tmp_path_factory.mktemp("average")
    shutil.copytree(data, folder / "data")
    shutil.copytree(classifier_folder, folder / "teacher")
    return folder


def test_the_average_is_the_one_of_the_papers() -> None:
    generator = np.random.default_rng(1)
    steps = generator.normal(size=(30, 2, 3)).astype(np.float32)
    model = torch.nn.Linear(3, 2, bias=False)
    expected = model.weight.detach().numpy().copy()
    average = WeightAverage(model, 0.7)
    for step, weights in enumerate(steps, start=1):
        with torch.no_grad():
            model.weight.copy_(torch.from_numpy(weights))
        average.update(step)
        decay = min(0.7, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * weights
    with average.in_place():
        np.testing.assert_allclose(model.weight.detach().numpy(), expected, rtol=1e-5)
    np.testing.assert_array_equal(model.weight.detach().numpy(), steps[-1])


def test_what_a_training_keeps_is_the_average_at_its_best_validation(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    averages: dict[int, dict[str, torch.Tensor]] = {}
    update = WeightAverage.update

    def recorded(self: WeightAverage, step: int) -> None:
        update(self, step)
        with self.in_place():
            averages[step] = {name: weight.detach().clone() for name, weight in self._weights.items()}

    monkeypatch.setattr(WeightAverage, "update", recorded)
    facts = train(folder, tmp_path / "averaged", Silent(), average=0.95)
    best = max(facts["history"], key=lambda entry: entry["validation"]["accuracy"])["step"]
    saved = load_file(tmp_path / "averaged" / "model" / "model.safetensors")
    assert len(averages) == facts["steps"]
    for name, weight in averages[best].items():
        assert torch.equal(saved[name], weight), name


def test_a_resumed_training_has_the_same_average(folder: Path, tmp_path: Path) -> None:
    train(folder, tmp_path / "whole", Silent(), average=0.95)
    with pytest.raises(Interrupted):
        train(folder, tmp_path / "interrupted", StopAt(23), average=0.95)
    facts = train(folder, tmp_path / "interrupted", Silent(), average=0.95)
    assert facts["resumed_from_step"] == 20
    whole, resumed = (load_file(tmp_path / name / "model" / "model.safetensors") for name in ("whole", "interrupted"))
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    train(folder, tmp_path / "plain", Silent())
    plain = load_file(tmp_path / "plain" / "model" / "model.safetensors")
    assert not all(torch.equal(whole[name], plain[name]) for name in whole)
