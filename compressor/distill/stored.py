"""Outputs of a teacher that is no single model, kept as those of one are."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from compressor.data import load_output_names, load_split, targets_of
from compressor.distill.label import ANSWERS, SPLITS, STATISTICS
from compressor.distill.transfer_set import TEXTS
from compressor.runtime.encoder import Encoder
from compressor.runtime.outputs import Outputs, Ragged, read_outputs, write_outputs
from compressor.runtime.tasks import Replies, Settings
from compressor.runtime.tasks.base import Encoded, FloatArray
from compressor.tasks.base import Task

if TYPE_CHECKING:
    from datasets import Dataset

__all__ = ["judge", "judge_kept", "keep_outputs", "stored_splits"]


def stored_splits(folder: Path) -> tuple[str, ...]:
    """Names of the splits that outputs are there for."""
    return tuple(split for split in (*SPLITS, TEXTS) if (folder / split).is_dir())


def keep_outputs(
    outputs: Mapping[str, Ragged],
    *,
    split: str,
    task: Task,
    data: Path,
    texts: Path | None,
    out: Path,
    encoder: Callable[[], Encoder] | None = None,
) -> tuple[int, dict[str, float] | None]:
    """Write a split's outputs to `out/split`; of validation and test also the answers, and statistics of the metrics,
    where there are outputs for every text.

    Args:
        texts: the folder of texts without labels that the split is in; None: it is in `data`.
        encoder: opens what cuts texts into tokens, where answers lie between them.

    Returns:
        Number of examples, and metrics of an evaluation split.
    """
    write_outputs(outputs, out / split)
    return judge_kept(split=split, task=task, data=data, texts=texts, out=out, encoder=encoder)


def judge_kept(
    *,
    split: str,
    task: Task,
    data: Path,
    texts: Path | None,
    out: Path,
    encoder: Callable[[], Encoder] | None = None,
) -> tuple[int, dict[str, float] | None]:
    """What `keep_outputs` does when the outputs are written, in `out/split`: see there. Those of texts to train on stay
    on disk."""
    examples = load_split(texts or data, split)
    if split in ("train", TEXTS):
        return len(examples), None
    outputs = read_outputs(out / split)
    if any(np.isnan(one.values).any() for one in outputs.values()):
        return len(examples), None
    keys, statistics = judge(outputs, examples, task=task, data=data, encoder=encoder)
    replies = Replies(outputs, keys)
    statistics |= task.runtime.compared(replies, replies)
    np.savez(out / split / STATISTICS, allow_pickle=False, **statistics)
    (out / split / ANSWERS).write_text(json.dumps(keys, ensure_ascii=False), encoding="utf-8")
    return len(examples), task.runtime.values(statistics)


def judge(
    outputs: Mapping[str, Ragged],
    examples: Dataset,
    *,
    task: Task,
    data: Path,
    encoder: Callable[[], Encoder] | None = None,
) -> tuple[list[Any], dict[str, FloatArray]]:
    """Keys of the answers that these outputs come to, and statistics of their metrics.

    Args:
        data: the folder that `prepare` wrote, which names the outputs.
        encoder: opens what cuts texts into tokens, where answers lie between them.
    """
    encoded = (
        Encoded(list(examples), (), np.arange(len(examples)))
        if encoder is None
        else task.runtime.encode(encoder(), list(examples))
    )
    settings = Settings(tuple(load_output_names(data, task)))
    exact: Outputs = {name: Ragged(np.asarray(one.values, np.float32), one.offsets) for name, one in outputs.items()}
    keys = task.runtime.keys(task.runtime.decode(exact, encoded, settings))
    return keys, task.runtime.statistics(exact, encoded, targets_of(examples, task), settings)
