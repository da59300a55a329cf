"""Labelling that kills itself: `python -m tests.distill.label_killed FOLDER OUT`. No handler runs, as with `kill -9`.
With `go-on` it doesn't. Started by a launcher, it is one of several processes."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from compressor.distill import label as labelling
from compressor.distill import output_folder
from compressor.distill.label import compute_outputs
from compressor.events import Events, Silent
from compressor.processes import Place, connect, together
from compressor.tasks import get_task

BATCH = 20
KILLED_AT = 40
"""Rows of the training split, of a process."""


class KillAt(Silent):
    def progress(self, what: str, done: float, total: float | None, detail: str = "") -> None:
        if what == "teacher: outputs, train" and done == KILLED_AT:
            os.kill(os.getpid(), signal.SIGKILL)


def label(folder: Path, out: Path, events: Events) -> dict[str, Any]:
    """In small batches, each of which is made safe at once."""
    batch, seconds = labelling._BATCH, output_folder.KEEP_SECONDS
    labelling._BATCH, output_folder.KEEP_SECONDS = BATCH, 0.0
    try:
        return compute_outputs(
            task=get_task("text-classification"),
            model_folder=folder / "teacher",
            data=folder / "data",
            max_length=24,
            out=out,
            events=events,
            device="cpu",
            precision="fp32",
        )
    finally:
        labelling._BATCH, output_folder.KEEP_SECONDS = batch, seconds


if __name__ == "__main__":
    listener = Silent() if "go-on" in sys.argv else KillAt()
    place = Place.read(os.environ)
    if place is None:
        label(Path(sys.argv[1]), Path(sys.argv[2]), listener)
    else:
        with together(connect(place), place, "label"):
            facts = label(Path(sys.argv[1]), Path(sys.argv[2]), listener)
        if place.rank == 0:
            sys.stdout.write(json.dumps(facts))
