"""Convert a checkpoint with every toolkit, then time all models in turns, each in fresh processes."""

from __future__ import annotations

import random
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from compressor.bench.host import cpu
from compressor.errors import WorkerError

from .environments import prepare, run_worker
from .registry import OURS, Entry
from .texts import Texts

__all__ = ["Made", "Race", "convert"]


@dataclass
class Made:
    """An entry, and what became of it."""

    entry: Entry
    texts: Texts
    """What it is asked, in token ids of its checkpoint."""
    python: list[str] = field(default_factory=list)
    size_mb: float | None = None
    seconds: float | None = None
    """What the conversion took."""
    chosen: str = ""
    """What it chose by measuring, in a word."""
    versions: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    """Why it has no figures; None where it has some."""

    def to_json(self) -> dict[str, Any]:
        """Plain data, without paths of this machine."""
        return {
            "toolkit": self.entry.title,
            "ours": self.entry.toolkit.name == OURS,
            "variant": self.entry.variant,
            "kind": self.entry.kind,
            "how": f"{self.entry.how}: {self.chosen}" if self.chosen else self.entry.how,
            "size_mb": self.size_mb,
            "convert_seconds": self.seconds,
            "versions": dict(self.versions),
            "error": self.error,
        }


def convert(entries: Sequence[Entry], texts: Texts, work: Path) -> list[Made]:
    """The checkpoint as each toolkit makes it, in `work/models/`. What fails says why, and the others go on."""
    given = {"checkpoint": str(texts.subject.folder.resolve()), "cpu_flags": list(cpu().flags), **texts.given()}
    return [_converted(Made(entry, texts), given, work) for entry in entries]


def _converted(made: Made, given: Mapping[str, Any], work: Path) -> Made:
    entry, folder = made.entry, model_folder(made.entry, work)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    job = {
        "do": "convert",
        "toolkit": str(entry.toolkit.file),
        "variant": entry.variant,
        "folder": str(folder),
        "given": given,
    }
    sys.stderr.write(f"converting: {entry.name}\n")
    try:
        made.python = prepare(entry.toolkit, work)
        found = run_worker(made.python, job, work, f"converting to {entry.name}")
    except WorkerError as error:
        made.error = _reason(error)
        sys.stderr.write(f"  {error.message}\n")
        return made
    made.size_mb, made.seconds, made.versions = found["size_mb"], found["seconds"], found["versions"]
    made.chosen = found["chosen"]
    return made


def model_folder(entry: Entry, work: Path) -> Path:
    """Where the entry's model lies."""
    return work / "models" / entry.maker / entry.variant


@dataclass(frozen=True)
class Race:
    """What is timed, and how."""

    models: Sequence[Made]
    work: Path
    rounds: int
    calls: int
    warm_up: int
    seed: int

    def run(self) -> Iterator[dict[str, dict[str, float]]]:
        """For each round what its processes found: entry -> kind of input -> median ms of a call.

        In every round each model has a process of its own, in an order that is drawn anew. An entry whose process
        dies gets an error, and is left out from there on.
        """
        draw = random.Random(self.seed)
        for number in range(self.rounds):
            alive = [made for made in self.models if made.error is None]
            found = {}
            for made in draw.sample(alive, len(alive)):
                if (p50 := self._process(made, ask=number == 0)) is not None:
                    found[made.entry.name] = p50
            sys.stderr.write(f"round {number + 1} of {self.rounds}\n")
            yield found

    def _process(self, made: Made, *, ask: bool) -> dict[str, float] | None:
        asked = made.texts.asked() if ask else None
        job = {
            "do": "measure",
            "toolkit": str(made.entry.toolkit.file),
            "variant": made.entry.variant,
            "folder": str(model_folder(made.entry, self.work)),
            "kinds": made.texts.kinds,
            "calls": self.calls,
            "warm_up": self.warm_up,
            "answers": asked and {**asked, "logits": str(self._logits_file(made.entry))},
        }
        try:
            found = run_worker(made.python, job, self.work, f"measuring {made.entry.name}")
        except WorkerError as error:
            made.error = _reason(error)
            sys.stderr.write(f"  {error.message}\n")
            return None
        p50: dict[str, float] = found["p50_ms"]
        return p50

    def logits(self, made: Made) -> npt.NDArray[np.float32] | None:
        """Of the test texts [texts, labels], each asked alone; None where there are none."""
        file = self._logits_file(made.entry)
        return np.load(file) if made.texts.test is not None and file.exists() else None

    def _logits_file(self, entry: Entry) -> Path:
        return model_folder(entry, self.work) / "logits.npy"


def _reason(error: WorkerError) -> str:
    """The error in a line: the last words of the process, where it had some."""
    return error.message.strip().splitlines()[-1].strip()
