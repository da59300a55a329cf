"""Trainings that no machine can do as the recipe asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from compressor.recipe import dump_recipe, load_recipe
from tests.recipe.write import problems_of, write


@pytest.mark.parametrize(
    ("overrides", "path", "words"),
    [
        (["teacher.finetune={precision: fp16, device: cpu}"], "teacher.finetune.precision", "GPUs only"),
        (["distill={precision: fp16, device: cpu}"], "distill.precision", "GPUs only"),
        (
            ["distill={compile: true, objectives: [{kind: hidden-states}]}"],
            "distill.compile",
            "hidden-states looks inside",
        ),
        (["distill={compile: true, objectives: [{kind: mixup}]}"], "distill.compile", "mixup looks inside"),
        (["distill={compile: true, objectives: [{kind: adversarial}]}"], "distill.compile", "adversarial looks inside"),
        (
            ["distill={phases: [{compile: true, objectives: [{kind: relations}]}, {}]}"],
            "distill.phases.0.compile",
            "relations looks inside",
        ),
    ],
)
def test_what_no_machine_can_do_is_refused(tmp_path: Path, overrides: list[str], path: str, words: str) -> None:
    (problem,) = problems_of(write(tmp_path), overrides)
    assert problem.path == path and words in problem.message


def test_they_are_taken_where_they_may_be_had_and_left_out_of_keys_where_not_used(tmp_path: Path) -> None:
    file = write(tmp_path)
    plain = load_recipe(file)
    assert plain.distill is not None
    assert not {"compile", "gradient_checkpointing"} & set(plain.distill.model_dump(mode="json"))
    asked = load_recipe(
        file,
        [
            "teacher.finetune={precision: fp16, gradient_checkpointing: true, compile: true}",
            "distill={compile: true, gradient_checkpointing: true, phases: [{compile: false, objectives: "
            "[{kind: hidden-states}]}, {}]}",
        ],
    )
    said = dump_recipe(asked)
    assert "gradient_checkpointing: true" in said and "precision: fp16" in said
