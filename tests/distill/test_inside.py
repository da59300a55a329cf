"""Objectives that look inside both models, on batches of tasks that don't answer a text with a label."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import torch

from compressor.distill.architecture import Layout
from compressor.distill.distiller import Distiller
from compressor.distill.dropout import set_dropout
from compressor.distill.objectives import build_objectives
from compressor.distill.outputs import LiveOutputs
from compressor.recipe.distill import OBJECTIVES
from compressor.tasks import get_task, load_tokenizer
from tests import tiny

KINDS = {
    **{kind: {"kind": kind} for kind in ("hidden-states", "embeddings", "cosine", "attention", "relations")},
    **{f"pooled-{way}": {"kind": "pooled-states", "pooling": way} for way in ("mean", "first", "last")},
}
ROWS: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "question-answering": lambda: tiny.questions(3, longest=12),
    "sentence-embedding": lambda: tiny.pairs(3),
}
Batch: TypeAlias = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def wide_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A teacher of another depth and width than the student."""
    return tiny.write_encoder(tmp_path_factory.mktemp("wide"), layers=3, hidden=48, spread=0.1)


def batch_of(name: str, folder: Path) -> Batch:
    rows, tokenizer, task = ROWS[name](), load_tokenizer(folder), get_task(name)
    features = task.tokenize(tokenizer, {key: [row[key] for row in rows] for key in rows[0]}, 32)
    count = len(features["length"])
    batch = task.collator(tokenizer)([{key: features[key][i] for key in features} for i in range(count)])
    return {**batch, "row_id": torch.arange(count)}


def padded(batch: Batch) -> Batch:
    """The same texts, with other words behind the end of each, which the mask leaves out."""
    found = dict(batch)
    for key in ("input_ids", "attention_mask", "token_type_ids"):
        found[key] = torch.nn.functional.pad(batch[key], (0, 5))
    behind = found["attention_mask"] == 0
    found["input_ids"] = found["input_ids"].masked_fill(behind, 20)
    return found


def distiller(kind: str, name: str, student: Path, teacher: Path) -> Distiller:
    task = get_task(name)
    torch.manual_seed(1)
    models = [task.load_model(folder, []) for folder in (student, teacher)]
    config = OBJECTIVES.get(KINDS[kind]["kind"]).model_validate(KINDS[kind])
    objectives = build_objectives([config], *(Layout.of(model.config) for model in models))
    made = Distiller(models[0], objectives, task=task, teacher=LiveOutputs(models[1], task)).train()
    set_dropout(made.student, 0.0)
    return made


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_student_of_any_task_comes_nearer_inside(
    kind: str, name: str, encoder_folder: Path, wide_folder: Path
) -> None:
    made, batch = distiller(kind, name, encoder_folder, wide_folder), batch_of(name, encoder_folder)
    assert not batch["attention_mask"].all(), "texts are of unlike length"
    optimizer = torch.optim.SGD(made.student.parameters(), lr=0.02)  # what is learned beside the student stays
    losses = []
    for _ in range(4):
        loss = made(**batch)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert all(torch.isfinite(parameter).all() for parameter in made.parameters())
    assert losses == sorted(losses, reverse=True) and losses[-1] < losses[0]


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_stands_behind_the_end_of_a_text_is_not_compared(
    kind: str, name: str, encoder_folder: Path, wide_folder: Path
) -> None:
    made, batch = distiller(kind, name, encoder_folder, wide_folder), batch_of(name, encoder_folder)
    before, after = made(**batch)["loss"].item(), made(**padded(batch))["loss"].item()
    assert after == pytest.approx(before, rel=1e-4) and before > 0
