"""Answers from a file as the outputs of a teacher."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from compressor.data import load_output_names, load_split
from compressor.data.answers import read_answers
from compressor.distill.label import SPLITS
from compressor.distill.stored import keep_outputs
from compressor.distill.transfer_set import TEXTS
from compressor.events import Events
from compressor.recipe.answers import AnswersSection
from compressor.runtime.outputs import Ragged
from compressor.tasks.base import Task

__all__ = ["take_answers"]


def take_answers(
    section: AnswersSection,
    *,
    task: Task,
    file: Path,
    data: Path,
    texts: Path | None,
    out: Path,
    events: Events,
) -> dict[str, Any]:
    """Write what the file says of each text of a split as `compute_outputs` writes outputs; NaN where it says nothing.

    Returns:
        Metrics on validation and test where every text there is answered, the number of examples, of those `answered`,
        and what `read_answers` tells.
    """
    names, output = load_output_names(data, task), task.spec.outputs[0]
    folder = texts or data
    splits = [split for split in ((TEXTS,) if texts else SPLITS) if (folder / f"{split}.arrow").is_file()]
    roles = [role for role in task.spec.text_roles if role in load_split(folder, splits[0]).column_names]
    book = read_answers(
        section,
        file=file,
        roles=roles,
        names=names,
        exclusive=output.likelihood == "categorical",
        scratch=out / ".scratch",
        events=events,
    )
    facts: dict[str, Any] = {**book.facts, "examples": {}, "answered": {}}
    for split in splits:
        rows = load_split(folder, split)
        found = book.of(zip(*(rows[role] for role in roles), strict=True))
        dtype = np.float32 if output.likelihood == "value" else np.float16
        outputs = {output.name: Ragged(found.astype(dtype))}
        facts["examples"][split], metrics = keep_outputs(
            outputs, split=split, task=task, data=data, texts=texts, out=out
        )
        facts["answered"][split] = int(np.isfinite(found).all(axis=1).sum())
        if metrics is not None:
            facts[split] = metrics
    if (alike := book.facts.get("agreement")) is not None:
        several = book.facts["annotated_twice"]
        events.note(f"teacher: on {several:,} texts with several annotators, pairs agree in {alike:.1%} of cases.")
    answered, asked = sum(facts["answered"].values()), sum(facts["examples"].values())
    if answered < asked:
        events.note(f"teacher: {asked - answered:,} of {asked:,} texts have no answer in {file.name}.")
    return facts
