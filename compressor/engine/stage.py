"""The contract every stage keeps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from compressor.engine.artifact import Artifact
from compressor.engine.key import Json
from compressor.errors import CompressorError
from compressor.events import Events
from compressor.sources import Source

__all__ = ["Stage"]


@dataclass(frozen=True, kw_only=True)
class Stage(ABC):
    """One step of the chain: reads artifacts of earlier stages, writes one artifact.

    A stage never decides whether it is cached; the runner does.
    """

    kind: ClassVar[str]
    version: ClassVar[int] = 1
    """Raised when the code changes what it makes of the same configuration."""
    libraries: ClassVar[tuple[str, ...]] = ()
    """Distributions whose versions shape the result."""
    resumable: ClassVar[bool] = False
    """Whether `run` goes on from what an interrupted run left in `out`."""
    spares: ClassVar[tuple[type[CompressorError], ...]] = ()
    """Errors that fail this stage and what reads it, but not the rest: the run goes on, and fails at its end."""

    name: str
    """Unique in a plan: `distill`, `quantize/int8`."""
    inputs: Mapping[str, str] = field(default_factory=dict)
    """Role -> name of the stage that is read."""

    @property
    @abstractmethod
    def config(self) -> dict[str, Json]:
        """The slice of the recipe that shapes the result, without paths: those are in `sources`."""

    @property
    def distributed(self) -> bool:
        """Whether several processes run it together, where there are several; else the first does it alone."""
        return False

    @property
    def sources(self) -> dict[str, Source]:
        """What is read from outside the store; its identity goes into the key."""
        return {}

    def fetch(self, events: Events) -> dict[str, Path]:
        """Role -> local file or folder of each source. Called before the first stage runs, and again by `run`.

        Raises:
            SourceError, UnsafeSource: what is missing or refused stops a run before anything is trained.
        """
        return {role: source.fetch(events) for role, source in self.sources.items()}

    @property
    def host(self) -> dict[str, str]:
        """What of this machine the result holds for; nothing, unless the stage measures it."""
        return {}

    @abstractmethod
    def run(self, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
        """Fill the folder `out`; return facts for the report."""
