"""Hidden states of the teacher that are pooled and kept, so that it runs once for each text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from compressor.chain.plan import make_plan
from compressor.data import load_output_names
from compressor.distill.architecture import Layout
from compressor.distill.distill import distill
from compressor.distill.label import compute_outputs
from compressor.distill.objectives import build_objectives
from compressor.distill.objectives.pooled_states import PooledStates
from compressor.distill.outputs import CachedOutputs, LiveOutputs, rows_of
from compressor.distill.pooling import Pooling, pool
from compressor.distill.signals import LOGITS, POOLED
from compressor.distill.transfer_set import TransferSet
from compressor.recipe.distill import DistillSection
from compressor.runtime.outputs import read_outputs
from compressor.tasks import load_tokenizer
from compressor.tasks.base import Task
from tests import tiny
from tests.chain import recipes
from tests.distill.conftest import MAX_LENGTH, QUICK, Finished, Recorder


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, data: Path, task: Task, teacher: Finished) -> Finished:
    """The teacher's outputs, with the mean of its hidden states. Read only."""
    folder, events = tmp_path_factory.mktemp("kept"), Recorder()
    facts = compute_outputs(
        task=task,
        model_folder=teacher.model,
        data=data,
        max_length=MAX_LENGTH,
        keeps=("states-mean",),
        out=folder,
        events=events,
        device="cpu",
        precision="fp32",
    )
    return Finished(folder, facts, events)


@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("pooling", ["mean", "first", "last"])
def test_padding_has_no_part_in_a_texts_vector(pooling: Pooling, left: bool) -> None:
    random = np.random.default_rng(0)
    layers, lengths = [random.normal(size=(2, 4, 3)) for _ in range(2)], (3, 1)
    mask = np.array([[place < length for place in range(4)] for length in lengths])
    mask = mask[:, ::-1].copy() if left else mask
    expected = []
    for row in range(2):
        own = [layer[row][mask[row]] for layer in layers]
        chosen = {"mean": lambda one: one.mean(axis=0), "first": lambda one: one[0], "last": lambda one: one[-1]}
        expected.append([chosen[pooling](one) for one in own])
    found = pool([torch.tensor(layer) for layer in layers], torch.tensor(mask).long(), pooling)
    assert found.numpy() == pytest.approx(np.array(expected), rel=1e-6)


def test_directions_of_pooled_states_are_compared_through_a_learned_matrix() -> None:
    random = np.random.default_rng(1)
    student, teacher = random.normal(size=(5, 3, 6)), random.normal(size=(5, 5, 10))
    config = PooledStates.model_validate({"kind": "pooled-states", "layers": [[1, 2], [2, 4]], "pooling": "mean"})
    (objective,) = build_objectives([config], Layout(2, 6), Layout(4, 10))
    assert isinstance(objective.learned, torch.nn.ModuleList)
    total = 0.0
    for (ours, theirs), matrix in zip(((1, 2), (2, 4)), objective.learned, strict=True):
        weight = np.asarray(next(matrix.parameters()).detach(), dtype=np.float64)
        for row in range(5):
            mine, goal = weight @ student[row, ours], teacher[row, theirs]
            apart = mine / np.sqrt(mine @ mine) - goal / np.sqrt(goal @ goal)
            total += apart @ apart / 5
    signal = POOLED["mean"]
    found = objective({signal: torch.tensor(student).float()}, {signal: torch.tensor(teacher).float()}, {})
    assert found.item() == pytest.approx(total, rel=1e-5)


def test_kept_states_are_those_of_the_live_teacher(
    task: Task, data: Path, teacher: Finished, outputs: Finished, kept: Finished, tmp_path: Path
) -> None:
    transfer_set, signal = TransferSet(data, kept.folder), POOLED["mean"]
    rows = transfer_set.rows(task, load_tokenizer(teacher.model), max_length=MAX_LENGTH, cache=tmp_path)
    batch = task.collator(load_tokenizer(teacher.model))(rows_of(rows, [5, 0, 9]))
    cached = CachedOutputs(transfer_set.teacher_outputs(), task=task, rows=rows)
    live = LiveOutputs(task.load_model(teacher.model, load_output_names(data, task), new_head="never"), task)
    wanted = frozenset({signal, LOGITS})
    (first, second) = (source.read(batch, wanted) for source in (cached, live))
    assert first[signal].float().numpy() == pytest.approx(second[signal].numpy(), abs=5e-3)
    assert first[LOGITS]["logits"].float().numpy() == pytest.approx(second[LOGITS]["logits"].numpy(), abs=5e-3)
    assert transfer_set.signals == {signal, LOGITS}
    assert not TransferSet(data, outputs.folder).signals & set(POOLED.values()), "kept for those who ask alone"
    assert cached.lacks(frozenset({POOLED["first"]}))


def test_states_are_kept_of_texts_to_train_on_alone_and_their_size_is_told(kept: Finished, outputs: Finished) -> None:
    states = read_outputs(kept.folder / "train")["states-mean"].values
    assert states.dtype == np.float16 and states.shape[:2] == (160, 3), "the embeddings, and two layers"
    assert "states-mean" not in read_outputs(kept.folder / "test")
    assert kept.facts["states_mb"] == round(states.nbytes / 1e6, 1)
    assert any("states for 160 texts take" in note for note in kept.events.notes)
    assert kept.facts["test"] == outputs.facts["test"]


@pytest.mark.parametrize("renumbered", [False, True])
def test_a_student_learns_from_kept_states_while_the_teacher_rests(
    task: Task,
    data: Path,
    teacher: Finished,
    kept: Finished,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    renumbered: bool,
) -> None:
    """Also one with another tokenizer: a text is one vector, however it is cut."""

    def refuse(*arguments: Any) -> None:
        raise AssertionError("the teacher runs")

    monkeypatch.setattr(LiveOutputs, "__init__", refuse)
    bare = tiny.write_encoder(tmp_path / "bare", layers=1, hidden=16)
    if renumbered:
        tiny.renumber(bare)
    model = task.load_model(bare, load_output_names(data, task), new_head="if-needed")
    model.save_pretrained(tmp_path / "student")
    load_tokenizer(bare).save_pretrained(tmp_path / "student")
    objectives = [{"kind": "soft-targets"}, {"kind": "pooled-states", "pooling": "mean"}]
    facts = distill(
        DistillSection.model_validate(QUICK | {"objectives": objectives}),
        task=task,
        student_folder=tmp_path / "student",
        transfer_set=TransferSet(data, kept.folder),
        teacher_folder=teacher.model,
        max_length=MAX_LENGTH,
        seed=1,
        out=tmp_path / "out",
        events=Recorder(),
    )
    losses = [entry["objectives"]["pooled-states"] for entry in facts["history"]]
    assert losses[-1] < 0.8 * losses[0]


def test_labels_are_made_with_what_the_objectives_compare(
    tmp_path: Path, reviews_csv: Path, encoder_folder: Path
) -> None:
    def label(objectives: str) -> Any:
        recipe = recipes.load(tmp_path, recipes.full(reviews_csv, encoder_folder), f"distill.objectives={objectives}")
        plan = make_plan(recipe)
        return plan.keys["label"].digest, next(one for one in plan.stages if one.name == "label")

    plain, first = label("[{kind: soft-targets}]")
    pooled, second = label("[{kind: soft-targets}, {kind: pooled-states}, {kind: pooled-states, pooling: mean}]")
    live, third = label("[{kind: hidden-states}, {kind: pooled-states}]")
    assert (first.keeps, second.keeps, third.keeps) == ((), ("states-first", "states-mean"), ())
    assert plain == live != pooled, "a teacher that runs anyway keeps nothing"
