"""Small test splits with made-up answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt

from compressor.bench.judged import Judged
from compressor.evaluate import Answered, Inquiry, JudgedSplit
from compressor.report.blocks import Finding, Prose
from compressor.runtime.outputs import Ragged
from compressor.runtime.tasks import Encoded, Example, Settings, runtime_task

LABELS = ("bad", "good", "odd")
TEXTS = ("dull", "fun", "strange", "slow | long", "great")
TARGETS = [0, 1, 2, 0, 1]


def answered(name: str, logits: Any, task: str, targets: Sequence[Any], labels: Sequence[str]) -> Answered:
    """A model that gives these logits [examples, labels]."""
    runtime, settings = runtime_task(task), Settings(tuple(labels))
    encoded = Encoded([], [], np.arange(len(targets), dtype=np.int64))
    outputs = {"logits": Ragged(np.asarray(logits, dtype=np.float32))}
    answers = runtime.decode(outputs, encoded, settings)
    return Answered(
        name, Judged(answers, runtime.keys(answers), runtime.statistics(outputs, encoded, targets, settings))
    )


def split(
    mine: Any,
    theirs: Any = None,
    *,
    task: str = "text-classification",
    targets: Sequence[Any] = TARGETS,
    labels: Sequence[str] = LABELS,
    texts: Sequence[str] = TEXTS,
    show_examples: bool = True,
) -> JudgedSplit:
    """What two models answered, the second of them the teacher."""
    return JudgedSplit(
        task=runtime_task(task),
        labels=tuple(labels),
        examples=[{"text": text} for text in texts],
        targets=targets,
        model=answered("onnx int8", mine, task, targets, labels),
        reference=None if theirs is None else answered("teacher", theirs, task, targets, labels),
        show_examples=show_examples,
    )


def chance(text: str, seed: int) -> float:
    """A number from 0 to 1 that is the same for the same text and seed, and as good as drawn for any other."""
    return int.from_bytes(blake2b(f"{seed} {text}".encode(), digest_size=4).digest(), "big") / (1 << 32)


def bad(found: Finding) -> list[str]:
    """The sentences of a finding that say something is bad."""
    return [block.text for block in found.blocks if isinstance(block, Prose) and block.tone == "bad"]


def certain(answers: Sequence[int], labels: int = len(LABELS), by: float = 4.0) -> npt.NDArray[np.floating[Any]]:
    """Logits of these labels [examples, labels]."""
    return by * np.eye(labels)[list(answers)]


def many(mine: Any, theirs: Any = None, *, targets: Sequence[Any]) -> JudgedSplit:
    """The same of sets of labels."""
    return split(mine, theirs, task="multi-label-classification", targets=targets)


def asking(
    mine: Callable[[str], Sequence[float]],
    theirs: Callable[[str], Sequence[float]] | None = None,
    *,
    texts: Sequence[str],
    targets: Sequence[int],
    labels: Sequence[str] = ("bad", "good"),
    inquiry: Inquiry | None = None,
) -> JudgedSplit:
    """Models that are at hand: each gives the logits that its function says of a text."""

    def model(name: str, logits: Callable[[str], Sequence[float]]) -> Answered:
        def ask(examples: Sequence[Example], targets: Sequence[Any] | None = None) -> Judged:
            given = [logits(example["text"]) for example in examples]
            return answered(name, given, "text-classification", targets or [0] * len(given), labels).judged

        return Answered(name, ask([{"text": text} for text in texts], targets), ask=ask)

    return JudgedSplit(
        task=runtime_task("text-classification"),
        labels=tuple(labels),
        examples=[{"text": text} for text in texts],
        targets=targets,
        model=model("onnx int8", mine),
        reference=None if theirs is None else model("teacher", theirs),
        inquiry=inquiry or Inquiry(),
    )
