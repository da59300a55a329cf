"""What a task is at run time: texts to rows of tokens, outputs to answers, answers to figures. numpy only."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from compressor.errors import BundleError
from compressor.runtime.encoder import Encoder, Inputs, Row
from compressor.runtime.outputs import Array, Outputs, Ragged
from compressor.runtime.samples import SAMPLES
from compressor.task_specs import MetricSpec, TaskSpec

__all__ = ["Answer", "Constant", "Encoded", "Example", "FloatArray", "Metric", "Replies", "RuntimeTask", "Settings"]

FloatArray = npt.NDArray[np.floating[Any]]
Example = Mapping[str, Any]
"""Role -> its text. Rows of a prepared split also hold the target's value."""
NO_OPTIONS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Answer(ABC):
    """The answer to one example; each task has its own fields."""

    @property
    @abstractmethod
    def brief(self) -> str:
        """The answer in a word or two, for tables."""

    @property
    def shown(self) -> str:
        """The same for people, with what they should know of it."""
        return self.brief

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Settings:
    """What a bundle knows of its answers beside the model."""

    labels: tuple[str, ...] = ()
    """Names of the outputs' last dimension, in order; none where it has no names."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The task's own: thresholds, for example."""
    unsure: float | None = None
    """Probability below which an answer is called unsure; None: answers don't say."""


@dataclass(frozen=True)
class Encoded:
    """Examples as rows of tokens. A long example may be several rows."""

    examples: Sequence[Example]
    rows: Sequence[Row]
    example_of_row: npt.NDArray[np.int64]
    """Position in `examples` of each row [rows], ascending."""

    def inputs(self, encoder: Encoder) -> Inputs:
        """All rows as one padded batch."""
        return encoder.pad(self.rows)

    def rows_of(self, example: int) -> list[int]:
        """The rows that an example became."""
        first, last = np.searchsorted(self.example_of_row, (example, example + 1))
        return list(range(int(first), int(last)))


@dataclass(frozen=True)
class Replies:
    """What a model made of examples, to be compared with what another one made of them."""

    outputs: Outputs
    keys: Sequence[Any]
    """Of the answers, as `RuntimeTask.keys` gives them."""


@dataclass(frozen=True)
class Constant:
    """What a model comes to that gives every example the same answer."""

    answer: str
    """In words that fit behind "always giving": `'fresh'`, `no answer`."""
    statistics: Mapping[str, FloatArray]
    """Metric -> statistics [examples, k]."""


@dataclass(frozen=True)
class Metric:
    """How a figure comes from what was found for each example (its sufficient statistics)."""

    value: Callable[[FloatArray], float]
    """Statistics of any choice of examples [examples, k] -> the figure. Called for every bootstrap resample."""
    example_scores: Callable[[FloatArray], FloatArray]
    """Statistics [examples, k] -> how well each example was answered [examples], higher is better."""
    right_or_wrong: bool = False
    """Whether an example's score is 1 or 0, so that McNemar's test applies."""
    is_mean: bool = False
    """Whether the figure is the mean of the only column of the statistics."""


def mean_metric(*, right_or_wrong: bool = False, sign: float = 1.0) -> Metric:
    """The mean of one number an example [examples, 1]; `sign` is -1 where a lower number is better."""
    return Metric(
        value=lambda rows: float(rows[:, 0].mean()) if len(rows) else float("nan"),
        example_scores=lambda rows: sign * rows[:, 0],
        right_or_wrong=right_or_wrong,
        is_mean=sign > 0,
    )


class RuntimeTask(ABC):
    """A task without training: the same code encodes and scores texts in training, in benchmarks and on a device."""

    spec: ClassVar[TaskSpec]
    graded: ClassVar[bool] = False
    """Whether two answers are more or less alike, rather than the same or not."""
    metrics: ClassVar[Mapping[str, Metric]]
    """By the names of `spec.metrics`."""

    def samples(self, roles: Sequence[str]) -> list[dict[str, str]]:
        """Examples to try a model on where there is no data: built-in sentences, each with the next as second text."""
        return [
            {role: SAMPLES[(i + place) % len(SAMPLES)] for place, role in enumerate(roles)} for i in range(len(SAMPLES))
        ]

    def encode(self, encoder: Encoder, examples: Sequence[Example]) -> Encoded:
        """Rows of the examples; by default one each, of its text or pair of texts."""
        first, *others = self.spec.text_roles
        texts = [example[first] for example in examples]
        second = next((role for role in others if examples and role in examples[0]), None)
        pairs = None if second is None else [example[second] for example in examples]
        return Encoded(examples, encoder.rows(texts, pairs), np.arange(len(examples), dtype=np.int64))

    def reduce(
        self,
        arrays: Sequence[Array],
        encoded: Encoded,
        *,
        pads_left: bool = False,
        options: Mapping[str, Any] = NO_OPTIONS,
    ) -> dict[str, Ragged]:
        """A padded batch's raw outputs, in the order of the spec, as what of each row is kept: by default all of it but
        the padding. A task may keep less: the first token of each word, or the mean over tokens; `options` are the
        model's own.
        """
        found = {}
        for output, array in zip(self.spec.outputs, arrays, strict=True):
            if output.per_token:
                rows = [
                    array[i, -len(row) :] if pads_left else array[i, : len(row)] for i, row in enumerate(encoded.rows)
                ]
                found[output.name] = Ragged.of(rows, ragged=True)
            else:
                found[output.name] = Ragged(array)
        return found

    @abstractmethod
    def decode(self, outputs: Outputs, encoded: Encoded, settings: Settings) -> Sequence[Answer]:
        """The answer to every example.

        Raises:
            BundleError: the outputs don't fit the settings, labels for example.
        """

    @abstractmethod
    def target(self, value: Any, settings: Settings) -> Any:
        """A right answer as it stands in a file, as a prepared split holds it.

        Raises:
            DataError: the model can't give this answer, or it isn't one.
        """

    @abstractmethod
    def statistics(
        self, outputs: Outputs, encoded: Encoded, targets: Sequence[Any], settings: Settings
    ) -> dict[str, FloatArray]:
        """Metric -> statistics [examples, k] of these outputs, with `targets` as a prepared split holds them: none
        where the data has no right answers. A metric that these examples don't allow is left out."""

    def constant(self, targets: Sequence[Any], settings: Settings) -> Constant | None:
        """The same answer to every example, the best one by the main metric: a model that does no better has learned
        nothing. None where there is no such answer, or `targets` is empty. By default there is none.

        Args:
            targets: the right answers as a prepared split holds them.
            settings: only its labels are read.
        """
        return None

    def keys(self, answers: Sequence[Answer]) -> list[Any]:
        """What of each answer must be the same for two models to agree, as plain data; by default its brief form."""
        return [answer.brief for answer in answers]

    def agreement(self, keys: Sequence[Any], reference: Sequence[Any]) -> float | None:
        """How far two models' answers are the same, 0 to 1: by default the share of examples with equal keys. None
        where such answers can't be compared."""
        return float(np.mean([mine == other for mine, other in zip(keys, reference, strict=True)]))

    def compared(self, model: Replies, teacher: Replies) -> dict[str, FloatArray]:
        """Metric -> statistics [examples, k] of metrics that judge a model by its teacher; by default there are
        none."""
        return {}

    def tune(self, outputs: Outputs, encoded: Encoded, targets: Sequence[Any], settings: Settings) -> dict[str, Any]:
        """Options chosen on validation outputs: a threshold, for example. By default there are none."""
        return {}

    def output_names(self, labels: Sequence[str], details: Mapping[str, Any]) -> list[str]:
        """Names of the outputs' last dimension for a data set's labels, by default these themselves; `details` is what
        `prepared.json` says of the data."""
        return list(labels)

    def class_counts(self, statistics: Mapping[str, FloatArray], settings: Settings) -> dict[str, tuple[int, int, int]]:
        """How often each class was answered rightly, wrongly and not where it should have been: true positives, false
        positives, false negatives. By default a task has no classes."""
        return {}

    def values(self, statistics: Mapping[str, FloatArray]) -> dict[str, float]:
        """Every metric that has statistics, the main one first."""
        known = (metric.name for metric in self.spec.metrics if metric.name in statistics)
        return {name: self.metrics[name].value(statistics[name]) for name in known}

    def main_metric(self, statistics: Collection[str]) -> MetricSpec | None:
        """The metric to judge by among those that have statistics; None where none has."""
        able = (metric for metric in self.spec.metrics if not metric.only_beside)
        return next((metric for metric in able if metric.name in statistics), None)

    def figures(
        self, outputs: Outputs, encoded: Encoded, targets: Sequence[Any], settings: Settings
    ) -> dict[str, float]:
        """Every metric of these outputs, the main one first."""
        return self.values(self.statistics(outputs, encoded, targets, settings))


def names_of(outputs: Array, settings: Settings) -> tuple[str, ...]:
    """Names of the last dimension: the labels, or its numbers where a bare model names none.

    Raises:
        BundleError: there are more or fewer labels than outputs.
    """
    width = outputs.shape[-1]
    if settings.labels and width != len(settings.labels):
        message = f"The model gives {width} outputs and {len(settings.labels)} labels are named."
        raise BundleError(message, hint="Its labels are another model's: get it again.")
    return settings.labels or tuple(map(str, range(width)))


def softmax(logits: Array) -> FloatArray:
    """Probabilities along the last axis, in double precision."""
    return np.exp(log_softmax(logits))


def log_softmax(logits: Array) -> FloatArray:
    """Logarithms of the probabilities along the last axis, in double precision."""
    values = np.asarray(logits, dtype=np.float64)
    shifted = values - values.max(axis=-1, keepdims=True)
    logarithms: FloatArray = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return logarithms
