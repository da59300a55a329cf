"""What every evaluation reads and keeps to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np

from compressor.bench.judged import Judged
from compressor.bench.statistics import FloatArray, bootstrap_mean
from compressor.report import format as fmt
from compressor.report.blocks import Finding
from compressor.runtime.tasks import Example, RuntimeTask

__all__ = [
    "LEVEL",
    "PLACES",
    "Answered",
    "Ask",
    "Audit",
    "Canaries",
    "Carried",
    "Evaluation",
    "Inquiry",
    "JudgedSplit",
    "Texts",
    "draws_for",
    "mean_share",
    "right_answer",
    "scores_of",
    "shortened_line",
    "shown_text",
]


class Ask(Protocol):
    """A model that is at hand, and can be asked more than the test split."""

    def __call__(self, examples: Sequence[Example], targets: Sequence[Any] | None = None) -> Judged:
        """What it answers, each text alone as a bundle does; scored where `targets` are given."""


@dataclass(frozen=True)
class Answered:
    """A model and what it answered to the test split."""

    name: str
    """As reports call it: `onnx int8`."""
    judged: Judged
    colour: str = "v0"
    """Of its curves, a name of the style sheet."""
    ask: Ask | None = None
    """None where only its stored answers are there."""


@dataclass(frozen=True)
class Texts:
    """Examples of another file than the test split's."""

    examples: Sequence[Example]
    targets: Sequence[Any] = ()
    """As a prepared split holds them; none where they aren't known."""


@dataclass(frozen=True)
class Canaries:
    """Random texts, some of which were planted among the training texts."""

    planted: Texts
    """With the random labels that they were given."""
    others: Sequence[Example]
    """Drawn alike, and never trained on."""
    repeats: int
    """How often each planted one was there."""


@dataclass(frozen=True)
class Carried:
    """What a bundle has of texts, and goes where the bundle goes."""

    examples: Sequence[Example]
    """Texts of the data with which it is tested where it is used."""
    reports: Sequence[str] = ()
    """Files beside it that show texts of the data."""


@dataclass(frozen=True)
class Inquiry:
    """What an audit may look at beside the answers, and how far it goes."""

    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Further columns of the test split, a value an example, to cut it into slices by."""
    slices: tuple[str, ...] = ()
    """Names of columns whose values are groups, or `NAME=REGULAR EXPRESSION` over the texts."""
    terms: tuple[tuple[str, ...], ...] = ()
    """Words that name groups of people, a tuple for each group of exchangeable ones: ("he", "she")."""
    training: Texts | None = None
    """What the models were trained on, or a part of it."""
    corpora: Mapping[str, Iterable[Example]] = field(default_factory=dict)
    """All of it, by what it is called; first what wasn't made by a program. Read once, an example at a time."""
    validation: Sequence[Example] = ()
    """Texts that trainings, variants and thresholds were chosen by."""
    canaries: Canaries | None = None
    """What was planted in it."""
    outside: Texts | None = None
    """Texts of another domain."""
    carried: Carried | None = None
    """What the bundle has of texts; None where no bundle is audited."""
    texts: int = 300
    """Test texts that are asked in changed forms, at most."""
    synonyms: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Word in small letters -> words that mean the same."""
    attack: int = 0
    """Test texts that are attacked, at most; 0: none."""
    attack_queries: int = 200
    """Questions to the model for each of these, at most."""
    seed: int = 13
    """Random seed of all that is drawn."""


@dataclass(frozen=True)
class JudgedSplit:
    """The test split, its right answers, and what the shipped variant and the model beside it answered."""

    task: RuntimeTask
    labels: tuple[str, ...]
    """Names of the outputs' last dimension; none where they have no names."""
    examples: Sequence[Example]
    targets: Sequence[Any]
    """As a prepared split holds them."""
    model: Answered
    """The variant that ships."""
    reference: Answered | None = None
    """The reference model: the teacher; without one, the model in PyTorch."""
    others: tuple[Answered, ...] = ()
    """Further models to be shown, such as the student in PyTorch where the reference is the teacher."""
    show_examples: bool = True
    """Whether findings may hold texts of the split."""
    inquiry: Inquiry | None = None
    """None in the report of a run; an audit has one."""

    @property
    def models(self) -> tuple[Answered, ...]:
        """The shipped variant, and the model beside it where there is one."""
        return (self.model,) if self.reference is None else (self.model, self.reference)

    @property
    def all_models(self) -> tuple[Answered, ...]:
        """These, and further ones, which figures are shown of; sentences compare the first two."""
        return (*self.models, *self.others)


class Evaluation(ABC):
    """Finds out one thing about the answers. A file of this folder names one as `EVALUATION`."""

    order: ClassVar[int] = 100
    """Reports show findings in ascending order; those built in have 10 to 40, those of audits 50 to 99."""

    @abstractmethod
    def applies(self, split: JudgedSplit) -> bool:
        """Whether what it needs is there: a kind of target, scores of labels, a second model."""

    @abstractmethod
    def run(self, split: JudgedSplit) -> Finding:
        """A section of the report. Called where `applies` says so."""


class Audit(Evaluation):
    """An evaluation that is made when a model is audited: it asks the model again, or needs more than the test split.

    Where something is missing, the audit says what.
    """

    title: ClassVar[str]
    """What is found out, as the heading of its section."""

    def applies(self, split: JudgedSplit) -> bool:
        return split.inquiry is not None and self.missing(split, split.inquiry) is None

    def run(self, split: JudgedSplit) -> Finding:
        assert split.inquiry is not None
        return self.examine(split, split.inquiry)

    def figures(self, inquiry: Inquiry) -> tuple[str, ...]:
        """Keys of the figures that it may find, for gates; one that ends with a dot stands for all that begin so."""
        return ()

    @abstractmethod
    def missing(self, split: JudgedSplit, inquiry: Inquiry) -> str | None:
        """What keeps it from being made, as a sentence that says what to give; None where nothing does."""

    @abstractmethod
    def examine(self, split: JudgedSplit, inquiry: Inquiry) -> Finding:
        """The section. Called where nothing is missing."""


LEVEL = 0.001
"""Chance of any false alarm among all that one kind of sentence looks at (attacks, changes, groups), at most. An audit
has seven kinds of sentences that say something is bad beyond chance, so that of a model without faults at most one
audit in a hundred has one of them."""
PLACES = ("tags", "spans")
"""Kinds of targets that point into the text, and so move when it changes."""
LONGEST = 240
"""Characters of a text that are shown."""


def shown_text(example: Example, roles: Sequence[str]) -> str:
    """An example's texts behind each other, each cut where it is long."""
    return " | ".join(shortened_line(str(example[role])) for role in roles if role in example)


def shortened_line(text: str) -> str:
    """A text on one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."


def scores_of(answered: Answered, labels: Sequence[str]) -> FloatArray | None:
    """Probability of every label [examples, labels]; None where the answers have no such `scores`."""
    scores = [getattr(answer, "scores", None) for answer in answered.judged.answers]
    if not labels or not all(isinstance(row, Mapping) and all(label in row for label in labels) for row in scores):
        return None
    return np.asarray([[row[label] for label in labels] for row in scores if row], dtype=np.float64)


def draws_for(tests: int) -> int:
    """Draws of a permutation test that is one of so many: enough for a p-value well below `LEVEL` after correction."""
    return round(10 * max(1, tests) / LEVEL)


def mean_share(shares: FloatArray, *, seed: int) -> str:
    """The mean of shares [n] with its 95% interval: 12.0% (7.5% to 17.1%)."""
    interval = bootstrap_mean(shares, seed=seed)
    return f"{fmt.percent(float(shares.mean()))} ({fmt.percent(interval.low)} to {fmt.percent(interval.high)})"


def right_answer(split: JudgedSplit, example: int) -> str | None:
    """The right answer in words; None where its kind can't be said briefly."""
    target = split.targets[example]
    match split.task.spec.target:
        case "one-label":
            return split.labels[int(target)]
        case "many-labels":
            return ", ".join(name for name, has in zip(split.labels, target, strict=True) if has) or "(none)"
        case "number" | "score":
            return ", ".join(f"{value:g}" for value in np.ravel(target))
        case _:
            return None
