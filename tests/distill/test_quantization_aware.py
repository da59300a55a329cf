"""A training in which the student is rounded as a variant: what it learns, what it leaves, how it goes on."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from compressor.data import load_split
from compressor.deploy.quantize.dynamic import DynamicQuantization
from compressor.deploy.quantize.weights import WeightQuantization
from compressor.distill.distill import distill
from compressor.distill.student import make_student
from compressor.distill.transfer_set import TransferSet
from compressor.errors import StageError
from compressor.events import Silent
from compressor.recipe.distill import DistillSection
from compressor.recipe.quantize import QuantizeSection
from compressor.recipe.student import StudentSection
from compressor.tasks import get_task, load_tokenizer
from tests.distill.conftest import MAX_LENGTH
from tests.distill.killed import train
from tests.distill.shared import EndAt, Ended

COARSE = WeightQuantization(method="weights", name="tiny", bits=2, embeddings=False)
LABELS: dict[str, Any] = {"objectives": [{"kind": "hard-labels"}], "epochs": 6, "learning_rate": 3e-3, "dropout": 0.0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, data: Path, classifier_folder: Path) -> Path:
    """A folder with `teacher` and `data`."""
    folder = tmp_path_factory.mktemp("quantization-aware")
    shutil.copytree(data, folder / "data")
    shutil.copytree(classifier_folder, folder / "teacher")
    return folder


@pytest.fixture(scope="module")
def trained(folder: Path) -> dict[str, Any]:
    """Facts of a training for `COARSE`, which left `folder/rounded`."""
    return train(folder, folder / "rounded", Silent(), variant=COARSE, **LABELS)


@pytest.fixture(scope="module")
def plain(folder: Path) -> Path:
    """What the same training without rounding left."""
    train(folder, folder / "plain", Silent(), **LABELS)
    return folder / "plain"


def loss(folder: Path, out: Path, variant: QuantizeSection | None) -> float:
    """Cross-entropy on validation, of the model itself or rounded as the variant."""
    task = get_task("text-classification")
    model = task.load_model(out / "model", None, new_head="never").eval()
    rows = load_split(folder / "data", "validation")
    batch = load_tokenizer(out / "model")(list(rows["text"]), padding=True, truncation=True, return_tensors="pt")
    labels = torch.tensor(
        [model.config.label2id[label] if isinstance(label, str) else label for label in rows["label"]]
    )
    with torch.no_grad():
        if variant is None:
            logits = model(**batch).logits
        else:
            with variant.simulated(model):
                logits = model(**batch).logits
    return float(torch.nn.functional.cross_entropy(logits, labels))


def test_what_is_left_is_an_ordinary_fp32_model_and_the_facts_name_what_was_rounded(
    folder: Path, trained: dict[str, Any], plain: Path
) -> None:
    rounded, float_ = (load_file(one / "model" / "model.safetensors") for one in (folder / "rounded", plain))
    assert {name: one.shape for name, one in rounded.items()} == {name: one.shape for name, one in float_.items()}
    weight = rounded["bert.encoder.layer.0.output.dense.weight"]
    assert weight.dtype == torch.float32 and len(weight.unique()) > 0.9 * weight.numel()
    told = trained["quantization_aware"]
    assert (told["variant"], len(told["matrices"]), told["tables"], told["kept_float"]) == ("tiny", 14, [], [])
    assert "bert.encoder.layer.1.attention.self.query" in told["matrices"]
    assert [path.name for path in (folder / "rounded").iterdir()] == ["model"]


def test_validation_sees_the_rounded_student_and_it_is_better_for_the_training(
    folder: Path, trained: dict[str, Any], plain: Path
) -> None:
    seen = loss(folder, folder / "rounded", COARSE)
    assert trained["validation"]["loss"] == pytest.approx(seen, rel=1e-4)
    assert loss(folder, folder / "rounded", None) != pytest.approx(seen, rel=1e-2)
    assert seen < loss(folder, plain, COARSE)


def test_an_ended_training_with_an_average_goes_on_as_if_it_had_not_been(folder: Path, tmp_path: Path) -> None:
    changed: dict[str, Any] = {"epochs": 2, "average": 0.9, "layer_decay": 0.9, "variant": COARSE}
    train(folder, tmp_path / "whole", Silent(), **changed)
    with pytest.raises(Ended):
        train(folder, tmp_path / "ended", EndAt(1.5), **changed)
    assert train(folder, tmp_path / "ended", Silent(), **changed)["resumed_from_step"] == 10
    whole, ended = (load_file(tmp_path / name / "model" / "model.safetensors") for name in ("whole", "ended"))
    assert all(torch.equal(ended[name], whole[name]) for name in whole)


def test_probabilities_are_calibrated_for_the_rounded_student(folder: Path, tmp_path: Path) -> None:
    facts = train(folder, tmp_path / "plain", Silent(), variant=COARSE, **LABELS | {"epochs": 1})
    scaled = train(folder, tmp_path / "scaled", Silent(), variant=COARSE, calibrate=True, **LABELS | {"epochs": 1})
    assert "calibration" not in facts
    plain, calibrated = (load_file(tmp_path / name / "model" / "model.safetensors") for name in ("plain", "scaled"))
    # The facts have the temperature with four digits.
    temperature = scaled["calibration"]["temperature"]
    torch.testing.assert_close(
        calibrated["classifier.weight"] * temperature, plain["classifier.weight"], rtol=1e-3, atol=0
    )


def test_a_student_that_was_cut_down_is_rounded_too(folder: Path, tmp_path: Path) -> None:
    task, variant = get_task("text-classification"), DynamicQuantization(method="dynamic", weight_bits=4)
    build = [
        {"kind": "layers", "keep": [0]},
        {"kind": "prune", "neurons": 0.75},
        {"kind": "vocabulary", "min_count": 2},
        {"kind": "activation", "to": "relu"},
    ]
    make_student(
        StudentSection.model_validate({"build": build}),
        task=task,
        init_folder=folder / "teacher",
        data=folder / "data",
        trained=True,
        seed=1,
        out=tmp_path / "student",
        events=Silent(),
    )
    facts = distill(
        DistillSection.model_validate(LABELS | {"epochs": 1, "precision": "fp32", "device": "cpu"}),
        task=task,
        student_folder=tmp_path / "student" / "model",
        transfer_set=TransferSet(folder / "data"),
        teacher_folder=folder / "teacher",
        max_length=MAX_LENGTH,
        seed=1,
        out=tmp_path / "out",
        events=Silent(),
        variant=variant,
    )
    assert len(facts["quantization_aware"]["matrices"]) == 8
    task.load_model(tmp_path / "out" / "model", None, new_head="never")


def test_names_that_the_student_does_not_have_end_it_before_it_begins(folder: Path, tmp_path: Path) -> None:
    variant = DynamicQuantization(method="dynamic", keep_float=["*.decoder"])
    with pytest.raises(StageError, match="no weights called"):
        train(folder, tmp_path, Silent(), variant=variant)
    assert not (tmp_path / "checkpoints").exists()
