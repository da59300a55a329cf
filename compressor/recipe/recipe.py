"""The whole recipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from compressor.recipe.audit import AuditSection
from compressor.recipe.benchmark import BenchmarkSection
from compressor.recipe.bundle import BundleSection
from compressor.recipe.cascade import CascadeSection
from compressor.recipe.components import OneOf
from compressor.recipe.data import DataSection
from compressor.recipe.distill import DistillSection
from compressor.recipe.export import ExportSection
from compressor.recipe.gates import GatesSection
from compressor.recipe.quantize import QUANTIZERS, QuantizeSection
from compressor.recipe.section import Section, optional
from compressor.recipe.student import StudentSection
from compressor.recipe.study import Seed, VariantSection
from compressor.recipe.teacher import TeacherSection
from compressor.recipe.tune import TuneSection
from compressor.task_specs import DEFAULT_TASK, TASK_SPECS

__all__ = ["Recipe", "TaskName"]


@dataclass(frozen=True)
class _KnownTask:
    """Annotates a text that must be the name of a task, built in or installed."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.literal_schema(list(TASK_SPECS.names))


TaskName = Annotated[str, _KnownTask()]


class Recipe(Section):
    """From teacher to bundle, in one file. No `teacher` and no `distill` is a plain export of `student.init`."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="Names the run directory: runs/<name>.")
    task: TaskName = Field(DEFAULT_TASK, description="What the model does.")
    seed: int = Field(13, ge=0, lt=2**32, description="Seeds splits, sampling order, initialisation and training.")
    data: DataSection | None = Field(None, description="Labelled text. Needed for training and for accuracy.")
    teacher: TeacherSection | None = Field(None, description="The large model whose behaviour is distilled.")
    student: StudentSection = Field(
        default_factory=StudentSection, description="The compact model the bundle will hold."
    )
    distill: DistillSection | None = Field(None, description="How the student learns from the teacher.")
    export: ExportSection = Field(default_factory=ExportSection, description="PyTorch to ONNX.")
    quantize: tuple[Annotated[QuantizeSection, OneOf(QUANTIZERS, "method")], ...] = Field(
        (), description="Variants made from the exported graph."
    )
    cascade: CascadeSection | None = optional("A faster student in front of this one, in the same file.")
    benchmark: BenchmarkSection = Field(default_factory=BenchmarkSection, description="Where and how to measure.")
    audit: AuditSection | None = optional("What the variant that ships is asked beyond its figures.")
    gates: GatesSection = Field(default_factory=GatesSection, description="What must hold for the bundle to ship.")
    bundle: BundleSection = Field(default_factory=BundleSection, description="What goes into the folder that ships.")
    seeds: tuple[Seed, ...] = optional(
        "Run everything once with each of these in place of `distill.seed`, also of the recipes that `student.run` and "
        "`cascade.run` name, and report mean and spread. Three or more allow a claim.",
        default=(),
    )
    variants: tuple[VariantSection, ...] = optional(
        "Run the recipe as it stands, and once more with each of these changes; all are compared in one table.",
        default=(),
    )
    tune: TuneSection | None = optional("What `compressor tune` may change, and what for.")

    @property
    def is_study(self) -> bool:
        """Whether it stands for several runs."""
        return bool(self.seeds or self.variants)

    @property
    def alone(self) -> Recipe:
        """The recipe as it stands, as one run."""
        return self.model_copy(update={"seeds": (), "variants": (), "tune": None})

    @property
    def student_seed(self) -> int:
        """Seeds what is drawn for the student."""
        own = None if self.distill is None else self.distill.seed
        return self.seed if own is None else own

    @property
    def trusts_teacher(self) -> bool:
        """Whether code that comes with the teacher may run."""
        return self.teacher is not None and self.teacher.trust_remote_code

    @property
    def trusts_student(self) -> bool:
        """Whether code that comes with the student may run. A copy of the teacher runs the teacher's code."""
        return self.trusts_teacher if self.student.copies_teacher else self.student.trust_remote_code
