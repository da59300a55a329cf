"""Stores to begin from, what an uninterrupted run makes of them, and what is wrong with what interrupted ones leave."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from compressor.engine.artifact import Artifact
from compressor.engine.store import Store
from tests import tiny
from tests.chain import recipes
from tests.command import ROOT
from tests.interrupts.moments import Scene
from tests.interrupts.watched import Watched

__all__ = ["Place", "Reference", "compared", "exact", "prepare"]

MEASURED = {"measure", "differences", "evaluate", "bundle"}
"""Kinds of stages that hold times, or what is made of them."""
REPORTS = {"bundle", "events.jsonl", "recipe.resolved.yaml", "report.html", "report.json", "report.md", "run.json"}
_EXACT_FACTS = ("subject", "engine", "target", "size", "accuracy", "lengths", "precision", "role", "skipped", "failed")
_BY_CHANCE = {"README.md", "manifest.json", "provenance.json"}
"""Files of a bundle that hold times."""


@dataclass(frozen=True)
class Reference:
    """A run that nothing interrupted."""

    recipe: Path
    home: Path
    """Its store lies in here."""
    result: dict[str, Any]
    """What came out: see `Place.result`."""
    spans: dict[str, float]
    """Seconds of processor time that the command takes, by scene, and a process that measures (`child`)."""


@dataclass(frozen=True)
class Place:
    """A folder for a run and all that it may write: its store, run directory, home, temporary folder."""

    folder: Path
    reference: Reference

    def lay(self, scene: Scene) -> None:
        """Begin anew, with a store as the scene has it."""
        if self.folder.exists():
            shutil.rmtree(self.folder)
        for name in ("home", "temporary", "work"):
            (self.folder / name).mkdir(parents=True)
        if scene is not Scene.EMPTY:
            shutil.copytree(self.reference.home, self.folder / "store")
        if scene is Scene.MEASURING:
            for kind in MEASURED:
                shutil.rmtree(self.folder / "store" / "store" / kind)

    def start(self) -> Watched:
        """The command."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("COMPRESSOR_")}
        environment |= {
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "temporary"),
            "COMPRESSOR_HOME": str(self.folder / "store"),
            "CUDA_VISIBLE_DEVICES": "",
            "HF_HUB_OFFLINE": "1",
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(ROOT),
        }
        arguments = ("run", self.reference.recipe, "--out", self.folder / "run", "--format", "json")
        return Watched(*arguments, environment=environment, folder=self.folder)

    def status(self) -> dict[str, Any]:
        """What `run.json` says; nothing where it isn't there."""
        file = self.folder / "run" / "run.json"
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        return found

    def temporary(self) -> list[str]:
        """What lies in the folder for temporary files, and in others where nothing should."""
        return sorted(
            path.relative_to(self.folder).as_posix()
            for name in ("temporary", "work")
            for path in (self.folder / name).rglob("*")
        )

    def half_made(self) -> Iterator[str]:
        """What counts as finished in the store and isn't, or isn't what an uninterrupted run makes."""
        for folder in Store(self.folder / "store" / "store").finished():
            try:
                artifact = Artifact.read(folder)
            except ValueError as error:
                yield str(error)
                continue
            if damage := artifact.damage(thorough=True):
                yield f"{folder.parent.name}: {damage}"
            twin = self.reference.home / "store" / folder.parent.name / folder.name
            if folder.parent.name not in MEASURED and twin.exists():
                yield from (
                    f"{folder.parent.name}: {said}"
                    for said in compared(_digests(artifact), _digests(Artifact.read(twin)))
                )

    def left(self) -> Iterator[str]:
        """What is left of interrupted runs once one got through."""
        store = self.folder / "store" / "store"
        for pattern in (".work/*", ".leases/*", ".locks/lease-*"):
            yield from (f"left: {path.relative_to(self.folder)}" for path in store.glob(pattern))
        yield from (f"left: {name}" for name in self.temporary())
        if (found := {path.name for path in (self.folder / "run").iterdir()}) != REPORTS:
            yield f"the run directory holds {sorted(found)}"

    def result(self) -> dict[str, Any]:
        """What must be the same after every run."""
        return exact(self.folder / "run")


def exact(run: Path) -> dict[str, Any]:
    """What a run directory holds but times, and what is made of them."""
    report = json.loads((run / "report.json").read_text(encoding="utf-8"))
    files = {
        path.relative_to(run / "bundle").as_posix(): path for path in (run / "bundle").rglob("*") if path.is_file()
    }
    return {
        "chosen": report["chosen"],
        "labels": report["labels"],
        "passed": report["passed"],
        "differences": report["differences"],
        "measurements": [{name: one[name] for name in _EXACT_FACTS} for one in report["measurements"]],
        "stages": {stage["name"]: stage["key"] for stage in report["stages"]},
        "files": {name: "" if name in _BY_CHANCE else _digest(path) for name, path in sorted(files.items())},
    }


def prepare(folder: Path) -> Reference:
    """The reference in a folder, made where it isn't there yet, by whole runs on tiny models."""
    place = Place(folder / "place", Reference(folder / "recipe.yaml", folder / "place" / "store", {}, {}))
    kept = folder / "reference.json"
    if not kept.exists():
        folder.mkdir(parents=True, exist_ok=True)
        recipe = recipes.full(tiny.write_reviews(folder / "reviews.csv"), tiny.write_encoder(folder / "encoder"))
        workloads = [{"kind": "dataset", "min_seconds": 0.02, "min_calls": 5}]
        recipe["benchmark"] |= {"references": False, "workloads": workloads}
        recipe["bundle"] = {"variant": "int8"}
        recipes.write(folder, recipe)
        place.lay(Scene.EMPTY)
        spans: dict[str, float] = {Scene.EMPTY: _span(place), Scene.FINISHED: _span(place)}
        other = replace(place, folder=folder / "other")
        other.lay(Scene.MEASURING)
        spans[Scene.MEASURING], spans["child"] = _spans_of_measuring(other)
        assert not (said := compared(other.result(), place.result())), said
        shutil.rmtree(other.folder)
        kept.write_text(json.dumps({"result": place.result(), "spans": spans}, indent=1), encoding="utf-8")
    return replace(place.reference, **json.loads(kept.read_text(encoding="utf-8")))


def _span(place: Place) -> float:
    """Seconds of processor time of the command's first thread, from its start to its end."""
    running = place.start()
    running.ended().succeeds()
    return running.processor_s


def _spans_of_measuring(place: Place) -> tuple[float, float]:
    """That of the command, and that of the last process that measures."""
    running = place.start()
    while running.is_running():
        running.look(children=True)
        time.sleep(0.05)
    running.ended().succeeds()
    return running.processor_s, running.child_s


def compared(found: Any, expected: Any, where: str = "") -> list[str]:
    """Where two values of JSON differ."""
    if isinstance(found, dict) and isinstance(expected, dict):
        names = sorted(found.keys() | expected.keys())
        return [said for name in names for said in compared(found.get(name), expected.get(name), f"{where}.{name}")]
    if isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        pairs = enumerate(zip(found, expected, strict=True))
        return [said for number, (one, other) in pairs for said in compared(one, other, f"{where}.{number}")]
    return [] if found == expected else [f"{where} is {found!r}, not {expected!r}"]


def _digests(artifact: Artifact) -> dict[str, str]:
    return {name: file.sha256 for name, file in artifact.files.items()}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
