"""The Dockerfile as data, and its commands run without a Docker engine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = "/opt/compressor"
"""Where the images keep their virtual environment."""


@dataclass(frozen=True)
class Stage:
    """One FROM of the file and the instructions below it, in order."""

    base: str
    name: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def all(self, keyword: str) -> list[str]:
        return [rest for found, rest in self.instructions if found == keyword]


def stages() -> dict[str, Stage]:
    """Every stage by name."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    found: dict[str, Stage] = {}
    for line in text.splitlines():
        keyword, _, rest = line.strip().partition(" ")
        if keyword == "FROM":
            base, name = rest.split(" AS ")
            found[name] = stage = Stage(base, name)
        elif keyword and not keyword.startswith("#"):
            stage.instructions.append((keyword, " ".join(rest.split())))
    return found


def copied_from_context(stage: Stage) -> list[str]:
    """The paths that a stage's COPY lines take out of the repository."""
    sources = []
    for line in stage.all("COPY"):
        if not line.startswith("--from="):
            sources += line.split()[:-1]
    return sources


def install_runtime(folder: Path) -> Path:
    """Do in `folder` what the image's `runtime-install` stage does, with the files its COPY lines name and no others.

    Returns the new environment's folder of programs.
    """
    source, environment = folder / "source", folder / "environment"
    source.mkdir()
    for name in copied_from_context(stages()["source"]):
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, source / name)
    shell = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for command in stages()["runtime-install"].all("RUN"):
        line = command.replace(ENVIRONMENT, str(environment))
        done = subprocess.run(["sh", "-c", line], cwd=source, env=shell, capture_output=True, text=True)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    return environment / "bin"
