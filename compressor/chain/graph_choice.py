"""The search of `export.optimize: auto`: candidates are built, made into variants, timed, and tried together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from compressor.compare.fastest import Race, Timed, fastest, is_faster
from compressor.deploy.candidates import CANDIDATES
from compressor.deploy.optimize import Built, build, together
from compressor.errors import BundleError, StageError
from compressor.events import Events
from compressor.recipe.export import ExportSection
from compressor.recipe.quantize import QuantizeSection

if TYPE_CHECKING:
    from compressor.deploy.calibration import Calibration
    from compressor.deploy.tracer import Tracer

__all__ = ["EXPORTED", "FP32", "GraphChoice", "Workbench", "choose_graph", "without_control"]

EXPORTED = "export"
"""What the graph is called that stays unless a candidate is faster."""
FP32 = "fp32"
"""The variant that is the graph itself."""
_REFUSALS = (StageError, BundleError, RuntimeError, ValueError, TypeError, KeyError)
"""What quantizers and the libraries below them raise for a graph that they can't read."""
_SEEDS = 10
"""Between the rounds of a choice: each measures up to three sets of processes."""


@dataclass(frozen=True)
class Workbench:
    """Makes graphs, and the variants of each that the recipe will make of the one that is chosen."""

    tracer: Tracer
    section: ExportSection
    exported: Path
    """The folder of the exported graph."""
    variants: tuple[QuantizeSection, ...]
    calibrations: Mapping[str, Calibration | None]
    """Variant -> the texts it is calibrated with."""
    timed: str
    """The variant whose time decides."""
    scratch: Path
    events: Events

    def folder(self, name: str) -> Path:
        """Of a graph."""
        return self.exported if name == EXPORTED else self.scratch / FP32 / name

    def make(self, members: Iterable[str]) -> tuple[Built, Path | None]:
        """The graph of these candidates, and the file of it that is timed; None where the graph can't be had, or a
        variant can't be made of it."""
        name = together(members)
        self.events.note(f"building the graph: {name}")
        folder = self.folder(name)
        built = build(name, tracer=self.tracer, section=self.section, beside=self.exported, out=folder)
        if built.reason:
            return built, None
        try:
            return built, self.file(name)
        except _REFUSALS as error:
            said = (str(error) or type(error).__name__).splitlines()[0]
            return replace(built, reason=f"a variant can't be made of it: {said}"), None

    def file(self, name: str) -> Path:
        """Make the variants of a graph, as the stages behind will, but for accuracy control; the file that is timed.

        Raises:
            StageError: one of them can't be made.
        """
        from compressor.deploy.graph import MODEL_FILE
        from compressor.deploy.quantize import quantize

        folders = {FP32: self.folder(name)}
        for section in self.variants:
            folders[section.name] = self.scratch / section.name / name
            quantize(
                without_control(section),
                source=folders[FP32],
                out=folders[section.name],
                events=self.events,
                calibration=self.calibrations[section.name],
            )
        return folders[self.timed] / MODEL_FILE


@dataclass
class GraphChoice:
    """What became of the candidates."""

    built: list[Built] = field(default_factory=list)
    timed: dict[str, tuple[Timed, ...]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Of the graph that is chosen."""
        return fastest(self.timed) or EXPORTED

    def told(self, name: str) -> Built:
        """What was built under this name."""
        return next(built for built in self.built if built.name == name)


def choose_graph(bench: Workbench, race: Race) -> GraphChoice:
    """Time every candidate alone beside the exported graph, and then those that are faster as one graph."""
    found = GraphChoice()
    exported = bench.file(EXPORTED)

    def time(round_: Race, groups: Iterable[tuple[str, ...]]) -> None:
        files = {}
        for members in groups:
            built, file = bench.make(members)
            found.built.append(built)
            if file is not None:
                files[built.name] = file
        if files:
            found.timed |= round_.run(exported, files, bench.events)

    time(race, [(name,) for name in CANDIDATES.names])
    wins = tuple(name for name, timed in found.timed.items() if is_faster(timed))
    if len(wins) > 1:
        time(replace(race, seed=race.seed + _SEEDS), [wins])
    return found


def without_control(section: QuantizeSection) -> QuantizeSection:
    """Accuracy control leaves some weights in float, by their names: it would take minutes a candidate."""
    return section.model_copy(update={"control": None})
