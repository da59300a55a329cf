"""Two processes, which agree by gloo, do what one does."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from compressor.data import load_output_names, prepare
from compressor.distill.checkpoints import newest_complete, step_of
from compressor.distill.student import make_student
from compressor.events import Silent
from compressor.recipe.data import DataSection
from compressor.recipe.student import StudentSection
from compressor.runtime.outputs import read_outputs
from compressor.task_specs import task_spec
from compressor.tasks import get_task
from tests import several, tiny
from tests.distill import shared


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, data: Path, classifier_folder: Path) -> Path:
    """What there is to work on, and in `several` what two processes made of it; `one` is for what one makes."""
    folder = tmp_path_factory.mktemp("several-processes")
    shutil.copytree(data, folder / "data")
    shutil.copytree(classifier_folder, folder / "teacher")
    make_student(
        StudentSection(layers=(0, 1)),
        task=get_task("text-classification"),
        init_folder=folder / "teacher",
        data=folder / "data",
        trained=True,
        seed=3,
        out=folder / "made",
        events=Silent(),
    )
    (folder / "made" / "model").rename(folder / "student")
    conll = tiny.write_conll(folder / "tagged.conll")
    section = DataSection.model_validate({"source": str(conll)})
    prepare(
        section,
        task_spec("token-classification"),
        seed=1,
        files={"train": conll},
        out=folder / "tagged",
        events=Silent(),
    )
    tags = load_output_names(folder / "tagged", get_task("token-classification"))
    tiny.write_name_encoder(folder / "tagger", layers=2, tags=list(tags))
    tiny.write_decoder(folder / "writer")
    with pytest.raises(shared.Ended):
        shared.train(folder, folder / "several" / "go-on", shared.EndAt(1.5))
    shutil.copytree(folder / "several" / "go-on", folder / "ended")
    for result in several.together("-m", "tests.distill.shared", folder):
        assert (result.succeeds().out, result.err) == ("", "")
    return folder


def facts_of(folder: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "several" / f"{name}.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def trained(folder: Path) -> dict[str, Any]:
    """What a process alone finds when it trains."""
    return shared.train(folder, folder / "one" / "train")


def assert_same_weights(one: Path, other: Path) -> None:
    """Sums in another order differ by rounding, which Adam makes larger where a gradient is close to zero."""
    first, second = (load_file(folder / "model" / "model.safetensors") for folder in (one, other))
    assert first.keys() == second.keys()
    differences = torch.cat([(first[name] - second[name]).abs().flatten() for name in first])
    assert differences.mean() < 1e-5
    assert differences.max() < shared.LEARNING_RATE


def assert_same_course(
    facts: dict[str, Any], expected: dict[str, Any], close: float = 1e-3, moved: float = 1e-12
) -> None:
    assert len(facts["history"]) == len(expected["history"]) == 4
    for ours, theirs in zip(facts["history"], expected["history"], strict=True):
        assert ours["step"] == theirs["step"]
        assert ours["train_loss"] == pytest.approx(theirs["train_loss"], rel=close)
        # A mean over parts of almost equal size.
        assert ours["objectives"] == pytest.approx(theirs["objectives"], rel=0.03, abs=moved)
        assert ours["validation"] == pytest.approx(theirs["validation"], rel=close)


@pytest.mark.parametrize("name", ["label", "label-tags"])
def test_shared_labelling_leaves_the_files_of_one_process(folder: Path, name: str) -> None:
    one, other = folder / "one" / name, folder / "several" / name
    facts, told = shared.WORK[name](folder, one), facts_of(folder, name)
    files = sorted(path.relative_to(one).as_posix() for path in one.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(other).as_posix() for path in other.rglob("*") if path.is_file())
    for split in ("train", "validation", "test"):
        first, second = read_outputs(one / split), read_outputs(other / split)
        for output in first:
            assert first[output].values.dtype == second[output].values.dtype
            np.testing.assert_allclose(first[output].values, second[output].values, rtol=1e-2, atol=1e-3)
            assert (first[output].offsets is None) == (name == "label")
            np.testing.assert_equal(first[output].offsets, second[output].offsets)
    assert told["processes"] == 2
    assert "processes" not in facts
    assert told["validation"] == pytest.approx(facts["validation"], abs=1e-3)
    assert told["examples"] == facts["examples"]


def test_a_model_that_several_processes_ask_says_what_it_says_to_one(folder: Path) -> None:
    one, other = folder / "one" / "ask", folder / "several" / "ask"
    facts, told = shared.asked(folder, one), facts_of(folder, "ask")
    files = sorted(path.relative_to(one).as_posix() for path in one.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(other).as_posix() for path in other.rglob("*") if path.is_file())
    for split in ("train", "validation", "test"):
        first, second = read_outputs(one / split)["logits"], read_outputs(other / split)["logits"]
        np.testing.assert_allclose(first.values, second.values, rtol=1e-2, atol=1e-3)
    assert told["processes"] == 2
    np.testing.assert_allclose(told["shifts"], facts["shifts"], atol=1e-3)
    assert told["examples"] == facts["examples"] and told["templates"] == facts["templates"]


def test_a_shared_training_takes_the_steps_of_one_process(folder: Path, trained: dict[str, Any]) -> None:
    told = facts_of(folder, "train")
    assert told["processes"] == 2
    for name in ("steps", "epochs", "batch_size", "best_step", "parameters"):
        assert told[name] == trained[name]
    assert_same_course(told, trained)
    assert_same_weights(folder / "several" / "train", folder / "one" / "train")
    assert [path.name for path in (folder / "several" / "train").iterdir()] == ["model"]


def test_gradients_are_accumulated_as_by_one_process(folder: Path) -> None:
    shared.accumulate(folder, folder / "one" / "accumulate")
    assert_same_weights(folder / "several" / "accumulate", folder / "one" / "accumulate")


def test_a_training_for_a_variant_takes_the_steps_of_one_process(folder: Path) -> None:
    facts, told = shared.rounded(folder, folder / "one" / "rounded"), facts_of(folder, "rounded")
    assert told["quantization_aware"] == facts["quantization_aware"]
    # A sum in another order may bring a number to another code, which moves a loss that is nearly 0 the most.
    assert_same_course(told, facts, close=0.02, moved=2e-6)


def test_texts_are_changed_as_by_one_process_but_for_what_is_drawn(folder: Path) -> None:
    """Each draws where the search for a change begins."""
    facts, told = shared.attacked(folder, folder / "one" / "attacked"), facts_of(folder, "attacked")
    assert_same_course(told, facts, close=0.02)


def test_outputs_of_unlike_lengths_are_validated_together(folder: Path) -> None:
    facts = shared.teach_tags(folder, folder / "one" / "teach-tags")
    assert facts_of(folder, "teach-tags")["validation"] == pytest.approx(facts["validation"], rel=1e-3)


def test_other_processes_go_on_from_a_checkpoint(folder: Path, trained: dict[str, Any]) -> None:
    """Two from what one left, and one from what two left."""
    checkpoint = newest_complete(folder / "ended" / "checkpoints", Silent())
    assert checkpoint is not None
    assert facts_of(folder, "go-on")["resumed_from_step"] == step_of(checkpoint) > 0
    assert_same_course(facts_of(folder, "go-on"), trained)
    facts = shared.train(folder, folder / "several" / "end")
    assert facts["resumed_from_step"] > 0
    assert_same_course(facts, trained)


def test_what_ends_the_training_of_the_first_ends_that_of_all(folder: Path) -> None:
    said = {name: (folder / "several" / "end" / name).read_text(encoding="utf-8") for name in ("0", "1")}
    assert said == {"0": "Ended: ", "1": "StageError: The first process failed."}
