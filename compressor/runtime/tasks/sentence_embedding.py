"""Sentence embedding: a text as a vector, so that texts of like meaning have vectors of like direction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from compressor.errors import BundleError, DataError
from compressor.runtime.encoder import Encoder
from compressor.runtime.outputs import Array, Outputs, Ragged
from compressor.runtime.tasks.base import (
    NO_OPTIONS,
    Answer,
    Constant,
    Encoded,
    Example,
    FloatArray,
    Metric,
    Replies,
    RuntimeTask,
    Settings,
    mean_metric,
)
from compressor.task_specs import ChoiceSpec, MetricSpec, OutputSpec, TaskSpec

__all__ = [
    "DIMENSIONS",
    "OUTPUT",
    "POOLING",
    "POOLINGS",
    "SPEC",
    "TASK",
    "Embedding",
    "SentenceEmbedding",
    "Similarity",
    "search",
]

OUTPUT = "last_hidden_state"
"""The model's output, a vector a token. What `reduce` keeps under this name is the vector of the text."""
POOLING, DIMENSIONS = "pooling", "dimensions"
"""Options: how vectors of tokens become one, and how many of its numbers are kept."""
POOLINGS = ("mean", "cls")
DIGITS = 5
"""Of a vector's numbers in answers that are kept for comparison."""
RANKS = (1, 5, 10)

SPEC = TaskSpec(
    name="sentence-embedding",
    title="Sentence embedding",
    roles=("text",),
    optional_roles=("text_pair", "score"),
    target_role="score",
    target="score",
    outputs=(OutputSpec(OUTPUT, "vector"),),
    auto_class="AutoModel",
    metrics=(
        MetricSpec("spearman", "Spearman correlation", unit="number"),
        MetricSpec("pearson", "Pearson correlation", unit="number"),
        *(MetricSpec(f"recall_at_{rank}", f"recall at {rank}") for rank in RANKS),
        MetricSpec("mrr", "mean reciprocal rank", unit="number"),
        MetricSpec("teacher_similarity", "similarity to the teacher"),
    ),
    pipeline_tag="feature-extraction",
    named_outputs=False,
    single_or_pair=True,
    choices=(
        ChoiceSpec(POOLING, "how vectors of tokens become one", POOLINGS),
        ChoiceSpec(DIMENSIONS, "how many numbers of a vector are kept, from its beginning"),
    ),
)


@dataclass(frozen=True)
class Embedding(Answer):
    """The answer to a text."""

    vector: tuple[float, ...]
    """Of length 1."""

    @property
    def brief(self) -> str:
        more = f", ... ({len(self.vector)})" if len(self.vector) > 3 else ""
        return ", ".join(f"{value:.3f}" for value in self.vector[:3]) + more


@dataclass(frozen=True)
class Similarity(Answer):
    """The answer to a pair of texts."""

    score: float
    """Cosine of their vectors, -1 to 1."""

    @property
    def brief(self) -> str:
        return f"{self.score:.3f}"


@dataclass(frozen=True)
class _Compared(Similarity):
    """A similarity that remembers the vectors it is of: two models are compared by these."""

    vectors: tuple[tuple[float, ...], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {"score": self.score}


def search(vectors: Array, query: Array, k: int = 10) -> list[tuple[int, float]]:
    """The `k` of some vectors [texts, dimensions] that are most like `query` [dimensions]: (its row, cosine), the most
    alike first. It looks at all of them, which suits up to some hundred thousand.
    """
    cosines = _unit(vectors) @ _unit(np.asarray(query))
    order = np.argsort(-cosines, kind="stable")[: max(k, 0)]
    return [(int(row), float(cosines[row])) for row in order]


def spearman(rows: FloatArray) -> float:
    """Pearson correlation of ranks, equal values sharing their mean rank; rows are (cosine, score) [examples, 2]."""
    return pearson(np.stack([_ranks(rows[:, 0]), _ranks(rows[:, 1])], axis=1)) if len(rows) else float("nan")


def pearson(rows: FloatArray) -> float:
    """Correlation of cosine and score [examples, 2]; 0 where one of them is the same everywhere."""
    if not len(rows):
        return float("nan")
    centred = rows - rows.mean(axis=0)
    sizes = np.sqrt((centred**2).sum(axis=0))
    return float(np.prod(centred, axis=1).sum() / np.prod(sizes)) if np.all(sizes > 1e-12) else 0.0


def _recall(rank: int) -> Metric:
    return Metric(
        lambda rows: float((rows[:, 0] <= rank).mean()) if len(rows) else float("nan"),
        lambda rows: np.asarray(rows[:, 0] <= rank, dtype=np.float64),
        right_or_wrong=True,
    )


def _ranks(values: FloatArray) -> FloatArray:
    """Place of each value in ascending order, from 1; equal values share the mean of theirs."""
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray(((last - counts + 1 + last) / 2)[group], dtype=np.float64)


def _closeness(rows: FloatArray) -> FloatArray:
    """How near each cosine's rank is to its score's: minus their distance as a share of all [examples]."""
    return np.asarray(-np.abs(_ranks(rows[:, 0]) - _ranks(rows[:, 1])) / max(1, len(rows)))


class SentenceEmbedding(RuntimeTask):
    """Vectors of tokens pooled to one vector a text, cut to `dimensions`, and scaled to length 1 [rows, dimensions]."""

    spec: ClassVar[TaskSpec] = SPEC
    graded: ClassVar[bool] = True
    metrics: ClassVar[Mapping[str, Metric]] = {
        "spearman": Metric(spearman, _closeness),
        "pearson": Metric(pearson, _closeness),
        **{f"recall_at_{rank}": _recall(rank) for rank in RANKS},
        "mrr": Metric(
            lambda rows: float((1 / rows[:, 0]).mean()) if len(rows) else float("nan"),
            lambda rows: np.asarray(1 / rows[:, 0]),
        ),
        "teacher_similarity": mean_metric(),
    }

    def encode(self, encoder: Encoder, examples: Sequence[Example]) -> Encoded:
        """Each text alone: two rows for a pair."""
        texts = [[example[role] for role in self.spec.text_roles if role in example] for example in examples]
        owners = np.repeat(np.arange(len(examples), dtype=np.int64), [len(own) for own in texts])
        flat = [text for own in texts for text in own]
        return Encoded(examples, encoder.rows(flat) if flat else [], owners)

    def reduce(
        self,
        arrays: Sequence[Array],
        encoded: Encoded,
        *,
        pads_left: bool = False,
        options: Mapping[str, Any] = NO_OPTIONS,
    ) -> dict[str, Ragged]:
        (hidden,) = arrays
        lengths = np.array([len(row) for row in encoded.rows])
        places = np.arange(hidden.shape[1])
        first = hidden.shape[1] - lengths if pads_left else np.zeros_like(lengths)
        attended = (places >= first[:, None]) & (places < (first + lengths)[:, None])
        if _pooling(options) == "cls":
            pooled = hidden[np.arange(len(hidden)), first]
        else:
            pooled = (hidden * attended[..., None]).sum(axis=1) / lengths[:, None]
        return {OUTPUT: Ragged(_unit(pooled[:, : options.get(DIMENSIONS)]).astype(np.float32))}

    def decode(self, outputs: Outputs, encoded: Encoded, settings: Settings) -> list[Answer]:
        vectors = _unit(outputs[OUTPUT].values)
        return [self._answer(vectors[encoded.rows_of(example)]) for example in range(len(encoded.examples))]

    def _answer(self, vectors: FloatArray) -> Answer:
        found = tuple(tuple(map(float, vector)) for vector in vectors)
        return Embedding(found[0]) if len(found) == 1 else _Compared(float(vectors[0] @ vectors[1]), found)

    def target(self, value: Any, settings: Settings) -> float:
        try:
            score = float(value)
        except (TypeError, ValueError):
            score = float("nan")
        if not np.isfinite(score):
            raise DataError(f"{str(value)[:80]!r} is not a score.", hint="Give a number for every pair.")
        return score

    def statistics(
        self, outputs: Outputs, encoded: Encoded, targets: Sequence[Any], settings: Settings
    ) -> dict[str, FloatArray]:
        """Of pairs with a score (cosine, score) [examples, 2]; of pairs without one the rank of the right second text
        among those of all examples [examples, 1]; of single texts nothing."""
        vectors = _unit(outputs[OUTPUT].values)
        if len(vectors) != 2 * len(encoded.examples) or not len(vectors):
            return {}
        first, second = vectors[0::2], vectors[1::2]
        if len(targets):
            cosines = (first * second).sum(axis=1)
            rows = np.stack([cosines, np.asarray(targets, dtype=np.float64)], axis=1)
            return {"spearman": rows, "pearson": rows}
        ranks = _ranks_of_right(first, second)[:, None]
        return dict.fromkeys((*(f"recall_at_{rank}" for rank in RANKS), "mrr"), ranks)

    def constant(self, targets: Sequence[Any], settings: Settings) -> Constant | None:
        """The same vector for every text, and so the same cosine for every pair: no correlation with the scores."""
        if not len(targets):
            return None
        rows = np.stack([np.ones(len(targets)), np.asarray(targets, dtype=np.float64)], axis=1)
        return Constant("the same vector", {"spearman": rows, "pearson": rows})

    def keys(self, answers: Sequence[Answer]) -> list[Any]:
        """The vectors of each example: one, or two of a pair."""
        return [[[round(value, DIGITS) for value in vector] for vector in _vectors(answer)] for answer in answers]

    def compared(self, model: Replies, teacher: Replies) -> dict[str, FloatArray]:
        """The mean cosine to the teacher's vectors [examples, 1]; nothing where they have another width."""
        cosines = _cosines(model.keys, teacher.keys)
        return {} if cosines is None else {"teacher_similarity": cosines[:, None]}

    def agreement(self, keys: Sequence[Any], reference: Sequence[Any]) -> float | None:
        """Mean cosine of the vectors; None where they have another width."""
        cosines = _cosines(keys, reference)
        return None if cosines is None else float(cosines.mean())

    def output_names(self, labels: Sequence[str], details: Mapping[str, Any]) -> list[str]:
        return []


def _pooling(options: Mapping[str, Any]) -> str:
    pooling = options.get(POOLING, POOLINGS[0])
    if pooling not in POOLINGS:
        raise BundleError(f"The pooling {pooling!r} isn't known.", hint=f"It is one of {', '.join(POOLINGS)}.")
    return str(pooling)


def _unit(vectors: Array) -> FloatArray:
    """Scaled to length 1 along the last axis; a vector of zeros stays."""
    values = np.asarray(vectors, dtype=np.float64)
    scaled: FloatArray = values / np.maximum(np.linalg.norm(values, axis=-1, keepdims=True), 1e-12)
    return scaled


def _vectors(answer: Answer) -> Sequence[Sequence[float]]:
    if isinstance(answer, Embedding):
        return (answer.vector,)
    assert isinstance(answer, _Compared)
    return answer.vectors


def _cosines(mine: Sequence[Any], theirs: Sequence[Any]) -> FloatArray | None:
    """Mean cosine of the vectors of each example [examples]."""
    if not mine or len(mine[0][0]) != len(theirs[0][0]):
        return None
    found = [
        float((_unit(np.asarray(a)) * _unit(np.asarray(b))).sum(axis=-1).mean())
        for a, b in zip(mine, theirs, strict=True)
    ]
    return np.asarray(found)


def _ranks_of_right(first: FloatArray, second: FloatArray) -> FloatArray:
    """Place of each example's own second text among all of them, by cosine, from 1: a text as alike as the right one
    counts as before it."""
    ranks = np.empty(len(first))
    for start in range(0, len(first), 1024):
        cosines = first[start : start + 1024] @ second.T
        right = cosines[np.arange(len(cosines)), start + np.arange(len(cosines))]
        ranks[start : start + 1024] = (cosines >= right[:, None] - 1e-9).sum(axis=1)
    return ranks


TASK = SentenceEmbedding()
