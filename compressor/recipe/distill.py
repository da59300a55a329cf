"""Section `distill`: how the student learns from the teacher."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from compressor.errors import Problem
from compressor.recipe.components import ComponentSection, OneOf, component_registry
from compressor.recipe.privacy import PrivacySection
from compressor.recipe.scheduled import Ramp, Scheduled
from compressor.recipe.section import optional
from compressor.recipe.training import Schedule, TrainingSection
from compressor.recipe.until import UntilSection
from compressor.task_specs import TaskSpec

__all__ = ["OBJECTIVES", "DistillSection", "ObjectiveSection", "PhaseSection"]


class ObjectiveSection(ComponentSection):
    """What every objective's config has. The objectives themselves are in `distill/objectives/`."""

    kind: str
    weight: Scheduled = Field(1.0, description="Weight in the sum of objectives: a number, or how it changes.")

    @property
    def uses_teacher(self) -> bool:
        """Whether training with this objective asks the teacher."""
        return True

    @property
    def uses_labels(self) -> bool:
        """Whether training with this objective needs the data's labels."""
        return not self.uses_teacher

    @property
    def uses_pairs(self) -> bool:
        """Whether training with this objective needs pairs of texts."""
        return False

    @property
    def mixes_examples(self) -> bool:
        """Whether it compares the examples of a batch with each other, and so has nothing to say of one alone."""
        return False

    def learns_from_one(self, spec: TaskSpec) -> bool:
        """Whether a batch of a single text has something for it to compare."""
        return not self.mixes_examples

    @property
    def needs_dropout(self) -> bool:
        """Whether it compares what the student says of the same text with other dropout."""
        return False

    @property
    def looks_inside(self) -> bool:
        """Whether it compares more than outputs: what models compute on the way, or what they say of other inputs."""
        return False

    @property
    def from_stored(self) -> bool:
        """Whether what the teacher's outputs say, stored beforehand, is all that it asks."""
        return False

    @property
    def keeps(self) -> frozenset[str]:
        """What has to be kept of the teacher beside its outputs."""
        return frozenset()

    @property
    def teaches_answers(self) -> bool:
        """Whether it tells the student what to answer, and not only to answer alike."""
        return self.uses_teacher or self.uses_labels or self.uses_pairs

    @property
    def judges_unlabelled(self) -> bool:
        """Whether it tells how far a student is off on texts without labels: it compares outputs with the teacher's, or
        the texts of a pair with each other."""
        return self.uses_pairs or (self.uses_teacher and self.from_stored and not self.keeps)

    def unfit(self, spec: TaskSpec, classes: int | None) -> Iterator[Problem]:
        """Why it can't train models of this task. `classes`: how many labels there are; None where nobody knows yet."""
        yield from ()

    def build(self, student: Any, teacher: Any) -> Any:
        """The objective: see `ObjectiveConfig` in `distill/objectives/base.py`, which all of them are."""
        raise NotImplementedError


OBJECTIVES = component_registry("compressor.distill.objectives", "compressor.objectives", ObjectiveSection, "kind")

_DEFAULT_OBJECTIVES = {"soft-targets": 0.9, "hard-labels": 0.1}


def _default_objectives() -> tuple[ObjectiveSection, ...]:
    return tuple(OBJECTIVES.get(kind)(kind=kind, weight=weight) for kind, weight in _DEFAULT_OBJECTIVES.items())


class PhaseSection(TrainingSection):
    """One part of a training: what it doesn't name is as in `distill`."""

    learning_rate: float = Field(1e-4, gt=0, description="Peak learning rate of AdamW.")
    objectives: tuple[Annotated[ObjectiveSection, OneOf(OBJECTIVES)], ...] = Field(
        default_factory=_default_objectives,
        min_length=1,
        description="What the student is trained to match; their weighted sum is the loss.",
        json_schema_extra={
            "default": [{"kind": kind, "weight": weight} for kind, weight in _DEFAULT_OBJECTIVES.items()]
        },
    )
    until: UntilSection | None = optional(
        "Train until this is reached on validation, in place of a number of `epochs`. Early stopping holds as well."
    )

    quantization_aware: str | None = optional(
        "Name of a variant in `quantize`: while it trains, the student computes with weights and activations that are "
        "rounded as this variant's will be, and so learns to live with it. The saved weights are fp32."
    )

    @property
    def uses_teacher(self) -> bool:
        """Whether this training asks the teacher."""
        return self.until_teacher or any(objective.uses_teacher for objective in self.objectives)

    @property
    def from_stored(self) -> bool:
        """Whether what is kept of the teacher is enough; else it runs beside the student."""
        return all(objective.from_stored for objective in self.objectives)

    @property
    def at_times_from_stored(self) -> bool:
        """Whether what is kept of the teacher is enough for some of its steps at least: the weights of objectives that
        ask more may be 0 there."""
        return all(one.from_stored or (isinstance(one.weight, Ramp) and one.weight.rests) for one in self.objectives)

    @property
    def until_teacher(self) -> bool:
        """Whether it ends at a share of the teacher's quality."""
        return self.until is not None and self.until.quality_retained is not None

    def schedule(self, examples: int) -> Schedule:
        plan = super().schedule(examples)
        return plan if self.until is None else plan._replace(epochs=self.until.max_epochs)


class DistillSection(PhaseSection):
    """One student training: a weighted sum of objectives, in one phase or several."""

    phases: tuple[PhaseSection, ...] = optional(
        "Parts of the training, one after another, each from the weights that the one before left. Each may have its "
        "own objectives, epochs, learning rate, scheduler and all other keys of a training; what it doesn't name is as "
        "written beside `phases`.",
        default=(),
    )
    seed: Annotated[int, Field(ge=0, lt=2**32)] | None = optional(
        "Seeds what is drawn for the student: a new head, the order of texts, dropout. Left out: the recipe's seed. "
        "Data and teacher stay as they are."
    )
    privacy: PrivacySection | None = optional(
        "Train with differential privacy (DP-SGD), so that what the student tells about any single training example is "
        "bounded. Needs the extra private. Left out: no bound."
    )
    baseline: bool = Field(
        False,
        description="Also train the same student without the teacher, on the data's labels alone or, where pairs have "
        "no score, by `contrastive`; and report what the teacher added.",
    )

    @property
    def keeps(self) -> tuple[str, ...]:
        """What has to be kept of the teacher beside its outputs: nothing for a part that it runs beside."""
        kept = [objective.keeps for part in self.parts if part.from_stored for objective in part.objectives]
        return tuple(sorted(frozenset[str]().union(*kept)))

    @property
    def parts(self) -> tuple[PhaseSection, ...]:
        """The phases, complete; this section itself where the recipe names none."""
        whole = self.model_copy(update={"phases": (), "baseline": False, "seed": None})
        return tuple(
            whole.model_copy(update={name: getattr(phase, name) for name in phase.model_fields_set})
            for phase in self.phases
        ) or (whole,)

    def named_variants(self) -> Iterator[tuple[str, str]]:
        """Every variant that a part is trained for, with the key that says so."""
        if not self.phases or any("quantization_aware" not in phase.model_fields_set for phase in self.phases):
            yield from _of_variant("distill", self)
        for number, phase in enumerate(self.phases):
            yield from _of_variant(f"distill.phases.{number}", phase)

    def named_objectives(self) -> Iterator[tuple[str, ObjectiveSection]]:
        """Every objective that is used, with the key that says so."""
        if not self.phases or any("objectives" not in phase.model_fields_set for phase in self.phases):
            given = "objectives" in self.model_fields_set
            for index, objective in enumerate(self.objectives):
                yield f"distill.objectives.{index}" if given else "distill.objectives", objective
        for number, phase in enumerate(self.phases):
            if "objectives" in phase.model_fields_set:
                for index, objective in enumerate(phase.objectives):
                    yield f"distill.phases.{number}.objectives.{index}", objective


def _of_variant(path: str, part: PhaseSection) -> Iterator[tuple[str, str]]:
    if part.quantization_aware is not None:
        yield f"{path}.quantization_aware", part.quantization_aware
