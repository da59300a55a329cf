"""What models are asked: token ids, the same for every toolkit, and the texts that they stand for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from compressor.bench.subject import Subject, answer_settings, subjects_from
from compressor.compare.inputs import write_inputs
from compressor.compare.labelled import Labelled, read_labelled
from compressor.errors import BundleError
from compressor.runtime.encoder import Encoder
from compressor.runtime.tasks import runtime_task
from compressor.task_specs import DEFAULT_TASK

__all__ = ["NATURAL", "Texts", "assert_same_labels", "open_checkpoint"]

NATURAL = "natural"
"""The kind of input that is a text at a time, at its own length."""
CALIBRATION_TEXTS = 256
SAMPLE = "2x16"


def open_checkpoint(folder: Path) -> Subject:
    """A finished text classifier.

    Raises:
        BundleError: the folder holds none.
    """
    (subject, *others) = subjects_from(folder)
    if others or subject.engine != "torch" or subject.task != DEFAULT_TASK:
        raise BundleError(f"{folder} holds no text classifier of transformers with *.safetensors.")
    return subject


def assert_same_labels(one: Subject, other: Subject) -> None:
    """That answers of both can be compared.

    Raises:
        BundleError: they can't.
    """
    labels, others = (answer_settings(subject).labels for subject in (one, other))
    if labels != others:
        raise BundleError(
            f"{one.folder} answers {', '.join(labels)}, and {other.folder} answers {', '.join(others)}.",
            hint="Give two checkpoints with the same labels in the same order.",
        )


@dataclass(frozen=True)
class Texts:
    """Texts of a checkpoint, read from files, and what of them lies in a folder for the workers."""

    subject: Subject
    test: Labelled | None
    train: Labelled | None
    shapes: tuple[str, ...]
    natural: int
    """How many texts at their own lengths calls are timed with."""
    folder: Path

    @classmethod
    def read(
        cls,
        subject: Subject,
        test: Path | None,
        train: Path | None,
        *,
        shapes: Sequence[str],
        natural: int,
        folder: Path,
    ) -> Texts:
        """Files with the columns `text` and `label`; of training texts, the label may be missing. `folder` is made.

        Raises:
            DataError: a file can't be read.
        """
        folder.mkdir(parents=True, exist_ok=True)
        return cls(
            subject,
            read_labelled(test, ["text"], "label") if test else None,
            read_labelled(train, ["text"], "label", optional=True) if train else None,
            tuple(shapes),
            natural,
            folder,
        )

    @property
    def targets(self) -> list[int]:
        """The right answers of the test texts.

        Raises:
            DataError: a text has a label that the model doesn't know.
        """
        return self._numbers(self.test)

    def given(self) -> dict[str, Any]:
        """Training texts, for conversions."""
        texts = [example["text"] for example in self.train.examples] if self.train else []
        chosen = _evenly(texts, CALIBRATION_TEXTS)
        return {
            "calibration": self._tokens("calibration", chosen) if chosen else None,
            "calibration_texts": chosen,
            "texts": texts,
            "labels": self._numbers(self.train),
            "sample": str(write_inputs(SAMPLE, self.subject, self._some(), self.folder / "sample.npz")),
            "max_length": self.subject.max_length,
            "inputs": {kind["name"]: kind["tokens"] for kind in self.kinds},
        }

    @cached_property
    def kinds(self) -> list[dict[str, str]]:
        """What calls are timed with: fixed shapes made of real tokens, and so many texts at their own lengths."""
        examples = self._some()
        fixed = [
            {"name": shape, "tokens": str(write_inputs(shape, self.subject, examples, self.folder / f"{shape}.npz"))}
            for shape in self.shapes
        ]
        chosen = _evenly([example["text"] for example in examples], self.natural)
        return [
            *fixed,
            {"name": NATURAL, "tokens": self._tokens(NATURAL, chosen), "texts": self._json(NATURAL, chosen)},
        ]

    def asked(self) -> dict[str, str] | None:
        """The test texts; None where there are none."""
        if self.test is None:
            return None
        texts = [example["text"] for example in self.test.examples]
        return {"tokens": self._tokens("test", texts), "texts": self._json("test", texts)}

    def _some(self) -> Sequence[dict[str, str]]:
        """Of the test file, else of the training file, else sentences that come with the program."""
        found = next((part.examples for part in (self.test, self.train) if part), ())
        return found or runtime_task(self.subject.task).samples(["text"])

    def _numbers(self, labelled: Labelled | None) -> list[int]:
        settings, task = answer_settings(self.subject), runtime_task(self.subject.task)
        return [task.target(target, settings) for target in (labelled.targets if labelled else ())]

    def _tokens(self, name: str, texts: Sequence[str]) -> str:
        encoder = Encoder.from_folder(self.subject.folder, self.subject.max_length)
        ids = [encoder.pad([row])["input_ids"] for row in encoder.rows(texts)]
        path = self.folder / f"{name}.npz"
        np.savez(path, allow_pickle=False, **{str(number): array for number, array in enumerate(ids)})
        return str(path)

    def _json(self, name: str, texts: Sequence[str]) -> str:
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(list(texts)), encoding="utf-8")
        return str(path)


def _evenly(texts: Sequence[str], count: int) -> list[str]:
    """So many of the texts, evenly spread over the file, or all where there are fewer."""
    return [texts[i] for i in np.linspace(0, len(texts) - 1, min(count, len(texts)), dtype=int)] if texts else []
