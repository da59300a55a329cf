from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification

from compressor.data import load_split
from compressor.distill.adversary import Adversary
from compressor.distill.distill import distill
from compressor.distill.student import make_student
from compressor.distill.transfer_set import TransferSet
from compressor.errors import RecipeError
from compressor.recipe.distill import DistillSection
from compressor.recipe.student import StudentSection
from compressor.tasks.base import Task
from tests import tiny
from tests.distill.conftest import MAX_LENGTH, QUICK, Finished, Recorder
from tests.distill.test_teacher import accuracy

SOFT = {"kind": "soft-targets", "weight": 0.9}
HARD = {"kind": "hard-labels", "weight": 0.1}
HIDDEN = {"kind": "hidden-states"}
MIXED = {"kind": "mixup", "alpha": 0.4}
CHANGED = {"kind": "adversarial", "epsilon": 0.05}


@pytest.fixture
def run(task: Task, data: Path, tmp_path: Path) -> Any:
    def run(
        *objectives: dict[str, Any],
        init: Path,
        outputs: Path | None = None,
        teacher: Path | None = None,
        layers: tuple[int, ...] | None = (0,),
        **changed: Any,
    ) -> Finished:
        events = Recorder()
        make_student(
            StudentSection(layers=layers),
            task=task,
            init_folder=init,
            data=data,
            trained=True,
            seed=1,
            events=events,
            out=tmp_path / "student",
        )
        facts = distill(
            DistillSection.model_validate(QUICK | {"epochs": 2, "objectives": objectives} | changed),
            task=task,
            student_folder=tmp_path / "student" / "model",
            transfer_set=TransferSet(data, outputs),
            teacher_folder=teacher,
            max_length=MAX_LENGTH,
            seed=1,
            out=tmp_path / "out",
            events=events,
        )
        return Finished(tmp_path / "out", facts, events)

    return run


@pytest.fixture(scope="session")
def other_tokenizer_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A narrower encoder whose tokenizer has the same words under other numbers."""
    folder = tiny.write_encoder(tmp_path_factory.mktemp("other"), layers=2, hidden=16)
    tiny.renumber(folder)
    return folder


def test_a_student_of_one_layer_learns_from_cached_outputs(
    run: Any, teacher: Finished, outputs: Finished, data: Path
) -> None:
    student = run(SOFT, HARD, init=teacher.model, outputs=outputs.folder, teacher=teacher.model, epochs=4)
    assert accuracy(student.model, data, "test") >= 0.9
    model = AutoModelForSequenceClassification.from_pretrained(student.model)
    assert len(model.bert.encoder.layer) == model.config.num_hidden_layers == 1


def test_facts_compare_the_student_with_the_teacher(run: Any, teacher: Finished, outputs: Finished) -> None:
    facts = run(SOFT, HARD, init=teacher.model, outputs=outputs.folder, teacher=teacher.model).facts
    assert facts["teacher_parameters"] == teacher.facts["parameters"]
    assert facts["parameters"] < facts["teacher_parameters"]
    assert facts["compression_ratio"] == pytest.approx(facts["teacher_parameters"] / facts["parameters"], abs=1e-3)
    for entry in facts["history"]:
        soft, hard = entry["objectives"]["soft-targets"], entry["objectives"]["hard-labels"]
        assert entry["train_loss"] == pytest.approx(0.9 * soft + 0.1 * hard, rel=1e-4)
    assert facts["labels"] == ["bad", "good"]


def test_a_narrow_student_with_its_own_tokenizer_learns_from_either_source(
    run: Any, teacher: Finished, outputs: Finished, other_tokenizer_folder: Path, tmp_path: Path
) -> None:
    student = {"init": other_tokenizer_folder, "layers": None, "epochs": 1, "batch_size": 16}
    cached = run(SOFT, **student, outputs=outputs.folder)
    shutil.move(tmp_path / "out", tmp_path / "cached")
    live = run(SOFT, **student, teacher=teacher.model)
    first, second = (entry.facts["history"][0]["objectives"]["soft-targets"] for entry in (cached, live))
    assert first == pytest.approx(second, rel=1e-2)
    assert "teacher_parameters" not in cached.facts and "teacher_parameters" in live.facts


def test_hidden_states_are_learned_from_the_live_teacher_and_the_saved_student_is_clean(
    run: Any, teacher: Finished, outputs: Finished, tmp_path: Path
) -> None:
    before = load_file(teacher.model / "model.safetensors")
    narrow = tiny.write_encoder(tmp_path / "narrow", layers=2, hidden=16)
    student = run(SOFT, HIDDEN, init=narrow, outputs=outputs.folder, teacher=teacher.model, layers=(0,), epochs=4)
    losses = [entry["objectives"]["hidden-states"] for entry in student.facts["history"]]
    assert losses[-1] < 0.8 * losses[0]
    names = set(load_file(student.model / "model.safetensors"))
    assert all(name.startswith(("bert.", "classifier.")) for name in names)
    after = load_file(teacher.model / "model.safetensors")
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("kind", ["hidden-states", "relations"])
def test_signals_at_tokens_are_learned_across_tokenizers(
    run: Any, teacher: Finished, outputs: Finished, other_tokenizer_folder: Path, kind: str
) -> None:
    objective = {"kind": kind, "heads": 2} if kind == "relations" else {"kind": kind}
    init = {"init": other_tokenizer_folder, "layers": None}
    student = run(SOFT, objective, **init, outputs=outputs.folder, teacher=teacher.model, epochs=4)
    losses = [entry["objectives"][kind] for entry in student.facts["history"]]
    assert losses[-1] < 0.8 * losses[0]


def test_hidden_states_from_the_cache_alone_are_refused_before_training(
    run: Any, teacher: Finished, outputs: Finished, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match="needs the teacher itself"):
        run(SOFT, HIDDEN, init=teacher.model, outputs=outputs.folder)
    assert not (tmp_path / "out" / "checkpoints").exists()


def test_soft_targets_without_a_teacher_are_refused_before_training(
    run: Any, teacher: Finished, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match="there is no teacher"):
        run(SOFT, init=teacher.model)
    assert not (tmp_path / "out" / "checkpoints").exists()


def test_a_baseline_needs_no_teacher(run: Any, encoder_folder: Path) -> None:
    facts = run(HARD | {"weight": 1.0}, init=encoder_folder, layers=(0, 1), epochs=1).facts
    assert list(facts["history"][0]["objectives"]) == ["hard-labels"]
    assert "compression_ratio" not in facts


def test_the_teachers_answers_can_be_the_labels(run: Any, teacher: Finished, outputs: Finished) -> None:
    taught = {"kind": "hard-labels", "labels": "teacher"}
    facts = run(taught, init=teacher.model, outputs=outputs.folder, layers=None, epochs=1).facts
    assert facts["history"][0]["objectives"]["hard-labels"] < 0.2, "the copied teacher agrees with itself"


def test_an_objective_that_has_nothing_to_compare_between_two_labels_is_refused_before_training(
    run: Any, encoder_folder: Path, outputs: Finished
) -> None:
    with pytest.raises(RecipeError) as caught:
        run(SOFT, {"kind": "dist"}, init=encoder_folder, outputs=outputs.folder)
    (problem,) = caught.value.problems
    assert problem.path == "distill.objectives.1.beta" and "over two classes" in problem.message


def test_two_passes_without_dropout_are_refused_before_training(run: Any, encoder_folder: Path) -> None:
    with pytest.raises(RecipeError, match="this student has none"):
        run(HARD, {"kind": "r-drop"}, init=encoder_folder, dropout=0.0)


def test_a_student_learns_from_mixtures_alone(
    run: Any, teacher: Finished, encoder_folder: Path, outputs: Finished, data: Path
) -> None:
    """Stored outputs are there, and say nothing of mixtures."""
    source = {"outputs": outputs.folder, "teacher": teacher.model}
    student = run(MIXED, init=encoder_folder, **source, layers=(0, 1), epochs=12)
    losses = [entry["objectives"]["mixup"] for entry in student.facts["history"]]
    assert losses[-1] < 0.5 * losses[0]
    assert accuracy(student.model, data, "test") >= 0.9


def test_mixtures_are_answered_across_tokenizers(
    run: Any, teacher: Finished, outputs: Finished, other_tokenizer_folder: Path
) -> None:
    init = {"init": other_tokenizer_folder, "layers": None}
    student = run(SOFT, MIXED, **init, outputs=outputs.folder, teacher=teacher.model, epochs=2)
    losses = [entry["objectives"]["mixup"] for entry in student.facts["history"]]
    assert 0 < losses[-1] < losses[0]


def test_mixtures_without_the_teacher_itself_are_refused_before_training(
    run: Any, teacher: Finished, outputs: Finished, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match="mixup needs the teacher's logits of mixed texts"):
        run(SOFT, MIXED, init=teacher.model, outputs=outputs.folder)
    assert not (tmp_path / "out" / "checkpoints").exists()


def test_changed_texts_are_learned_from_stored_outputs(
    run: Any, encoder_folder: Path, outputs: Finished, data: Path
) -> None:
    student = run(CHANGED, init=encoder_folder, outputs=outputs.folder, layers=(0, 1), epochs=8)
    losses = [entry["objectives"]["adversarial"] for entry in student.facts["history"]]
    assert losses[-1] < 0.5 * losses[0]
    assert accuracy(student.model, data, "test") >= 0.9


def test_changed_texts_are_learned_from_labels_without_a_teacher(run: Any, encoder_folder: Path, data: Path) -> None:
    student = run(CHANGED | {"target": "labels"}, init=encoder_folder, layers=(0, 1), epochs=8)
    losses = [entry["objectives"]["adversarial"] for entry in student.facts["history"]]
    assert losses[-1] < 0.5 * losses[0]
    assert accuracy(student.model, data, "test") >= 0.9


def test_special_tokens_of_the_students_tokenizer_are_not_changed(
    run: Any, encoder_folder: Path, outputs: Finished, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[torch.Tensor] = []

    def change(self: Adversary, loss: Any, vectors: torch.Tensor, changeable: torch.Tensor) -> torch.Tensor:
        seen.append(changeable.sum(dim=1))
        return torch.zeros_like(vectors)

    monkeypatch.setattr(Adversary, "change", change)
    run(CHANGED, init=encoder_folder, outputs=outputs.folder, epochs=1)
    words = [len(text.split()) for text in load_split(data, "train")["text"]]
    assert sorted(torch.cat(seen).tolist()) == sorted(words)


def test_schedules_follow_the_steps_of_the_training(run: Any, encoder_folder: Path, outputs: Finished) -> None:
    fading = {"kind": "soft-targets", "weight": {"start": 1, "end": 0, "over": [0.0, 0.5]}}
    trained = run(fading, HARD, init=encoder_folder, outputs=outputs.folder, epochs=4)
    history = trained.facts["history"]
    assert history[-1]["train_loss"] == pytest.approx(0.1 * history[-1]["objectives"]["hard-labels"], rel=1e-3)
    assert history[0]["train_loss"] > 0.5 * history[0]["objectives"]["soft-targets"]


def test_a_calibrated_student_answers_the_same_with_other_probabilities(
    run: Any, encoder_folder: Path, outputs: Finished, task: Task, data: Path
) -> None:
    plain = run(SOFT, init=encoder_folder, outputs=outputs.folder)
    weight = load_file(plain.model / "model.safetensors")["classifier.weight"]
    shutil.rmtree(plain.folder)
    calibrated = run(SOFT, init=encoder_folder, outputs=outputs.folder, calibrate=True)
    found = calibrated.facts["calibration"]
    assert any(f"temperature {found['temperature']:g}" in note for note in calibrated.events.notes)
    scaled = load_file(calibrated.model / "model.safetensors")["classifier.weight"]
    assert torch.allclose(scaled * found["temperature"], weight, rtol=1e-3)
    assert found["after"]["log_loss"] <= found["before"]["log_loss"]
    assert calibrated.facts["validation"] == plain.facts["validation"]
