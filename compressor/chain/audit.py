"""Which stages an audit takes, what is audited beside what, and which of its figures gates may ask for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from compressor.chain.nodes import ModelNode, model_nodes, variants
from compressor.chain.stages import AuditModel, Columns, Measure
from compressor.chain.stages.audit import MADE
from compressor.chain.training import max_length_of
from compressor.errors import Problem, RecipeError
from compressor.evaluate import Inquiry, audit_figures, unknown_figures
from compressor.recipe.problems import suggest
from compressor.recipe.recipe import Recipe

__all__ = ["audit_stages", "check_audit_gates", "column_stages"]

COLUMNS = "columns"


def column_stages(recipe: Recipe) -> Iterator[Columns]:
    """What reads the columns that slices are made by, before anything is trained."""
    if recipe.audit and recipe.audit.columns and recipe.data:
        yield Columns(name=COLUMNS, task=recipe.task, section=recipe.data, seed=recipe.seed, keep=recipe.audit.columns)


def audit_stages(recipe: Recipe, decisive: Sequence[Measure]) -> Iterator[AuditModel]:
    """The audit of what ships, where the recipe asks for one.

    Args:
        decisive: measurements that what ships is chosen by; where the recipe names it, nothing of them is read.
    """
    if recipe.audit is None or recipe.data is None or not decisive:
        return
    read = () if recipe.bundle.variant else tuple(decisive)
    beside = _beside(recipe)
    models = [node.stage for node in (*variants(recipe), *beside)]
    yield AuditModel(
        name="audit",
        inputs={
            **{stage.name: stage.name for stage in read},
            **{name: name for name in models},
            **({"unsure": "unsure"} if recipe.bundle.unsure else {}),
            "test": COLUMNS if recipe.audit.columns else "prepare",
            **({} if recipe.data.test_only else {"train": "prepare"}),
            **({f"{MADE}{more.name}": more.name for more in recipe.data.more} if recipe.distill else {}),
        },
        recipe=recipe,
        section=recipe.audit,
        data=recipe.data,
        measures=read,
        beside=beside,
        target=next(stage.target for stage in decisive if stage.engine == "onnxruntime"),
        max_length=max_length_of(recipe),
    )


def check_audit_gates(recipe: Recipe) -> None:
    """Raise `RecipeError` for gates on figures that no audit has."""
    if recipe.audit is None:
        return
    inquiry = Inquiry(terms=recipe.audit.terms)
    problems = [
        Problem(f"an audit has no figure {name!r}", f"gates.audit.{name}", hint=suggest(name, audit_figures(inquiry)))
        for name in unknown_figures(recipe.gates.audit, inquiry)
    ]
    if problems:
        raise RecipeError(problems)


def _beside(recipe: Recipe) -> tuple[ModelNode, ...]:
    """The teacher, where it is a model that can be run, and the student in PyTorch."""
    torch = [node for node in model_nodes(recipe) if node.engine == "torch"]
    # The first of each role: a teacher is measured in several precisions, and audited in one.
    of_role = [[node for node in torch if node.role == role] for role in ("teacher", "student")]
    return tuple(nodes[0] for nodes in of_role if nodes)
