"""Where a recipe's teacher comes from: the stages that make it, and those that write down what it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from compressor.chain.balance import weights_input
from compressor.chain.nodes import teacher_model
from compressor.chain.stages import Answers, Ask, Ensemble, Label, Teach
from compressor.engine.stage import Stage
from compressor.recipe.recipe import Recipe
from compressor.recipe.teacher import EnsembleSection, TeacherSection
from compressor.task_specs import task_spec

__all__ = ["label_stages", "teach_stages", "tokenizer_of_outputs"]


def teach_stages(recipe: Recipe, data: Mapping[str, str], max_length: int) -> Iterator[Stage]:
    """Those that fine-tune or fetch models named in this recipe."""
    for name, section, seed in _taught(recipe):
        read = {**data, **weights_input(recipe)} if section.finetune else data
        yield Teach(name=name, inputs=read, task=recipe.task, section=section, max_length=max_length, seed=seed)


def label_stages(recipe: Recipe, name: str, inputs: Mapping[str, str], max_length: int) -> Iterator[Stage]:
    """Those that write down what the teacher says of the prepared splits or of other `texts`, the last called `name`.

    Args:
        inputs: `data`; and `texts`, where it is asked about these.
    """
    if recipe.teacher is None:
        return
    ensemble, answers, prompt = recipe.teacher.ensemble, recipe.teacher.answers, recipe.teacher.prompt
    if answers is not None:
        yield Answers(name=name, inputs=inputs, task=recipe.task, section=answers)
        return
    if prompt is not None:
        known = {"shifts": "label"} if "texts" in inputs else {}
        yield Ask(name=name, inputs={**inputs, **known}, task=recipe.task, section=prompt, max_length=max_length)
        return

    def label(called: str, teacher: str | None, trusted: bool) -> Label:
        return Label(
            name=called,
            inputs={**inputs, "teacher": str(teacher)},
            task=recipe.task,
            max_length=max_length,
            keeps=recipe.distill.keeps if recipe.distill else (),
            trust_remote_code=trusted,
        )

    if ensemble is None:
        yield label(name, teacher_model(recipe), recipe.trusts_teacher)
        return
    for number, member in enumerate(ensemble.members, start=1):
        yield label(f"{name}/{number}", f"teach/{number}", member.trust_remote_code)
    yield _together(recipe, ensemble, name, inputs, max_length)


def _together(
    recipe: Recipe, ensemble: EnsembleSection, name: str, inputs: Mapping[str, str], max_length: int
) -> Stage:
    numbers = range(1, len(ensemble.members) + 1)
    members = {str(number): f"{name}/{number}" for number in numbers}
    weights = {"weights": "label"} if "texts" in inputs else {}
    teachers = {f"teacher/{number}": f"teach/{number}" for number in numbers[1:]} if _per_token(recipe) else {}
    return Ensemble(
        name=name,
        inputs={**inputs, **members, **weights, "teacher": "teach/1", **teachers},
        task=recipe.task,
        section=ensemble,
        max_length=max_length,
    )


def tokenizer_of_outputs(recipe: Recipe) -> dict[str, str]:
    """The stage whose model has the tokenizer that an ensemble's outputs are of, where it answers for tokens: its first
    member's."""
    ensemble = recipe.teacher is not None and recipe.teacher.ensemble is not None
    return {"tokenizer": "teach/1"} if ensemble and _per_token(recipe) else {}


def _per_token(recipe: Recipe) -> bool:
    return any(output.per_token for output in task_spec(recipe.task).outputs)


def _taught(recipe: Recipe) -> Iterator[tuple[str, TeacherSection, int]]:
    """Name, section and seed of every model that is fetched."""
    if recipe.teacher is None:
        return
    if recipe.teacher.ensemble is not None:
        for number, member in enumerate(recipe.teacher.ensemble.members, start=1):
            yield f"teach/{number}", member.alone, recipe.seed if member.seed is None else member.seed
    elif recipe.teacher.kind == "model":
        yield "teach", recipe.teacher, recipe.seed
