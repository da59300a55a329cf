"""The house rules that a reader relies on, checked in the source: docs/architecture.md says why."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from compressor.task_specs import TASK_SPECS

PACKAGE = Path(__file__).resolve().parents[1] / "compressor"
FILES = sorted(PACKAGE.rglob("*.py"))
MAX_LINES = 350
HEAVY = {"torch", "transformers", "datasets", "sklearn", "onnx"}

GROUND = {
    "child",
    "disk",
    "errors",
    "events",
    "home",
    "interruption",
    "json_file",
    "memory",
    "overwrite",
    "processes",
    "registry",
    "scratch",
    "task_specs",
    "toolkit",
}
ABOVE_GROUND = {
    "child",
    "architectures",
    "recipe",
    "sources",
    "tasks",
    "data",
    "distill",
    "deploy",
    "bench",
    "runtime",
    "report",
    "compare",
    "explain",
    "evaluate",
    "audit",
    "history",
    "predict",
    "provenance",
    "push",
    "serve",
    "clients",
}
MAY_IMPORT: dict[str, set[str]] = {
    **{room: set() for room in GROUND},
    "disk": {"errors"},
    "overwrite": {"disk", "errors"},
    "processes": {"errors"},
    "registry": {"errors"},
    "task_specs": {"registry"},
    "toolkit": {"errors"},
    "recipe": GROUND,
    "sources": GROUND,
    "runtime": {"errors", "json_file", "registry", "task_specs"},
    "architectures": set(),
    "tasks": GROUND | {"architectures", "recipe", "runtime"},
    "data": GROUND | {"tasks", "sources", "recipe"},
    "distill": GROUND | {"architectures", "tasks", "data", "recipe", "runtime"},
    "bench": GROUND | {"architectures", "runtime", "recipe"},
    "predict": GROUND | {"runtime"},
    "provenance": GROUND | {"runtime"},
    "push": GROUND | {"runtime", "sources"},
    "serve": GROUND | {"provenance", "runtime"},
    "clients": GROUND | {"runtime"},
    "compare": GROUND | {"bench", "runtime", "recipe"},
    "deploy": GROUND | {"tasks", "provenance", "recipe", "runtime"},
    "report": GROUND | {"bench.results", "compare.results"},
    "evaluate": GROUND | {"bench", "data", "explain", "runtime", "report.blocks", "report.format"},
    "explain": GROUND | {"bench", "data", "report.explanation", "runtime"},
    "audit": GROUND | {"bench", "compare", "evaluate", "recipe", "report", "runtime"},
    "history": GROUND | {"bench.results", "report", "runtime"},
    "engine": GROUND | {"sources"},
    "chain": GROUND | ABOVE_GROUND | {"engine"},
    "init": GROUND | {"data", "distill.device", "recipe", "report.format"},
    "study": GROUND | ABOVE_GROUND | {"engine", "chain"},
    "cli": GROUND | ABOVE_GROUND | {"engine", "chain", "init", "study"},
    "pytest_plugin": {"compare", "errors", "recipe"},
    "api": GROUND | ABOVE_GROUND | {"engine", "chain", "study"},
    "__main__": {"cli", "interruption"},
}


def room_of(module: str) -> str:
    return module.split(".")[1]


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Every module of ours that a file imports, at any depth: line and full name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from ((node.lineno, name) for name in names if name.startswith("compressor."))


def relative(path: Path) -> str:
    return str(path.relative_to(PACKAGE.parent))


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_imports_point_down(path: Path) -> None:
    if path == PACKAGE / "__init__.py":
        # For type checkers alone: `import compressor` loads nothing.
        assert {name.rpartition(".")[0] for _, name in imports(path)} == {"compressor.api"}
        return
    room = room_of(module_of(path))
    wrong = [
        f"{relative(path)}:{line}: {room} may not import {name}"
        for line, name in imports(path)
        if name != "compressor.__version__"
        and room_of(name) != room
        and not any(f"{name}.".startswith(f"compressor.{allowed}.") for allowed in MAY_IMPORT[room])
    ]
    assert wrong == []


def test_every_room_is_in_the_table_of_the_architecture() -> None:
    text = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text.partition("## Rooms")[2].partition("\n## ")[0]
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert set(re.findall(r"^\| `(\w+)/` ", table, re.MULTILINE)) == rooms


def test_files_stay_short() -> None:
    lengths = {relative(path): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert {path: length for path, length in lengths.items() if length > MAX_LINES} == {}


def test_only_the_reporter_and_the_command_line_print() -> None:
    speakers = {"report", "cli"}
    found = [
        f"{relative(path)}:{node.lineno}"
        for path in FILES
        if room_of(module_of(path)) not in speakers
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert found == []


def test_only_tasks_ask_which_task_it_is() -> None:
    """A new task is one more file in tasks/ and its answers in runtime/, never a comparison somewhere else."""
    tasks = set(TASK_SPECS.names)

    def asks(node: ast.AST) -> bool:
        if isinstance(node, ast.MatchValue):
            return isinstance(node.value, ast.Constant) and node.value.value in tasks
        if not isinstance(node, ast.Compare):
            return False
        sides = [node.left, *node.comparators]
        names = {getattr(side, "attr", getattr(side, "id", None)) for side in sides}
        literals = {leaf.value for side in sides for leaf in ast.walk(side) if isinstance(leaf, ast.Constant)}
        return bool(literals & tasks) or ("task" in names and any(isinstance(literal, str) for literal in literals))

    found = [
        f"{relative(path)}:{getattr(node, 'lineno', 0)}"
        for path in FILES
        if room_of(module_of(path)) != "tasks"
        and relative(path) != "compressor/task_specs.py"
        and path.parent != PACKAGE / "runtime" / "tasks"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if asks(node)
    ]
    assert found == []


@pytest.mark.parametrize(
    "module",
    [
        "recipe",
        "sources",
        "runtime",
        "report.render",
        "report.blocks",
        "report.model_card",
        "bench",
        "engine.runner",
        "chain.run",
        "study.run",
        "push",
        "serve.server",
        "cli",
    ],
)
def test_importing_it_leaves_the_heavy_libraries_alone(module: str) -> None:
    code = f"import sys, compressor.{module}; print(*{HEAVY} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


def test_reading_a_recipe_imports_every_component_and_no_heavy_library() -> None:
    code = (
        "import sys; from compressor.recipe import json_schema; json_schema()\n"
        "print(*(name for name in sys.modules if name.startswith('compressor.')))\n"
        f"print(*{HEAVY | {'onnxruntime'}} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    imported, heavy = done.stdout.split("\n")[:2]
    components = ["distill.objectives.soft_targets", "distill.builders.layers", "deploy.quantize.dynamic"]
    assert {f"compressor.{name}" for name in components} <= {*imported.split()}
    assert heavy == ""


def test_help_leaves_the_heavy_libraries_alone() -> None:
    code = (
        "import sys; from compressor.__main__ import main; sys.argv = ['compressor', '--help']\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        f"heavy = {HEAVY | {'onnxruntime'}} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout
