"""Change copies of the training texts, for the teacher to label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from compressor.chain.models import fetch_models, model_source
from compressor.chain.stages.balance import weights_file
from compressor.engine.artifact import Artifact
from compressor.engine.key import Json
from compressor.engine.stage import Stage
from compressor.events import Events
from compressor.recipe.augment import AUGMENTATIONS, AugmentSection
from compressor.sources import Source
from compressor.task_specs import task_spec

__all__ = ["COPIED_BY_WEIGHT", "Augment"]

COPIED_BY_WEIGHT = "copied_by_weight"
"""A fact: that texts of more weight were copied more often."""

_PINS = ("model", "revision", "sha256")
"""Of an augmentation that asks a model: they are in the sources."""


@dataclass(frozen=True, kw_only=True)
class Augment(Stage):
    """Writes `texts.arrow`. Inputs: `data`; `balance`, by whose weights texts are copied, where they are."""

    kind = "augment"

    task: str
    section: AugmentSection
    seed: int

    @property
    def libraries(self) -> tuple[str, ...]:  # type: ignore[override]  # a package may bring an augmentation
        models = ("torch", "transformers", "tokenizers") if self.section.models else ()
        return ("numpy", "pyarrow", *models, *AUGMENTATIONS.packages(*(kind.kind for kind in self.section.kinds)))

    @property
    def config(self) -> dict[str, Json]:
        section = self.section.model_dump(mode="json", exclude={"kinds", "select"})
        kinds: list[Json] = [
            {name: value for name, value in kind.model_dump(mode="json").items() if name not in _PINS}
            for kind in self.section.kinds_for(task_spec(self.task))
        ]
        return {"task": self.task, "augment": {**section, "kinds": kinds}, "seed": self.seed}

    @property
    def sources(self) -> dict[str, Source]:
        return {reference: model_source(reference, pins) for reference, pins in self.section.models.items()}

    def fetch(self, events: Events) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for reference, pins in self.section.models.items():
            found |= fetch_models({reference: self.sources[reference]}, pins, events)
        return found

    def run(self, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
        from compressor.data.augmented import make_texts

        facts = make_texts(
            self.section,
            task_spec(self.task),
            data=inputs["data"].folder,
            out=out,
            seed=self.seed,
            events=events,
            models=self.fetch(events),
            weights=weights_file(inputs),
        )
        return {**facts, COPIED_BY_WEIGHT: True} if self.section.balance else facts
