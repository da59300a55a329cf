"""What can be had without reading a text: the same answer to all. A teacher that does no better teaches nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from compressor.bench import score_accuracy
from compressor.bench.results import Guess
from compressor.engine.artifact import Artifact
from compressor.engine.key import Json
from compressor.events import Events
from compressor.processes import lead
from compressor.report import format as fmt
from compressor.report.verdict import is_better
from compressor.runtime.tasks import Settings, runtime_task
from compressor.task_specs import task_spec

__all__ = ["guess_of", "judged_teacher"]

_SEED = 0
"""Of the bootstrap behind a warning."""


def guess_of(data: Artifact | None, split: str, task: str) -> Guess | None:
    """What the best of the answers that are the same for all texts comes to on a prepared split; None where there is
    no such answer, no such split, or nothing that is to be answered."""
    if data is None or not (data.folder / f"{split}.arrow").is_file():
        return None
    from compressor.data import load_labels, load_prepared, load_split

    rows, role, runtime = load_split(data.folder, split), task_spec(task).target_role, runtime_task(task)
    if role not in rows.column_names:
        return None
    names = runtime.output_names(load_labels(data.folder), load_prepared(data.folder))
    found = runtime.constant(list(rows[role]), Settings(tuple(names)))
    return None if found is None else Guess(found.answer, runtime.values(found.statistics))


def judged_teacher(
    facts: Mapping[str, Json], inputs: Mapping[str, Artifact], task: str, out: Path, events: Events
) -> dict[str, Json]:
    """Facts of a stage that wrote a teacher's answers to `out`, with `warnings` where these are no better than a guess:
    told before hours are spent on a student."""
    said = None if "texts" in inputs else lead(_concern, inputs["data"], task, out)
    if said is None:
        return dict(facts)
    events.warn(said)
    return {**facts, "warnings": [said]}


def _concern(data: Artifact, task: str, out: Path) -> str | None:
    """Of validation and test, the larger split that the teacher answered whole."""
    known = [split for split in ("validation", "test") if (out / split / "statistics.npz").is_file()]
    judged = []
    for split in known:
        guess = guess_of(data, split, task)
        with np.load(out / split / "statistics.npz") as statistics:
            found = score_accuracy(runtime_task(task), dict(statistics), guess=guess, seed=_SEED)
        if found is not None and guess is not None:
            judged.append((found.n, split, found, guess))
    if not judged:
        return None
    n, split, found, guess = max(judged, key=lambda one: one[0])
    metric = task_spec(task).metric(found.metric)
    if is_better(found, guess, metric):
        return None
    return (
        f"The teacher isn't shown to do better than always giving {guess.answer}: its {metric.title} on the {n:,} "
        f"texts of {split} is {fmt.quality(found.value, metric, found.interval)}, that answer's is "
        f"{fmt.quality(guess.metrics[found.metric], metric)}. Nobody can learn from it: look whether its labels are "
        "those of the data, train it longer, or take another."
    )
