"""Read, clean and split the labelled text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from compressor.engine.artifact import Artifact
from compressor.engine.key import Json
from compressor.engine.stage import Stage
from compressor.events import Events
from compressor.recipe.audit import CanariesSection
from compressor.recipe.data import DataSection
from compressor.sources import HubSource, Source, open_source
from compressor.task_specs import task_spec

__all__ = ["Prepare"]


_ELSEWHERE = {"source", "test", "revision", "sha256", "max_length", "unlabelled", "augment", "generate", "balance"}
"""Settings that are in the sources, or that other stages read."""


@dataclass(frozen=True, kw_only=True)
class Prepare(Stage):
    """Writes a file a split, `labels.json` and `prepared.json`. Nothing is tokenized yet: models differ in that."""

    kind = "prepare"
    libraries = ("datasets", "pyarrow")

    task: str
    section: DataSection
    seed: int
    canaries: CanariesSection | None = None
    """Random texts that are planted in the training split."""

    @property
    def config(self) -> dict[str, Json]:
        section = self.section.model_dump(mode="json", exclude=_ELSEWHERE)
        planted = {"canaries": self.canaries.model_dump(mode="json")} if self.canaries else {}
        return {"task": self.task, "data": section, "seed": self.seed, **planted}

    @property
    def sources(self) -> dict[str, Source]:
        """One source a file; a single one that isn't split yet counts as `train`."""
        return {
            split: open_source(reference, kind="data", revision=self.section.revision, sha256=self.section.sha256)
            for split, reference in self.section.references.items()
        }

    def fetch(self, events: Events) -> dict[str, Path]:
        """Local files; a data set on a hub is downloaded by `datasets`, the part that is needed."""
        return {
            split: source.fetch(events) for split, source in self.sources.items() if not isinstance(source, HubSource)
        }

    def run(self, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
        facts = self.prepared(out, events)
        if self.canaries:
            from compressor.data.canaries import plant_canaries

            plant_canaries(out, self.canaries, task_spec(self.task), seed=self.seed)
            facts["canaries"] = self.canaries.model_dump(mode="json")
            facts["splits"]["train"]["rows"] += self.canaries.count * self.canaries.repeats
        return facts

    def prepared(self, out: Path, events: Events, keep: Mapping[str, str] | None = None) -> dict[str, Json]:
        """Fill `out`; `keep` names further columns that its splits have: see `compressor.data.prepare`."""
        from compressor.data import prepare

        section = self.section
        for source in self.sources.values():
            if isinstance(source, HubSource):
                section = section.model_copy(update={"source": source.id, "revision": source.commit})
        files = self.fetch(events) or None
        spec = task_spec(self.task)
        return prepare(section, spec, seed=self.seed, files=files, out=out, events=events, keep=keep)
