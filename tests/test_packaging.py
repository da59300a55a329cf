"""What is installed, and what the images are made of: no Docker engine needed, their commands run as they stand."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests import dockerfile
from tests.dockerfile import ROOT

STAGES = dockerfile.stages()
IMAGES = ("toolkit", "runtime")
HEAVY = ("torch", "transformers", "datasets", "onnx", "scikit-learn")


def run(*command: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True, timeout=300)


@pytest.mark.install
def test_base_install_is_light_and_answers(base_venv: Path, tmp_path: Path) -> None:
    listed = run(base_venv / "python", "-m", "pip", "list", "--format", "json")
    installed = {package["name"] for package in json.loads(listed.stdout)}
    assert installed.isdisjoint(HEAVY)
    assert {"onnxruntime", "tokenizers", "numpy"} <= installed
    for command in (["--help"], ["doctor"], ["serve", "--help"]):
        done = run(base_venv / "compressor", *command, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert done.stdout


@pytest.mark.install
def test_base_install_says_what_a_toolkit_command_lacks(base_venv: Path, reviews_csv: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(f"name: tiny\ndata: {{source: {reviews_csv}}}\nstudent: {{init: {tmp_path}}}\n")
    done = run(base_venv / "compressor", "run", recipe, cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    assert "compressor[toolkit]" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.install
def test_base_install_respects_the_constraints(base_venv: Path) -> None:
    frozen = run(base_venv / "python", "-m", "pip", "freeze", "--exclude", "compressor").stdout.split("\n")
    assert set(filter(None, frozen)) <= set((ROOT / "constraints.txt").read_text().splitlines())


@pytest.mark.install
def test_wheel_holds_the_shipped_recipes_and_no_tests(tmp_path: Path) -> None:
    done = run(sys.executable, "-m", "pip", "wheel", ROOT, "--no-deps", "--wheel-dir", tmp_path, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("compressor-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    shipped = {path.name for path in (ROOT / "recipes").iterdir() if path.is_file()}
    assert {f"compressor/recipe/shipped_recipes/{name}" for name in shipped} <= set(names)
    assert all(name.startswith(("compressor/", "compressor-")) for name in names)


def test_constraints_pin_every_dependency_to_one_version() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*", line)] == []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = sum(project["optional-dependencies"].values(), project["dependencies"])
    assert {_name(line) for line in wanted} - {"compressor"} <= {_name(line) for line in lines}


def _name(requirement: str) -> str:
    """The normalised name (PEP 503) that a requirement begins with."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^A-Za-z0-9._-]", requirement)[0]).lower()


@pytest.mark.parametrize("image", IMAGES)
def test_image_runs_as_a_plain_user_and_tells_its_health(image: str) -> None:
    stage = STAGES[image]
    (user,) = stage.all("USER")
    assert user not in ("root", "0")
    assert any(user in command for command in STAGES["base"].all("RUN"))
    (health,) = stage.all("HEALTHCHECK")
    assert health.endswith('CMD ["compressor", "doctor"]')
    assert stage.all("ENTRYPOINT") == ['["compressor"]']


def test_images_stand_on_one_pinned_base() -> None:
    outside = {stage.base for stage in STAGES.values()} - set(STAGES)
    assert len(outside) == 1
    assert re.fullmatch(r"python:3\.\d+\.\d+-[a-z-]+", outside.pop())


def test_images_are_built_from_files_that_are_there_and_not_ignored() -> None:
    sources = dockerfile.copied_from_context(STAGES["source"])
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert f"!{source}" in ignored, source


def test_images_hold_the_environment_they_installed() -> None:
    for image in IMAGES:
        assert STAGES[image].all("COPY") == [
            f"--from={image}-install {dockerfile.ENVIRONMENT} {dockerfile.ENVIRONMENT}"
        ]
        assert any("-c constraints.txt" in command for command in STAGES[f"{image}-install"].all("RUN"))
    assert not any("toolkit" in command for command in STAGES["runtime-install"].all("RUN"))


def test_the_runtime_image_serves_and_checks_signatures() -> None:
    """`sbom` and `verify` need the base install alone."""
    (installed,) = (command for command in STAGES["runtime-install"].all("RUN") if "pip install" in command)
    extras = set(re.findall(r"'\.\[(.*?)\]'", installed)[0].split(","))
    assert extras == {"serve", "sign"}
    assert extras <= tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"].keys()


def test_ci_runs_exactly_make_test() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert script.read_text().splitlines()[-1] == "exec make test"
    plan = run("make", "--dry-run", "test", cwd=ROOT)
    assert plan.returncode == 0, plan.stderr
    for step in ("ruff check", "ruff format --check", "mypy", "pytest"):
        assert step in plan.stdout


def test_make_says_what_to_do_without_a_python(tmp_path: Path) -> None:
    # A copy: the target is the environment's own pip, and here there is none.
    (tmp_path / "Makefile").write_text((ROOT / "Makefile").read_text())
    done = run("make", "PYTHON=", ".venv/bin/pip", cwd=tmp_path)
    assert done.returncode != 0
    assert "Python 3.11 or newer is needed" in done.stderr
