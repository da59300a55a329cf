"""A component of another package, installed beside this one: `tests/plugin`, which docs/extending.md shows."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chain import recipes

PLUGIN = Path(__file__).parent / "plugin"
ROOT = PLUGIN.parents[1]
COSINE = {"kind": "cosine-logits", "power": 2}


def recipe_with(data: Path, model: Path, *objectives: dict[str, Any]) -> dict[str, Any]:
    recipe = recipes.full(data, model)
    recipe["distill"] |= {"objectives": list(objectives), "epochs": 1}
    return recipe


def compressor(*arguments: str | Path, path: Path, home: Path) -> subprocess.CompletedProcess[str]:
    """The program, in a process that finds what is installed in the folder `path`."""
    settings = {"PYTHONPATH": os.pathsep.join([str(path), str(ROOT)]), "COMPRESSOR_HOME": str(home)}
    command = [sys.executable, "-m", "compressor", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | settings)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds what pip writes there for the plugin: its module, its metadata, its entry points."""
    return install(tmp_path_factory.mktemp("installed"), version="1.0")


def install(folder: Path, *, version: str) -> Path:
    project = tomllib.loads((PLUGIN / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    shutil.copy(PLUGIN / "cosine_logits.py", folder)
    metadata = folder / f"compressor_cosine-{version}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {version}\n")
    groups = (
        f"[{group}]\n" + "".join(f"{name} = {module}\n" for name, module in points.items())
        for group, points in project["entry-points"].items()
    )
    (metadata / "entry_points.txt").write_text("\n".join(groups))
    return folder


@pytest.fixture
def recipe(tmp_path: Path, reviews_csv: Path, encoder_folder: Path) -> Iterator[Path]:
    """A recipe that names the plugin's objective."""
    yield recipes.write(tmp_path, recipe_with(reviews_csv, encoder_folder, COSINE, {"kind": "hard-labels"}))


def test_an_installed_objective_trains_a_student(installed: Path, recipe: Path, tmp_path: Path) -> None:
    overrides = ["--set", "benchmark.references=false", "--set", "teacher.finetune.epochs=1"]
    done = compressor("run", recipe, *overrides, "--out", tmp_path / "run", path=installed, home=tmp_path / "home")
    assert done.returncode == 0, done.stderr
    stages = {stage["name"]: stage for stage in json.loads((tmp_path / "run" / "report.json").read_text())["stages"]}
    losses = stages["distill"]["facts"]["history"][0]["objectives"]
    assert set(losses) == {"cosine-logits", "hard-labels"}
    assert 0 < losses["cosine-logits"] < 4


def test_its_version_is_part_of_what_a_cached_student_was_made_of(
    installed: Path, recipe: Path, tmp_path: Path
) -> None:
    newer = install(tmp_path, version="2.0")
    plans = []
    for path in (installed, newer):
        done = compressor("plan", recipe, "--format", "json", path=path, home=tmp_path / "home")
        assert done.returncode == 0, done.stderr
        plans.append({stage["name"]: stage["key"] for stage in json.loads(done.stdout)["stages"]})
    changed = {name for name in plans[0] if plans[0][name] != plans[1][name]}
    assert "distill" in changed
    assert not changed & {"prepare", "teach", "label", "student"}


def test_the_schema_and_messages_know_it_only_where_it_is_installed(
    installed: Path, recipe: Path, tmp_path: Path
) -> None:
    for path, known in ((installed, True), (tmp_path / "nothing", False)):
        schema = compressor("schema", path=path, home=tmp_path)
        assert ("CosineLogits" in schema.stdout) == known
        done = compressor("validate", recipe, path=path, home=tmp_path)
        assert done.returncode == (0 if known else 2)
    assert "distill.objectives.0.kind: there is no kind 'cosine-logits'" in done.stderr


def test_a_misspelt_option_of_it_is_explained(installed: Path, recipe: Path, tmp_path: Path) -> None:
    wrong = ["--set", "distill.objectives.0={kind: cosine-logits, powr: 2}"]
    done = compressor("validate", recipe, *wrong, path=installed, home=tmp_path)
    assert done.returncode == 2
    assert "distill.objectives.0.powr: is not a known key (did you mean `power`?)" in done.stderr


def test_a_package_that_cannot_be_imported_is_named(recipe: Path, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    install(folder, version="1.0")
    (folder / "cosine_logits.py").write_text("import a_package_that_is_not_there\n")
    done = compressor("validate", recipe, path=folder, home=tmp_path)
    assert done.returncode == 3
    assert "compressor-cosine" in done.stderr and "a_package_that_is_not_there" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.install
def test_pip_installs_it(recipe: Path, tmp_path: Path) -> None:
    target = tmp_path / "site"
    options = ["--no-deps", "--disable-pip-version-check", "--target", str(target)]
    source = shutil.copytree(PLUGIN, tmp_path / "source")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, str(source)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    validated = compressor("validate", recipe, path=target, home=tmp_path)
    assert validated.returncode == 0, validated.stderr
