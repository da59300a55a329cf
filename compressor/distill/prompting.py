"""Ask a language model which label a text has."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from compressor.data import load_output_names, load_split
from compressor.distill.device import number_of_processes
from compressor.distill.label import PARTS, SPLITS
from compressor.distill.prompted import PromptedModel
from compressor.distill.stored import judge, keep_outputs
from compressor.distill.transfer_set import TEXTS
from compressor.errors import DataError
from compressor.events import Events
from compressor.processes import lead
from compressor.recipe.prompt import PromptSection
from compressor.runtime.outputs import Ragged
from compressor.tasks.base import Task

__all__ = ["ask", "shift_to"]

_ROUNDS = 200
_CLOSE = 1e-5
_ROWS_AT_ONCE = 10_000

Numbers = npt.NDArray[np.float64]


def ask(
    section: PromptSection,
    *,
    task: Task,
    model_folder: Path,
    data: Path,
    texts: Path | None,
    shifts: Sequence[Sequence[float]] | None,
    max_length: int,
    out: Path,
    events: Events,
) -> dict[str, Any]:
    """Write what the model says of every text, as `compute_outputs` writes outputs: logarithms of probabilities.

    Each template's answers are shifted until the training texts have the `prior` (batch calibration, Zhou 2023, arXiv
    2309.17249, with a prior of one's own); then the logarithms of all templates are averaged.

    Of several processes each asks about its own texts; the first puts together what they were told.

    Args:
        texts: the folder of texts without labels to ask about; None: the splits of `data`.
        shifts: those that were found on the training texts, one of [labels] a template, where `texts` is given.

    Returns:
        Metrics on validation and test where labels are known, the number of examples, `shifts`, and in `alone` the
        metrics of each template by itself.

    Raises:
        DataError: the labels of the data aren't those of the section.
        SourceError: the model can't be used.
    """
    names = load_output_names(data, task)
    if set(names) != set(section.words):
        raise DataError(
            f"teacher.prompt.words names {', '.join(section.words)}; the labels of the data are {', '.join(names)}.",
            hint="Name the words for each label, no more and no less.",
        )
    asked = PromptedModel(section, model_folder, names, max_length)
    folder = texts or data
    splits = [split for split in ((TEXTS,) if texts else SPLITS) if (folder / f"{split}.arrow").is_file()]
    for split in splits:
        asked.about(load_split(folder, split), split, events, out / PARTS)
    facts = lead(_conclude, asked, splits, shifts, names, task=task, data=data, texts=texts, out=out)
    lead(shutil.rmtree, out / PARTS)
    return facts | number_of_processes()


def _conclude(
    asked: PromptedModel,
    splits: Sequence[str],
    shifts: Sequence[Sequence[float]] | None,
    names: Sequence[str],
    *,
    task: Task,
    data: Path,
    texts: Path | None,
    out: Path,
) -> dict[str, Any]:
    """From what every process was told to the outputs, and the facts of `ask`."""
    section, name = asked.section, task.spec.outputs[0].name
    if shifts is None:
        prior, first = _prior(section, names), asked.said(splits[0], out / PARTS)
        shifts = [shift_to(one, prior).tolist() if prior is not None else [0.0] * len(names) for one in first]
    alone: list[dict[str, dict[str, float]]] = [{} for _ in section.templates]
    facts: dict[str, Any] = {"shifts": shifts, "examples": {}, "templates": list(section.templates), "alone": alone}
    for split in splits:
        each = asked.said(split, out / PARTS)
        outputs = {name: Ragged(_mean(each, shifts))}
        facts["examples"][split], metrics = keep_outputs(
            outputs, split=split, task=task, data=data, texts=texts, out=out
        )
        if metrics is None:
            continue
        facts[split] = metrics
        for scores, one, shift in zip(alone, each, shifts, strict=True):
            told = {name: Ragged(_normalised(one + np.asarray(shift)))}
            _, statistics = judge(told, load_split(data, split), task=task, data=data)
            if found := task.runtime.values(statistics):
                scores[split] = found
    return facts


def _mean(each: Sequence[Numbers], shifts: Sequence[Sequence[float]]) -> npt.NDArray[np.float16]:
    """Over the templates, [rows, labels]; some rows at a time, so that memory holds the result and little more."""
    found = np.empty(each[0].shape, np.float16)
    for start in range(0, len(found), _ROWS_AT_ONCE):
        some = slice(start, start + _ROWS_AT_ONCE)
        shifted = [_normalised(one[some] + np.asarray(shift)) for one, shift in zip(each, shifts, strict=True)]
        found[some] = np.mean(shifted, axis=0)
    return found


def shift_to(scores: Numbers, prior: Numbers) -> Numbers:
    """What is added to each label's logarithm, [labels], so that its mean probability over all rows is `prior`."""
    shift = np.zeros(scores.shape[1])
    for _ in range(_ROUNDS):
        shares = np.exp(_normalised(scores + shift)).mean(axis=0)
        step = np.log(prior) - np.log(np.maximum(shares, 1e-12))
        shift += step
        if np.abs(step).max() < _CLOSE:
            break
    centred: Numbers = shift - shift.mean()
    return centred


def _prior(section: PromptSection, names: Sequence[str]) -> Numbers | None:
    if section.prior == "none":
        return None
    if section.prior == "uniform":
        return np.full(len(names), 1 / len(names))
    shares = np.array([section.prior[name] for name in names])
    prior: Numbers = shares / shares.sum()
    return prior


def _normalised(scores: Numbers) -> Numbers:
    """As logarithms of probabilities of the labels alone."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    logarithms: Numbers = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logarithms
