from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from compressor.distill.checkpoints import newest_complete, step_of
from compressor.events import Silent
from tests.distill.killed import train
from tests.distill.shared import EndAt, Ended

KILLED_AT = 23  # of 40: in the third epoch, after the checkpoints at 5, 10, 15 and 20


class Notes(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory, data: Path, classifier_folder: Path) -> Path:
    """A folder with `teacher`, `data`, and `killed`: what a training killed by SIGKILL left. Copy before use."""
    folder = tmp_path_factory.mktemp("resume")
    shutil.copytree(data, folder / "data")
    shutil.copytree(classifier_folder, folder / "teacher")
    command = [sys.executable, "-m", "tests.distill.killed", str(folder), str(KILLED_AT)]
    process = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert process.returncode == -signal.SIGKILL, process.stderr
    return folder


@pytest.fixture
def left(killed: Path, tmp_path: Path) -> Path:
    """A copy of what the killed training left."""
    return Path(shutil.copytree(killed / "killed", tmp_path / "killed"))


@pytest.fixture(scope="module")
def uninterrupted(killed: Path) -> dict[str, torch.Tensor]:
    facts = train(killed, killed / "whole", Silent())
    assert facts["resumed_from_step"] == 0
    weights: dict[str, torch.Tensor] = load_file(killed / "whole" / "model" / "model.safetensors")
    return weights


def test_a_killed_training_resumes_and_ends_with_the_same_weights_as_if_it_had_not_been(
    killed: Path, left: Path, uninterrupted: dict[str, torch.Tensor]
) -> None:
    facts = train(killed, left, Silent())
    assert facts["resumed_from_step"] == 20
    assert facts["steps"] == 40
    assert [entry["step"] for entry in facts["history"]] == [5, 10, 15, 20, 25, 30, 35, 40]
    weights = load_file(left / "model" / "model.safetensors")
    assert set(weights) == set(uninterrupted)
    assert all(torch.equal(weights[name], uninterrupted[name]) for name in weights)
    assert {path.name for path in left.iterdir()} == {"model"}, "checkpoints and tokens are gone"


def test_a_checkpoint_cut_off_within_an_epoch_falls_back_to_the_one_before(
    killed: Path, left: Path, uninterrupted: dict[str, torch.Tensor]
) -> None:
    (left / "checkpoints" / "checkpoint-20" / "trainer_state.json").unlink()
    events = Notes()
    facts = train(killed, left, events)
    assert 0 < facts["resumed_from_step"] < 20
    assert "checkpoint-20 was cut off while it was written: not used." in events.notes
    weights = load_file(left / "model" / "model.safetensors")
    assert all(torch.equal(weights[name], uninterrupted[name]) for name in weights)


@pytest.mark.parametrize("kind", ["mixup", "adversarial"])
def test_what_is_drawn_for_an_objective_goes_on_after_an_end_as_if_it_had_not_been(
    killed: Path, tmp_path: Path, kind: str
) -> None:
    changed: dict[str, Any] = {"epochs": 2, "objectives": [{"kind": "soft-targets"}, {"kind": kind}]}
    train(killed, tmp_path / "whole", Silent(), **changed)
    with pytest.raises(Ended):
        train(killed, tmp_path / "ended", EndAt(1.5), **changed)
    assert train(killed, tmp_path / "ended", Silent(), **changed)["resumed_from_step"] == 10
    whole, ended = (load_file(tmp_path / name / "model" / "model.safetensors") for name in ("whole", "ended"))
    assert all(torch.equal(ended[name], whole[name]) for name in whole)


@pytest.mark.parametrize(
    "name", ["model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json"]
)
@pytest.mark.parametrize("damage", ["absent", "empty", "half"])
def test_a_checkpoint_with_a_damaged_file_is_not_used(name: str, damage: str, left: Path) -> None:
    checkpoints = left / "checkpoints"
    newest = newest_complete(checkpoints, Silent())
    assert newest is not None and step_of(newest) == 20
    file = newest / name
    content = file.read_bytes()
    file.unlink()
    if damage != "absent":
        file.write_bytes(content[: len(content) // 2] if damage == "half" else b"")
    fallback = newest_complete(checkpoints, Silent())
    assert fallback is not None and step_of(fallback) < 20
    assert not newest.exists()


def test_without_a_complete_checkpoint_training_starts_anew(tmp_path: Path) -> None:
    assert newest_complete(tmp_path / "checkpoints", Silent()) is None
    (tmp_path / "checkpoints" / "checkpoint-5").mkdir(parents=True)
    assert newest_complete(tmp_path / "checkpoints", Silent()) is None
