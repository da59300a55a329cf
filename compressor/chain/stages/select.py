"""Choose which of the texts that the teacher labelled the student trains on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from compressor.engine.artifact import Artifact
from compressor.engine.key import Json
from compressor.engine.stage import Stage
from compressor.events import Events
from compressor.recipe.augment import SelectSection
from compressor.task_specs import task_spec

__all__ = ["CHOSEN", "Select"]

CHOSEN = "chosen.npy"
"""Numbers of the chosen texts, ascending."""


@dataclass(frozen=True, kw_only=True)
class Select(Stage):
    """Writes `chosen.npy`. Inputs: `texts`, and what the teacher said of them, `outputs`."""

    kind = "select"
    libraries = ("numpy", "scikit-learn")

    task: str
    section: SelectSection
    seed: int

    @property
    def config(self) -> dict[str, Json]:
        return {"task": self.task, "select": self.section.model_dump(mode="json"), "seed": self.seed}

    def run(self, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
        import numpy as np

        from compressor.data.select import choose_rows
        from compressor.data.texts import load_texts
        from compressor.distill.transfer_set import TEXTS
        from compressor.runtime.outputs import read_outputs

        spec = task_spec(self.task)
        output = spec.outputs[0]
        said = read_outputs(inputs["outputs"].folder / TEXTS, mapped=True)[output.name]
        chosen = choose_rows(
            self.section,
            said.values,
            likelihood=output.likelihood,
            seed=self.seed,
            texts=load_texts(inputs["texts"].folder)[spec.text_roles[0]],
            offsets=said.offsets,
        )
        np.save(out / CHOSEN, chosen.rows, allow_pickle=False)
        return chosen.facts(len(said))
