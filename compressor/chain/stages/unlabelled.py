"""Read text that nobody labelled, for the teacher to label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from compressor.engine.artifact import Artifact
from compressor.engine.key import Json
from compressor.engine.stage import Stage
from compressor.events import Events
from compressor.recipe.augment import UnlabelledSection
from compressor.sources import HubSource, Source, open_source
from compressor.task_specs import task_spec

__all__ = ["KNOWN", "Unlabelled"]

KNOWN = "known/"
"""What inputs begin with that hold texts which were read before: they are numbered, whatever they are called."""


@dataclass(frozen=True, kw_only=True)
class Unlabelled(Stage):
    """Writes `texts.arrow`, without any text of an evaluation split or of the folders `known/NUMBER`."""

    kind = "unlabelled"
    libraries = ("datasets", "pyarrow")

    task: str
    section: UnlabelledSection
    seed: int
    path: str = "data.unlabelled"
    """Where the recipe describes it, for messages."""

    @property
    def config(self) -> dict[str, Json]:
        section = self.section.model_dump(mode="json", exclude={"source", "revision", "sha256", "name", "select"})
        return {"task": self.task, "unlabelled": section, "seed": self.seed}

    @property
    def sources(self) -> dict[str, Source]:
        section = self.section
        return {"texts": open_source(section.source, kind="data", revision=section.revision, sha256=section.sha256)}

    def fetch(self, events: Events) -> dict[str, Path]:
        """The local file; a data set on a hub is downloaded by `datasets`, the part that is needed."""
        source = self.sources["texts"]
        return {} if isinstance(source, HubSource) else {"texts": source.fetch(events)}

    def run(self, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
        from compressor.data.unlabelled import read_unlabelled

        section, source = self.section, self.sources["texts"]
        if isinstance(source, HubSource):
            section = section.model_copy(update={"source": source.id, "revision": source.commit})
        return read_unlabelled(
            section,
            task_spec(self.task),
            data=inputs["data"].folder,
            files=self.fetch(events) or None,
            out=out,
            seed=self.seed,
            events=events,
            known=[artifact.folder for role, artifact in inputs.items() if role.startswith(KNOWN)],
            name=self.name,
            path=self.path,
        )
