"""The models of a recipe that are measured: what each one is, and which one it is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from compressor.bench.results import Role, reference_role
from compressor.recipe.benchmark import Precision
from compressor.recipe.recipe import Recipe

__all__ = [
    "ASSISTANT",
    "BASELINE",
    "FIRST",
    "START",
    "ModelNode",
    "graph_stage",
    "model_nodes",
    "reference_node",
    "teacher_model",
    "variants",
]

ASSISTANT = "assistant/"
"""What the names of stages begin with that are those of the recipe that `teacher.run` names."""

START = "start/"
"""What the names of stages begin with that are those of the recipe that `student.run` names."""

BASELINE = "baseline"
"""Name of the stage that trains the student without a teacher."""

FIRST = "first/"
"""What the names of stages begin with that are those of the recipe that `cascade.run` names."""


@dataclass(frozen=True)
class ModelNode:
    """One model of the chain."""

    name: str
    """As reports call it: `teacher`, `student`, `int8`."""
    role: Role
    parent: str | None
    """Name of the node it is compared with: the one it is made of, or, for a baseline, the one that is to be better."""
    stage: str
    """Name of the stage that makes it."""
    engine: Literal["onnxruntime", "torch", "stored"]
    """`stored`: no model, but answers that are there."""
    precision: Precision = "fp32"
    """What a PyTorch model computes in."""


def model_nodes(recipe: Recipe) -> tuple[ModelNode, ...]:
    """Every model of a recipe, teachers first, in the order they are measured."""
    return tuple(_nodes(recipe))


def reference_node(recipe: Recipe) -> ModelNode:
    """The model that the others compare with: the teacher, or without one the finished model in PyTorch."""
    nodes = model_nodes(recipe)
    role = reference_role(node.role for node in nodes)
    return next(node for node in nodes if node.role == role)


def variants(recipe: Recipe) -> tuple[ModelNode, ...]:
    """The models that may ship. The first is the exported student, which the others are made of."""
    return tuple(node for node in model_nodes(recipe) if node.role == "variant")


def graph_stage(recipe: Recipe) -> str:
    """Name of the stage that makes the graph that variants are made of."""
    return "optimize" if recipe.export.optimize == "auto" else "export"


def teacher_model(recipe: Recipe) -> str | None:
    """Name of the stage that makes the teacher's model; None where there is no single one."""
    if recipe.teacher is None or not recipe.teacher.is_model:
        return None
    return f"{ASSISTANT}distill" if recipe.teacher.kind == "run" else "teach"


def _nodes(recipe: Recipe) -> Iterator[ModelNode]:
    taught = "teacher" if recipe.teacher else None
    teacher = teacher_model(recipe)
    if recipe.teacher and teacher is None:
        yield ModelNode("teacher", "teacher", None, "label", "stored")
    if teacher:
        # The first precision is the one that everything else is compared with, and bears the plain name.
        for number, precision in enumerate(recipe.benchmark.reference_precisions):
            name, parent = (f"teacher-{precision}", "teacher") if number else ("teacher", None)
            yield ModelNode(name, "teacher", parent, teacher, "torch", precision)
    if recipe.distill and recipe.distill.baseline:
        yield ModelNode("baseline", "baseline", "student", BASELINE, "torch")
    yield ModelNode("student", "student", taught, "distill" if recipe.distill else "student", "torch")
    yield ModelNode("fp32", "variant", "student", graph_stage(recipe), "onnxruntime")
    for section in recipe.quantize:
        yield ModelNode(section.name, "variant", "fp32", f"quantize/{section.name}", "onnxruntime")
    if recipe.cascade:
        yield ModelNode(recipe.cascade.name, "variant", recipe.cascade.variant, "cascade", "onnxruntime")
