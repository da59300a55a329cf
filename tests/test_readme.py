"""What README.md and docs/ tell a user to type works as it stands there."""

from __future__ import annotations

import re
import shlex
import shutil
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_args

import pytest
import yaml

from compressor import errors
from compressor.compare.results import Comparison
from compressor.compare.self_test import Figures, SelfTest
from compressor.engine.plan import Plan
from compressor.provenance import sign
from compressor.push import Sent
from compressor.recipe import load_recipe
from compressor.recipe.benchmark import Target, WorkloadConfig
from compressor.recipe.shipped import shipped
from compressor.report.document import RunReport
from tests import tiny
from tests.command import ROOT, compressor
from tests.provenance.keys import write_keys
from tests.runtime import bundles
from tests.tiny_run import TinyRun

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PLUGIN_PAGE = "extending.md"
"""Its code and recipe belong to the example package: `tests/test_plugin.py` runs them."""
BARE = {
    "run": ["RECIPE"],
    "validate": ["RECIPE"],
    "init": ["reviews.csv"],
    "bench": ["runs/quickstart/bundle"],
    "cache why": ["RECIPE"],
    "compress": ["--help"],
    "tune": ["--help"],
    "tune RECIPE": ["--help"],
}
"""Commands that are spoken of without their arguments, and some to try them with."""


class Block(NamedTuple):
    """A fenced block: the page, the line it begins at, its language, its text."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks(*languages: str) -> list[Block]:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            line = text[: match.start()].count("\n") + 2
            found.append(Block(page, line, match[1], match[2]))
    return [block for block in found if block.language in languages and block.page.name != PLUGIN_PAGE]


def commands() -> Iterator[tuple[str, str]]:
    """Every `compressor ...` that is shown: after `$`, in an indented line, or between backticks; and where."""
    shown = re.compile(r"^(?:\$ |    )(compressor .*)$|`(compressor [^`]*)`", re.MULTILINE)
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in shown.finditer(text):
            line = text[: match.start()].count("\n") + 1
            yield f"{page.name}:{line}", " ".join((match[1] or match[2]).split("#")[0].split())


COMMANDS = list(commands())


@pytest.fixture
def reader(tmp_path: Path, tiny_run: TinyRun, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of somebody who reads along: the files that the pages name are there, tiny ones."""
    (tmp_path / "runs" / "quickstart").mkdir(parents=True)
    (tmp_path / "runs" / "quickstart" / "bundle").symlink_to(tiny_run.bundle)
    (tmp_path / "runs" / "quickstart" / "report.json").write_text(tiny_run.result.out, encoding="utf-8")
    text = tiny_run.recipe.read_text(encoding="utf-8")
    for name in ("recipe.yaml", "reviews.yaml", "RECIPE"):
        (tmp_path / name).write_text(text, encoding="utf-8")
    compressor("recipes", "cp", "quickstart", tmp_path / "quickstart.yaml").succeeds()
    (tmp_path / "my_texts.txt").write_text("a good film\n", encoding="utf-8")
    tiny.write_reviews(tmp_path / "reviews.csv", 20)
    monkeypatch.setenv("COMPRESSOR_HOME", str(tiny_run.home_of_my_own(tmp_path)))
    report = tmp_path / "runs" / "quickstart" / "report.json"
    compressor("history", "add", report, "--name", "quickstart").succeeds()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def signable(reader: Path) -> None:
    """Keys, and a copy of the bundle that they have signed, in the reader's folder."""
    keys = write_keys(reader)
    bundle = reader / "runs" / "quickstart" / "bundle"
    whole = bundle.resolve()
    bundle.unlink()
    shutil.copytree(whole, bundle)
    sign(bundle, keys.private)


def test_commands_and_blocks_are_found() -> None:
    assert {"run", "predict", "verify", "bench", "validate"} <= {command.split()[1] for _, command in COMMANDS}
    assert len(blocks("yaml")) >= 4
    assert len(blocks("python")) >= 4


@pytest.mark.parametrize(("place", "command"), COMMANDS)
def test_a_command_that_is_shown_works(
    place: str, command: str, reader: Path, tiny_run: TinyRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = shlex.split(re.sub("PATH|BUNDLE", "runs/quickstart/bundle", command))[1:]
    words += BARE.get(" ".join(words), [])
    if words[0] == "run" and words[1] in shipped():
        words[1] = "RECIPE"  # `tests/shipped` runs these; their data and teachers aren't here
    if words[0] == "init":
        (reader / "recipe.yaml").unlink()
    if words[0] == "bench":
        words += ["--seconds", "0.1"]
    if words[0] == "sign" or "--key" in words:
        signable(reader)
    if "--pair" in words:
        words[1] = str(bundles.write(reader / "pairs", pairs=True))

    def planned_only(plan: Plan, *, force: Sequence[str], **_: object) -> RunReport:
        assert set(force) <= set(plan.keys)
        return RunReport.from_json(tiny_run.result.json)

    def compared(*_: object, **__: object) -> Comparison:
        return Comparison("A", "B", "cpu-1", (), created="")

    def tested(*_: object, **__: object) -> SelfTest:
        return SelfTest("tiny", 0.1, 0.05, 0.01, (Figures("same", 1, {"pass": 1}, 0.0, 0.0, 0, 0.95),))

    monkeypatch.setattr("compressor.serve.command.serve", lambda *_, **__: None)
    monkeypatch.setattr("compressor.push.send", lambda *_, **__: Sent("https://hub/commit", created=True))
    monkeypatch.setattr("compressor.compare.self_test.self_test", tested)
    monkeypatch.setattr("compressor.chain.run.run_plan", planned_only)
    monkeypatch.setattr("compressor.compare.command.compare_paths", compared)
    monkeypatch.setattr("compressor.compare.revisions.compare_revisions", compared)
    compressor(*words).succeeds()


@pytest.mark.parametrize("block", blocks("yaml"), ids=str)
def test_a_recipe_that_is_shown_is_valid(block: Block, reader: Path) -> None:
    shown: Any = yaml.safe_load(block.text)
    if shown is None:
        assert "schema.json" in block.text
        return
    whole = {"name": "shown"} | shown
    file = reader / "shown.yaml"
    file.write_text(yaml.safe_dump(whole, sort_keys=False), encoding="utf-8")
    assert load_recipe(file).name == whole["name"]


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_python_that_is_shown_runs(block: Block, reader: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = compile(block.text, str(block), "exec")
    if "optimum.onnxruntime" in block.text or "sentence_transformers" in block.text:
        return  # optimum-onnx can't be installed beside transformers 5: tests/clients runs it
    if "onnxruntime_extensions" in block.text:
        return  # tests/clients runs it, with a bundle that has such a file
    exec(program, {"__name__": "__main__"})
    assert capsys.readouterr().out


def test_every_key_of_targets_and_workloads_is_told() -> None:
    text = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8").partition("## Measuring and gates")[2]
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (.*) \|$", text.partition("\n## ")[0], re.MULTILINE))
    assert set(Target.model_fields) <= rows.keys()
    for workload in get_args(get_args(WorkloadConfig)[0]):
        (kind,) = get_args(workload.model_fields["kind"].annotation)
        assert set(re.findall(r"`(\w+)`", rows[kind])) == workload.model_fields.keys() - {"kind"}


def test_the_exit_codes_that_are_told_are_those_of_the_errors() -> None:
    text = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    told = set(re.findall(r"(\d+) [a-z]", text.partition("Exit codes:")[2].partition("\n\n")[0]))
    raised = {str(found.exit_code) for name in errors.__all__ if hasattr(found := getattr(errors, name), "exit_code")}
    assert raised | {"0", "130", "101"} == told


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_are_named_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = [page.parent / target for target in re.findall(r"\]\(([^)#\s]+)\)", text) if "://" not in target]
    scripts = [ROOT / "benchmarks" / name for name in re.findall(r"python -m benchmarks\.(\w+)", text)]
    scripts = [path if path.is_dir() else path.with_suffix(".py") for path in scripts]
    assert [str(path) for path in (*links, *scripts) if not path.exists()] == []


def test_tests_that_are_named_are_there() -> None:
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)
    assert len(named) > 40
    for file, test in named:
        assert re.search(rf"^def {test}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE), (file, test)


def test_make_targets_that_are_named_are_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in PAGES:
        named = set(re.findall(r"(?:^\$ |`)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE))
        assert named <= targets, page.name


def test_the_tree_in_the_readme_is_the_tree() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (tree,) = [block.text for block in blocks("") if block.text.startswith("compressor/\n")]
    for name in re.findall(r"^  (\S+)", tree, re.MULTILINE):
        assert (ROOT / "compressor" / name).exists(), name
    for name in re.findall(r"^(\S+/) ", tree, re.MULTILINE):
        assert (ROOT / name).is_dir(), name
    shown = set(re.findall(r"^  (\w+)/", tree, re.MULTILINE))
    rooms = {path.parent.name for path in (ROOT / "compressor").glob("*/__init__.py")}
    assert shown == rooms, "a room is missing in the README"
    assert "constraints.txt" in text


def test_extras_that_are_named_are_there() -> None:
    extras = set(
        tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    )
    for page in PAGES:
        named = set(re.findall(r"(?:'\.|compressor)\[(\w+)\]", page.read_text(encoding="utf-8")))
        assert named <= extras, page.name
