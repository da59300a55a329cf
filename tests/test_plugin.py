"""Components of another package, installed beside this one: `tests/plugin`, which docs/extending.md shows."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chain import recipes

PLUGIN = Path(__file__).parent / "plugin"
ROOT = PLUGIN.parents[1]
COSINE = {"kind": "cosine-logits", "power": 2}


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
    for module in PLUGIN.glob("*.py"):
        shutil.copy(module, folder)
    metadata = folder / f"compressor_example-{version}.dist-info"
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
    """A recipe that names what the plugin brings."""
    content = recipes.full(reviews_csv, encoder_folder)
    content["teacher"]["finetune"]["epochs"] = 1
    content["student"] = {"build": [{"kind": "layers", "keep": [0]}, {"kind": "no-dropout"}]}
    content["distill"] |= {"objectives": [COSINE, {"kind": "hard-labels"}], "epochs": 1}
    content["quantize"] = [{"method": "ort-static", "examples": 8}]
    grid = {"kind": "grid", "batch": [1], "sequence": [8], "min_seconds": 0.05, "min_calls": 10}
    content["benchmark"] = {"references": False, "workloads": [grid]}
    yield recipes.write(tmp_path, content)


@pytest.mark.slow
def test_what_is_installed_builds_trains_and_quantizes(installed: Path, recipe: Path, tmp_path: Path) -> None:
    done = compressor("run", recipe, "--out", tmp_path / "run", path=installed, home=tmp_path / "home")
    assert done.returncode == 0, done.stderr
    stages = {stage["name"]: stage for stage in json.loads((tmp_path / "run" / "report.json").read_text())["stages"]}
    losses = stages["distill"]["facts"]["history"][0]["objectives"]
    assert set(losses) == {"cosine-logits", "hard-labels"}
    assert 0 < losses["cosine-logits"] < 4
    assert stages["quantize/static"]["facts"]["calibrated_on"] == 8
    config = json.loads((tmp_path / "run" / "bundle" / "config.json").read_text())
    assert (config["num_hidden_layers"], config["hidden_dropout_prob"]) == (1, 0.0)


@pytest.mark.slow
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
    assert {"student", "distill", "quantize/static"} <= changed
    assert not changed & {"prepare", "teach", "label"}


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
    assert "compressor-example" in done.stderr and "a_package_that_is_not_there" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_page_shows_the_code_that_is_tested() -> None:
    page = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    for file in sorted(PLUGIN.iterdir()):
        if file.is_file():
            assert file.read_text(encoding="utf-8").strip() in page, file.name


@pytest.mark.slow
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
