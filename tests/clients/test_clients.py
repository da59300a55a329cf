"""Bundles of every task in the real clients, as they are installed from their registries.

`tests/clients/README.md` says what each client needs; where a program isn't there, its tests are skipped.
"""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compressor.clients import c, csharp, web
from compressor.clients.npm import PACKAGE
from compressor.clients.web import BROWSERS
from compressor.runtime import load, open_session
from tests.clients import bundles
from tests.clients.bundles import KINDS, Kind
from tests.command import ROOT, compressor

pytestmark = [pytest.mark.slow, pytest.mark.install]

Make = Callable[[str], Path]
TRANSFORMERS_JS = f"{PACKAGE}@4.3.2"
HEADERS = "com.github.asus4.onnxruntime@0.4.9"
"""A package of npm that brings onnxruntime's C headers, for API 29."""
BRACES = str.maketrans("{}", "[]")
OPTIMUM = ("torch==2.13.0", "optimum-onnx==0.1.0", "onnxruntime==1.32.0")
SENTENCE_TRANSFORMERS = (*OPTIMUM, "sentence-transformers==5.7.0")


def need(*programs: str) -> None:
    """Skip where none of these is installed."""
    if not any(map(shutil.which, programs)):
        pytest.skip(f"there is no {' or '.join(programs)} here")


def install(*command: str | Path, folder: Path) -> Path:
    done = subprocess.run([*map(str, command)], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return folder


@pytest.fixture(scope="session")
def bundle_of(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """The bundle of a task, made once. Read only."""
    made: dict[str, Path] = {}

    def get(task: str) -> Path:
        if task not in made:
            pairs = KINDS[task].pairs
            made[task] = write(tmp_path_factory.mktemp(task), task, KINDS[task], own_class=pairs)
        return made[task]

    return get


def write(folder: Path, task: str, kind: Kind, *, own_class: bool) -> Path:
    """transformers.js tells two texts of a row apart only for tokenizers with a class of their own."""
    name = "BertTokenizer" if own_class else "PreTrainedTokenizerFast"
    return bundles.write(folder, task, kind, tokenizer_class=name)


@pytest.fixture(scope="session")
def npm_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where transformers.js is installed."""
    need("npm")
    folder = tmp_path_factory.mktemp("npm")
    (folder / "package.json").write_text('{"private": true}', encoding="utf-8")
    return install("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", TRANSFORMERS_JS, folder=folder)


@pytest.fixture(scope="session")
def headers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where onnxruntime's header is; the library is the one of the Python package."""
    need("cc", "gcc", "clang")
    need("npm")
    folder = tmp_path_factory.mktemp("headers")
    (folder / "package.json").write_text('{"private": true}', encoding="utf-8")
    return install("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", HEADERS, folder=folder)


@pytest.fixture(scope="session")
def optimum(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with optimum-onnx and transformers 4."""
    return environment(tmp_path_factory.mktemp("optimum"), *OPTIMUM)


@pytest.fixture(scope="session")
def sentence_transformers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with sentence-transformers and its ONNX backend."""
    return environment(tmp_path_factory.mktemp("sentence-transformers"), *SENTENCE_TRANSFORMERS)


def environment(folder: Path, *packages: str) -> Path:
    install(sys.executable, "-m", "venv", folder, folder=folder)
    return install(folder / "bin" / "python", "-m", "pip", "install", "--quiet", *packages, folder=folder)


def verified(client: str, bundle: Path, path: Path) -> Any:
    found = compressor("verify", bundle, "--client", client, "--client-path", path, "--format", "json")
    return found.succeeds().json


@pytest.mark.parametrize("task", KINDS)
def test_node_answers_as_sealed(task: str, bundle_of: Make, npm_folder: Path) -> None:
    need("node")
    found = verified("node", bundle_of(task), npm_folder)
    assert found["versions"]["transformers.js"] == TRANSFORMERS_JS.rpartition("@")[2]
    assert (found["texts"], found["tokenized"]) == (6, 5)
    assert found["pipelines"] == (0 if task == "regression" else 15)


@pytest.mark.parametrize("task", KINDS)
def test_a_page_in_a_browser_answers_as_sealed(task: str, bundle_of: Make, npm_folder: Path) -> None:
    need(*BROWSERS)
    found = verified("web", bundle_of(task), npm_folder)
    assert (found["texts"], found["tokenized"]) == (6, 5)
    assert found["pipelines"] == (0 if task == "regression" else 15)


@pytest.mark.parametrize("task", KINDS)
def test_a_page_with_webgpu_answers_as_sealed(task: str, bundle_of: Make, npm_folder: Path) -> None:
    need(*BROWSERS)
    command = ("verify", bundle_of(task), "--client", "webgpu", "--client-path", npm_folder, "--format", "json")
    found = compressor(*command)
    if "no adapter" in found.err:
        pytest.skip("the browser has no adapter for WebGPU")
    told = found.succeeds().json
    assert told["versions"]["adapter"]
    assert (told["texts"], told["tokenized"]) == (6, 5)


@pytest.mark.parametrize("task", KINDS)
def test_c_answers_as_sealed(task: str, bundle_of: Make, headers: Path) -> None:
    found = verified("c", bundle_of(task), headers)
    assert set(found["variants"]) == {"fp32", "int8", "int4-weights"}
    assert found["tokenized"] == 0


@pytest.mark.parametrize("task", KINDS)
def test_c_sharp_answers_as_sealed(task: str, bundle_of: Make, headers: Path) -> None:
    need("mcs")
    need("mono")
    found = verified("csharp", bundle_of(task), headers)
    assert set(found["variants"]) == {"fp32", "int8", "int4-weights"}
    assert found["tokenized"] == 0 and "Mono" in found["versions"]["compiler"]


@pytest.mark.parametrize("task", KINDS)
def test_optimum_answers_as_sealed(task: str, bundle_of: Make, optimum: Path) -> None:
    found = verified("optimum", bundle_of(task), optimum)
    windows = task == "question-answering"
    assert found["tokenized"] == (5 if windows else 6)
    assert found["pipelines"] == 18 or windows


@pytest.mark.parametrize("options", [{"pooling": "mean"}, {"pooling": "cls", "dimensions": 8}], ids=str)
def test_sentence_transformers_answers_as_sealed(
    options: dict[str, Any], tmp_path: Path, sentence_transformers: Path
) -> None:
    bundle = bundles.write(tmp_path, "sentence-embedding", Kind(bundles.SINGLE, options=options))
    found = verified("sentence-transformers", bundle, sentence_transformers)
    assert (found["texts"], found["tokenized"], found["pipelines"]) == (6, 6, 18)
    assert max(found["variants"].values()) < 1e-6


def test_node_says_where_it_takes_two_texts_for_one(tmp_path: Path, npm_folder: Path) -> None:
    """Its general tokenizer class gives no `token_type_ids`: such a bundle of pairs answers otherwise there."""
    need("node")
    task = "text-classification"
    other = write(tmp_path / "other", task, bundles.PAIR_KIND, own_class=False)
    command = ("verify", other, "--client", "node", "--client-path", npm_folder)
    compressor(*command).fails(1, "fp32", "token_type_ids", "BertTokenizer")
    own = write(tmp_path / "own", task, bundles.PAIR_KIND, own_class=True)
    assert verified("node", own, npm_folder)["tokenized"] > 0


def shown(language: str, about: str = "") -> str:
    """The program to copy on the page of the clients, that of its language in which these words stand."""
    page = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
    programs = re.findall(rf"^```{language}\n(.+?)^```$", page, re.MULTILINE | re.DOTALL)
    (program,) = (one for one in programs if about in one)
    assert program.count("\n") <= 20
    return str(program)


@pytest.fixture
def copied(tmp_path: Path, bundle_of: Make) -> Path:
    """A folder with a bundle where the programs look for one."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "bundle").symlink_to(bundle_of("text-classification"))
    return tmp_path


def expected(copied: Path, text: str = "a gripping, funny film") -> Any:
    return load(copied / "models" / "bundle", variant="int8").predict(text)


def test_the_program_for_node_answers(copied: Path, npm_folder: Path) -> None:
    need("node")
    (copied / "node_modules").symlink_to(npm_folder / "node_modules")
    (copied / "ask.mjs").write_text(shown("js"), encoding="utf-8")
    done = subprocess.run(["node", "ask.mjs"], cwd=copied, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (answer,) = json.loads(done.stdout)
    assert answer == {"label": expected(copied).label, "score": pytest.approx(expected(copied).score, abs=1e-4)}


def test_the_page_answers(copied: Path, npm_folder: Path) -> None:
    need(*BROWSERS)
    page = copied / "page.html"
    told = 'fetch("/answers", { method: "POST", body: document.querySelector("#answer").textContent });\n</script>'
    page.write_text(shown("html").replace("</script>", told), encoding="utf-8")
    folders = {"node_modules": npm_folder / "node_modules", "models": copied / "models"}
    browser = next(filter(None, map(shutil.which, BROWSERS)))
    with web.served(folders, {"/": page}) as (address, answers), web.opened(browser, address, copied):
        (answer,) = json.loads(answers.get(timeout=300))
    assert answer == {"label": expected(copied).label, "score": pytest.approx(expected(copied).score, abs=0.05)}


def test_the_program_in_c_answers(copied: Path, headers: Path) -> None:
    need("cc")
    program = shown("c")
    (copied / "ask.c").write_text(program, encoding="utf-8")
    library, header = c.find_library(None), c.find_header(headers)
    (copied / "libonnxruntime.so.1").symlink_to(library)
    flags: list[str | Path] = [
        "-Wall",
        "-Werror",
        "ask.c",
        "-I",
        header.parent,
        library,
        f"-Wl,-rpath,{copied}",
        "-o",
        "ask",
    ]
    install("cc", *flags, folder=copied)
    done = subprocess.run([copied / "ask"], cwd=copied, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    rows = json.loads("[" + re.findall(r"row\[3\]\[6\] = \{(.+?)\}, shape", program)[0].translate(BRACES) + "]")
    names = ("input_ids", "attention_mask", "token_type_ids")
    session = open_session(copied / "models" / "bundle" / "onnx" / "model_quantized.onnx")
    (logits,) = session.run({name: np.array([row]) for name, row in zip(names, rows, strict=True)})
    assert [float(word) for word in done.stdout.split()] == pytest.approx(logits[0, :2].tolist(), abs=1e-5)


def test_the_program_in_c_sharp_answers(copied: Path, headers: Path) -> None:
    need("mcs")
    need("mono")
    program = shown("csharp")
    (copied / "Ask.cs").write_text(program, encoding="utf-8")
    managed = csharp.compile_managed("mcs", csharp.find_sources(headers), copied)
    (copied / "libonnxruntime.so").symlink_to(c.find_library(None))
    install("mcs", f"-r:{managed}", "Ask.cs", folder=copied)
    done = subprocess.run(["mono", "Ask.exe"], cwd=copied, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    row = [2, 43, 16, 28, 51, 3]
    given = {"input_ids": row, "attention_mask": [1] * 6, "token_type_ids": [0] * 6}
    session = open_session(copied / "models" / "bundle" / "onnx" / "model_quantized.onnx")
    (logits,) = session.run({name: np.array([numbers]) for name, numbers in given.items()})
    assert [float(word) for word in done.stdout.split()] == pytest.approx(logits[0].tolist(), abs=1e-5)


def test_the_program_for_optimum_answers(copied: Path, optimum: Path) -> None:
    done = subprocess.run(
        [optimum / "bin" / "python", "-I", "-c", shown("python", "optimum")], cwd=copied, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (answer,) = ast.literal_eval(done.stdout.strip().splitlines()[-1])
    assert answer == {"label": expected(copied).label, "score": pytest.approx(expected(copied).score, abs=1e-4)}


def test_the_program_for_sentence_transformers_answers_by_the_default_variant(
    tmp_path: Path, bundle_of: Make, sentence_transformers: Path
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "bundle").symlink_to(bundle_of("sentence-embedding"))
    program = shown("python", "sentence_transformers")
    command = [str(sentence_transformers / "bin" / "python"), "-I", "-c", program]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert ast.literal_eval(done.stdout.strip().splitlines()[-1]) == pytest.approx(expected(tmp_path).vector, abs=1e-5)


def test_the_program_that_gives_texts_answers(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime_extensions")
    task = "text-classification"
    bundle = bundles.write(tmp_path / "models", task, KINDS[task], tokenizer_in_graph=True)
    done = subprocess.run(
        [sys.executable, "-c", shown("python", "onnxruntime_extensions")], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    logits = np.array(ast.literal_eval(done.stdout))
    scores = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    answers = load(bundle).predict(["a gripping, funny film", "dull"], batch_size=2)
    for row, answer in zip(scores, answers, strict=True):
        assert row.tolist() == pytest.approx(list(answer.to_dict()["scores"].values()), abs=1e-4)
