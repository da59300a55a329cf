"""Section `data`: where the labelled text comes from, how its columns map, how it is split."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from compressor.recipe.augment import AugmentSection, GenerateSection, UnlabelledSection
from compressor.recipe.balance import BalanceSection
from compressor.recipe.section import ColumnName, Fraction, Section, Sha256, optional

__all__ = ["DataSection", "MoreTexts", "SplitSection"]

# A fraction is carved out of the training split; a name takes a split the source already has.
SplitRule = Annotated[Fraction | str | None, Field(union_mode="left_to_right")]


Delimiter = Annotated[str, Field(pattern=r'^[^"\r\n]$')]


class SplitSection(Section):
    """How the splits are made. Left out, the source's own splits are used, and missing ones carved out."""

    train: str = Field("train", description="Name of the source's split to train on.")
    validation: SplitRule = Field(
        None,
        description="A fraction to carve out of the training split (stratified, seeded), or the name of a split "
        "of the source. Left out: the source's own `validation`, else 0.1.",
    )
    test: SplitRule = Field(
        None,
        description="As `validation`. Left out: the source's own `test`, else 0.1 of the training split.",
    )
    group: ColumnName | None = Field(
        None,
        description="Column that names what texts belong to (a film, a customer, a document): all texts of a group "
        "stay in one split. Rows without a value are groups of their own.",
    )
    by: ColumnName | None = Field(
        None,
        description="Column with a time or a number to sort by: the oldest rows train, the newest test. "
        "Numbers or ISO dates. Not together with `group`.",
    )


@dataclass(frozen=True)
class MoreTexts:
    """A source of texts that only the teacher labels."""

    name: str
    """Of the stage that reads or makes them."""
    path: str
    """Where the recipe describes it: `data.unlabelled`, or `data.unlabelled.1` in a list."""
    section: UnlabelledSection | AugmentSection | GenerateSection


class DataSection(Section):
    """Labelled text, and how to read it."""

    source: str | dict[str, str] | None = Field(
        None,
        description="A file (csv, tsv, jsonl, json, parquet, CoNLL, SQuAD; plain or gz, bz2, xz, zip), "
        "`wheel://name==version/path`, `sdist://name==version/path`, or a hub data set id. A mapping gives one "
        "file per split: {train: a.csv, test: b.csv}.",
    )
    test: str | None = Field(
        None,
        description="A file in place of `source`, all of it the test split: to measure a finished model. "
        "Short for `source: {test: FILE}`. Nothing can be trained on it.",
    )
    subset: str | None = Field(
        None, description="Configuration of a hub data set, for example `sst2` of `nyu-mll/glue`."
    )
    revision: str | None = Field(None, description="Commit of a hub data set; pin it to make the run repeatable.")
    sha256: Sha256 | None = Field(
        None,
        description="Digest of the file (of the archive, for `wheel://` and `sdist://`); another content is refused.",
    )
    format: Literal["csv", "tsv", "jsonl", "json", "parquet", "conll", "conllu", "squad"] | None = Field(
        None, description="File format, where neither the name nor the first lines tell."
    )
    delimiter: Delimiter | None = Field(
        None, description="What separates the fields of a csv or tsv file: one character, for example ';'."
    )
    header: bool = optional(
        "Whether the first row of a csv or tsv file names its columns; without, they are numbers counted from 1: "
        "{text: 2, label: 1}.",
        True,
    )
    columns: dict[str, ColumnName | tuple[ColumnName, ...]] = Field(
        default_factory=dict,
        description="Which column plays which role of the task, for example {text: review, label: stars}. A list gives "
        "one column for each label or number: {label: [toxic, obscene]}. Of a CoNLL file and with `header: false`, "
        "columns are numbers counted from 1. Left out: columns are called like their roles.",
    )
    labels: tuple[str, ...] | dict[str, str] | None = Field(
        None,
        description="The labels, in the order of the model's outputs; or a mapping from the value in the file to the "
        "label's name, {0: negative, 1: positive}. Left out: found in the training split, sorted. For tagged text, the "
        "types of its spans.",
    )
    labelled: tuple[Literal["train", "validation", "test"], ...] | None = optional(
        "Splits whose labels are used; left out: all. The texts of the others are for a teacher that needs no labels; "
        "`[test]` keeps the labels for the last figure, `[]` reads none. Then `labels` names them."
    )
    label_separator: Annotated[str, Field(min_length=1)] | None = Field(
        None, description="What separates several labels in one field, for example ','. Lists need none."
    )
    drop_labels: tuple[str, ...] = Field(
        (),
        description="Labels whose rows are left out on purpose; they are counted in the report. For tagged text, types "
        "of spans that are left out of their texts.",
    )
    split: SplitSection = Field(default_factory=SplitSection, description="How the splits are made.")
    duplicates: Literal["drop", "error"] = Field(
        "drop",
        description="The same text twice, or in two splits: `drop` the copies (evaluation splits are kept whole, the "
        "training copy goes) and count them, or stop with an `error`.",
    )
    max_rejected: Annotated[float, Field(ge=0, le=1)] = Field(
        0.05, description="Stop when more than this share of the rows lacks a text or has an unknown label."
    )
    max_length: Annotated[int, Field(ge=4)] = Field(
        128, description="Texts are cut to this many tokens, in training and in the bundle."
    )
    limit: Annotated[int, Field(ge=1)] | None = Field(
        None,
        description="Use only this many rows of each split of the source (seeded sample): for a quick trial.",
    )

    balance: BalanceSection | None = optional(
        "Groups of training texts that are to count alike: a remedy where an audit finds one that is answered worse."
    )
    unlabelled: UnlabelledSection | Annotated[tuple[UnlabelledSection, ...], Field(min_length=1)] | None = optional(
        "More text of the same domain: the teacher labels it, and the student trains on it beside the training split. "
        "A list reads several sources; a text that stands in two of them is taken from the first."
    )
    augment: AugmentSection | None = optional("Changed copies of the training texts, for the teacher to label.")
    generate: GenerateSection | None = optional("Texts that a language model writes, for the teacher to label.")

    @property
    def more(self) -> tuple[MoreTexts, ...]:
        """Every source of texts that only the teacher labels."""
        return tuple(self._more())

    def _more(self) -> Iterator[MoreTexts]:
        if isinstance(self.unlabelled, tuple):
            for index, section in enumerate(self.unlabelled):
                path = f"data.unlabelled.{index}"
                yield MoreTexts(_called(section, str(index + 1) if index else None), path, section)
        elif self.unlabelled is not None:
            yield MoreTexts(_called(self.unlabelled, None), "data.unlabelled", self.unlabelled)
        if self.augment is not None:
            yield MoreTexts("augment", "data.augment", self.augment)
        if self.generate is not None:
            yield MoreTexts("generate", "data.generate", self.generate)

    @property
    def references(self) -> dict[str, str]:
        """Split -> where its text is. A single source that isn't split yet counts as `train`."""
        if self.test is not None:
            return {"test": self.test}
        if isinstance(self.source, dict):
            return self.source
        return {} if self.source is None else {"train": self.source}

    @property
    def test_only(self) -> bool:
        """Whether it is a test set, with nothing to train on."""
        return set(self.references) == {"test"} and self.split.train != "test"


def _called(section: UnlabelledSection, otherwise: str | None) -> str:
    """The name of the stage that reads a source."""
    name = section.name or otherwise
    return f"unlabelled-{name}" if name else "unlabelled"
