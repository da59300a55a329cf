"""Which of many labelled texts are worth training on: by how sure the teacher is, and by how they differ."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from compressor.errors import DataError
from compressor.recipe.augment import SelectSection

__all__ = ["Chosen", "choose_rows", "cluster", "confidence", "uncertainty"]

Floats = npt.NDArray[np.float32]
Likelihood = Literal["categorical", "bernoulli"]

_BATCH = 4096
_SAMPLE = 10_000
"""Texts that clusters are found by."""
_STARTS, _ROUNDS = 2, 20
_FEATURES = 1 << 14
"""Numbers that a text is described by: hashes of its words and pairs of words."""


@dataclass(frozen=True)
class Chosen:
    """Which rows were chosen, and how many weren't."""

    rows: npt.NDArray[np.int64]
    """Row numbers, ascending."""
    unsure: int
    """Rows below `min_confidence`."""
    clusters: int | None = None
    """Clusters that the rows were shared out by."""

    def facts(self, count: int) -> dict[str, Any]:
        """Counts for the report, of so many rows."""
        found = {"of": count, "kept": len(self.rows), "below_min_confidence": self.unsure}
        return found if self.clusters is None else found | {"clusters": self.clusters}


def choose_rows(
    section: SelectSection,
    logits: npt.NDArray[Any],
    *,
    likelihood: str,
    seed: int,
    texts: Sequence[str] | None = None,
    offsets: npt.NDArray[np.int64] | None = None,
) -> Chosen:
    """Choose rows by the teacher's outputs. Both outputs and texts are read a batch at a time.

    Args:
        logits: the teacher's outputs [rows, classes]; with `offsets` those of all tokens [tokens, classes].
        likelihood: what their last dimension means, as in `OutputSpec`.
        texts: the texts of the rows, for `diversity`; only slices of it are read.
        offsets: where each row's tokens begin, and the end of the last [rows + 1].

    Raises:
        DataError: outputs that are no classes, or no row above `min_confidence`.
    """
    if likelihood not in ("categorical", "bernoulli"):
        raise DataError(
            "Choosing texts by the teacher's confidence needs answers with probabilities, which this task has none of.",
            hint="Leave data.select out.",
        )
    kind: Likelihood = "categorical" if likelihood == "categorical" else "bernoulli"
    sure = confidence(logits, kind, offsets)
    rows = np.flatnonzero(sure >= section.min_confidence)
    if not len(rows):
        raise DataError(
            f"The teacher is never surer than {sure.max(initial=0):.3f}, and data.select.min_confidence is "
            f"{section.min_confidence}.",
            hint="Lower it.",
        )
    if section.keep is None:
        return Chosen(rows, len(sure) - len(rows))
    keep = section.keep if isinstance(section.keep, int) else max(1, round(section.keep * len(sure)))
    random = np.random.default_rng(seed + section.seed)
    # Among equals chance decides, not the order of the rows.
    rows = random.permutation(rows)
    if section.by == "confidence":
        rows = rows[np.argsort(-sure[rows], kind="stable")]
    elif section.by != "diversity":
        unsure = uncertainty(logits, kind, section.measure, offsets)
        rows = rows[np.argsort(-unsure[rows], kind="stable")]
    clusters = None
    if "diversity" in section.by:
        if texts is None:
            raise ValueError("diversity needs the texts")
        clusters = min(section.clusters, len(rows))
        rows = _by_turns(rows, cluster(texts, clusters, seed + section.seed))
    return Chosen(np.sort(rows[:keep]), len(sure) - int((sure >= section.min_confidence).sum()), clusters)


def confidence(
    logits: npt.NDArray[Any], likelihood: Likelihood, offsets: npt.NDArray[np.int64] | None = None
) -> Floats:
    """Probability of the likeliest answer of each row [rows]; of several yes-or-no answers, or of tokens, the mean."""
    return _of_rows(logits, likelihood, offsets, lambda shares: shares.max(axis=-1))


def uncertainty(
    logits: npt.NDArray[Any],
    likelihood: Likelihood,
    measure: Literal["entropy", "margin"] = "entropy",
    offsets: npt.NDArray[np.int64] | None = None,
) -> Floats:
    """How unsure the teacher is of each row [rows]: between 0 and 1, of tokens and of yes-or-no answers the mean.

    The entropy over its highest possible value, or one less the margin between the two likeliest answers (Settles 2009,
    "Active Learning Literature Survey", section 3.1).
    """

    def entropy(shares: Floats) -> Floats:
        logs = np.log(np.clip(shares, 1e-12, 1))
        return np.asarray(-(shares * logs).sum(axis=-1) / np.log(max(2, shares.shape[-1])), np.float32)

    def margin(shares: Floats) -> Floats:
        ordered = np.sort(shares, axis=-1)
        second = ordered[..., -2] if shares.shape[-1] > 1 else np.zeros_like(ordered[..., -1])
        return np.asarray(1 - (ordered[..., -1] - second), np.float32)

    return _of_rows(logits, likelihood, offsets, entropy if measure == "entropy" else margin)


def cluster(texts: Sequence[str], count: int, seed: int) -> npt.NDArray[np.int32]:
    """Put texts that share words into one of `count` clusters [texts].

    k-means on hashed words and pairs of words, weighted by TF-IDF. Centres are found on a sample, so that memory holds
    that, a batch, and a number a text.
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

    hashes = HashingVectorizer(n_features=_FEATURES, ngram_range=(1, 2), alternate_sign=False, norm=None)
    chosen = np.arange(len(texts))
    if len(texts) > _SAMPLE:
        chosen = np.sort(np.random.default_rng(seed).choice(len(texts), _SAMPLE, replace=False))
    sample = hashes.transform(_at(texts, chosen))
    weights = TfidfTransformer().fit(sample)
    means = KMeans(min(count, len(chosen)), n_init=_STARTS, max_iter=_ROUNDS, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer kinds of text than clusters
        means.fit(weights.transform(sample))
    found = np.empty(len(texts), np.int32)
    for start in range(0, len(texts), _BATCH):
        batch = hashes.transform(texts[start : start + _BATCH])
        found[start : start + _BATCH] = means.predict(weights.transform(batch))
    return found


def _at(texts: Sequence[str], rows: npt.NDArray[np.int64]) -> list[str]:
    """The texts of these rows, which ascend; only slices are read."""
    found: list[str] = []
    for start in range(0, len(texts), _BATCH):
        first, last = np.searchsorted(rows, (start, start + _BATCH))
        if first < last:
            batch = texts[start : start + _BATCH]
            found += [batch[row - start] for row in rows[first:last].tolist()]
    return found


def _by_turns(rows: npt.NDArray[np.int64], clusters: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """The rows in another order: the first one of each cluster, then the second one of each, and so on."""
    of_row = clusters[rows]
    grouped = np.argsort(of_row, kind="stable")
    sizes = np.bincount(of_row)
    starts = np.cumsum(sizes) - sizes
    turn = np.empty(len(rows), np.int64)
    turn[grouped] = np.arange(len(rows)) - np.repeat(starts, sizes)
    return rows[np.argsort(turn, kind="stable")]


def _of_rows(
    logits: npt.NDArray[Any],
    likelihood: Likelihood,
    offsets: npt.NDArray[np.int64] | None,
    figure: Callable[[Floats], Floats],
) -> Floats:
    """A figure of the probabilities of each row [rows]."""
    count = len(logits) if offsets is None else len(offsets) - 1
    found = np.zeros(count, np.float32)
    for start in range(0, count, _BATCH):
        end = min(start + _BATCH, count)
        if offsets is None:
            values = figure(_probabilities(logits[start:end], likelihood))
            found[start:end] = values if values.ndim == 1 else values.mean(axis=-1)
        else:
            for row in range(start, end):
                tokens = logits[offsets[row] : offsets[row + 1]]
                if len(tokens):  # [tokens, classes], or [tokens] where the tokens are the classes
                    found[row] = figure(_probabilities(tokens, likelihood)).mean()
    return found


def _probabilities(logits: npt.NDArray[Any], likelihood: Likelihood) -> Floats:
    """[..., classes]; of yes-or-no answers [..., answers, 2]."""
    values = np.asarray(logits, np.float32)
    if likelihood == "bernoulli":
        yes = 1 / (1 + np.exp(-np.clip(values, -80, 80)))
        return np.stack([1 - yes, yes], axis=-1)
    values = np.exp(values - values.max(axis=-1, keepdims=True))
    return np.asarray(values / values.sum(axis=-1, keepdims=True), np.float32)
