"""Stages that cost nothing, and plans made of them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from compressor.chain.plan import RecipePlan
from compressor.chain.run import run_plan
from compressor.engine.artifact import Artifact, Made
from compressor.engine.key import Json, Key
from compressor.engine.stage import Stage
from compressor.engine.store import Store
from compressor.errors import TargetUnavailable, WorkerError
from compressor.events import Events, Silent
from compressor.recipe import load_recipe
from compressor.report.document import RunReport

Action = Callable[[Path, Events], None]


class Heard(Silent):
    """Events, kept."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.notes: list[str] = []
        self.failed: list[tuple[str, str]] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def note(self, message: str) -> None:
        self.notes.append(message)

    def stage_failed(self, name: str, error: str) -> None:
        self.failed.append((name, error))


@dataclass(frozen=True, kw_only=True)
class Fake(Stage):
    """Writes `note.txt`: its name, its setting and the notes it reads. `action` is what goes wrong, or is looked at."""

    kind = "fake"

    setting: int = 0
    ran: list[str] = field(default_factory=list)
    action: Action | None = None

    @property
    def config(self) -> dict[str, Json]:
        return {"name": self.name, "setting": self.setting}

    def run(self, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
        self.ran.append(self.name)
        if self.action:
            self.action(out, events)
        read = [(artifact.folder / "note.txt").read_text(encoding="utf-8") for artifact in inputs.values()]
        (out / "note.txt").write_text(f"{self.name}={self.setting}({','.join(read)})", encoding="utf-8")
        if self.name == "export":
            labels = {"id2label": {"0": "bad", "1": "good"}}
            (out / "config.json").write_text(json.dumps(labels), encoding="utf-8")
        if self.name == "bundle":
            (out / "bundle").mkdir()
            (out / "bundle" / "model.onnx").write_text(f"{self.setting}", encoding="utf-8")
            return {"setting": self.setting, "chosen": "fp32"}
        return {"setting": self.setting}


class ResumableFake(Fake):
    """A fake that goes on from what an interrupted run left."""

    resumable = True


class SparingFake(Fake):
    """A fake whose failure doesn't stop the others."""

    spares = (WorkerError, TargetUnavailable)


CHAIN = {"first": [], "second": ["first"], "side": [], "export": ["second", "side"], "bundle": ["export"]}
"""Name -> what it reads."""


def fake_plan(
    folder: Path,
    ran: list[str],
    *,
    settings: Mapping[str, int] | None = None,
    actions: Mapping[str, Action] | None = None,
    resumable: Sequence[str] = (),
    sparing: Sequence[str] = (),
    gates: str = "{}",
) -> RecipePlan:
    """A plan of the stages of `CHAIN`; those that run are added to `ran`."""
    (folder / "recipe.yaml").write_text(f"name: fake\nstudent: {{init: nowhere}}\ngates: {gates}\n", encoding="utf-8")
    stages = tuple(
        (ResumableFake if name in resumable else SparingFake if name in sparing else Fake)(
            name=name,
            inputs={read: read for read in reads},
            setting=(settings or {}).get(name, 0),
            action=(actions or {}).get(name),
            ran=ran,
        )
        for name, reads in CHAIN.items()
    )
    keys: dict[str, Key] = {}
    for stage in stages:
        keys[stage.name] = fake_key(stage.config, {role: keys[name].digest for role, name in stage.inputs.items()})
    recipe = load_recipe(folder / "recipe.yaml")
    return RecipePlan(stages=stages, keys=keys, recipe=recipe, skipped={})


def fake_key(config: Mapping[str, Any], inputs: Mapping[str, str] | None = None, kind: str = "fake") -> Key:
    return Key({"kind": kind, "version": 1, "config": dict(config), "inputs": dict(inputs or {})})


def rot(file: Path) -> None:
    """Change a byte, and leave size and time as they were."""
    stat = file.stat()
    content = bytearray(file.read_bytes())
    content[0] ^= 1
    file.write_bytes(bytes(content))
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def run(plan: RecipePlan, out: Path, *, force: Sequence[str] = (), events: Heard | None = None) -> RunReport:
    """Run a plan below `out`, with a store of its own."""
    return run_plan(plan, out=out / "run", events=events or Heard(), store=Store(out / "store"), force=force)


def status(out: Path) -> dict[str, Any]:
    """`run.json` of a run below `out`."""
    found: dict[str, Any] = json.loads((out / "run" / "run.json").read_text(encoding="utf-8"))
    return found


def events_of(out: Path) -> list[dict[str, Any]]:
    """The log of a run below `out`."""
    lines = (out / "run" / "events.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


KEY = fake_key({"setting": 1})


def writes(text: str = "made") -> Callable[[Path], Made]:
    def run(out: Path) -> Made:
        (out / "model").mkdir(exist_ok=True)
        (out / "model" / "weights").write_text(text, encoding="utf-8")
        (out / "facts.txt").write_text("beside", encoding="utf-8")
        return Made({"rows": 3}, 1.5, 123.44)

    return run


def make(store: Store, text: str = "made", events: Heard | None = None) -> tuple[Artifact, bool]:
    return store.make(KEY, "fake", writes(text), resume=False, force=False, events=events or Heard())
