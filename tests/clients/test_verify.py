"""What `verify --client` finds in a client's answers, and what it says where the client isn't there."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compressor import clients
from compressor.clients.answered import agrees
from compressor.clients.program import Reply, Request
from compressor.errors import VerificationFailed
from compressor.runtime import open_session
from tests.clients import bundles
from tests.command import compressor

Spoil = Callable[[dict[str, Any]], None]
Spoiled = Callable[[Spoil], None]


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier. Read only."""
    task = "text-classification"
    return bundles.write(tmp_path_factory.mktemp("classifier"), task, bundles.KINDS[task])


@pytest.fixture(scope="session")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An extractive reader whose last example takes several windows. Read only."""
    task = "question-answering"
    return bundles.write(tmp_path_factory.mktemp("reader"), task, bundles.KINDS[task])


def honest(bundle: Path, request: Request, path: Path | None, work: Path) -> dict[str, Any]:
    """A client that is onnxruntime itself: whole texts it tokenizes as the request does."""
    variants: dict[str, Any] = {}
    for variant, file in request["variants"].items():
        session = open_session(bundle / file)
        outputs = []
        for row in request["rows"]:
            inputs = {name: np.array([row[name]]) for name in ("input_ids", "token_type_ids")}
            arrays = session.run(inputs | {"attention_mask": np.ones_like(inputs["input_ids"])})
            named = zip(session.output_names, arrays, strict=True)
            outputs.append({name: {"dims": array.shape, "data": array.ravel().tolist()} for name, array in named})
        answers = [
            _answer(request, found) if row["texts"] else None
            for row, found in zip(request["rows"], outputs, strict=True)
        ]
        variants[variant] = {"outputs": outputs, "answers": answers}
    tokens = [row if row["texts"] else None for row in request["rows"]]
    return {"versions": {"honest": "1.0"}, "tokens": tokens, "variants": variants}


def _answer(request: Request, outputs: Mapping[str, Any]) -> dict[str, Any] | None:
    if not request["labels"]:
        return None
    exponents = np.exp(outputs["logits"]["data"])
    return {"scores": dict(zip(request["labels"], (exponents / exponents.sum()).tolist(), strict=True))}


@pytest.fixture
def spoiled(monkeypatch: pytest.MonkeyPatch) -> Spoiled:
    """Put a client in the place of Node's that answers as it should, but for one change."""

    def put(change: Spoil) -> None:
        def ask(bundle: Path, request: Request, path: Path | None, work: Path) -> Reply:
            reply: dict[str, Any] = json.loads(json.dumps(honest(bundle, request, path, work)))
            change(reply)
            return reply

        monkeypatch.setattr(clients.verify, "CLIENTS", {"node": ask})

    return put


def nothing(reply: dict[str, Any]) -> None:
    """Leave it as it is."""


def test_a_client_that_answers_as_sealed_passes(bundle: Path, spoiled: Spoiled) -> None:
    spoiled(nothing)
    found = compressor("verify", bundle, "--client", "node", "--format", "json").succeeds().json
    assert (found["client"], found["versions"]) == ("node", {"honest": "1.0"})
    assert set(found["variants"]) == {"fp32", "int8", "int4-weights"}
    assert all(difference < 1e-6 for difference in found["variants"].values())
    assert (found["texts"], found["rows"], found["tokenized"], found["pipelines"]) == (6, 6, 6, 18)
    table = compressor("verify", bundle, "--client", "node").succeeds().out
    assert "honest 1.0" in table and "6 of 6 rows" in table


def test_windows_of_a_long_text_are_given_as_tokens(reader: Path, spoiled: Spoiled) -> None:
    spoiled(nothing)
    found = clients.verify_in("node", reader)
    assert found.rows > found.texts == 6
    assert found.tokenized == 5
    assert max(found.variants.values()) < 1e-6


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda reply: reply["tokens"][2]["input_ids"].pop(), ["In node", repr(bundles.TEXTS[2][:20])[:-1], "tokens"]),
        (lambda reply: _shift(reply, "int8", 2), ["int8", "difference", repr(bundles.TEXTS[2][:20])[:-1]]),
        (lambda reply: _set(reply, "fp32", 1, None), ["fp32", "answers"]),
        (lambda reply: reply["variants"]["int4-weights"]["outputs"][0].clear(), ["int4-weights", "no such outputs"]),
        (lambda reply: reply["variants"].update(int8={"error": "MatMulNBits is not known"}), ["int8", "MatMulNBits"]),
        (lambda reply: reply["variants"]["fp32"]["answers"][3]["scores"].update(good=2.0), ["fp32", "pipeline", "2.0"]),
    ],
    ids=["tokens", "outputs", "nan", "none", "error", "pipeline"],
)
def test_what_a_client_does_otherwise_is_named(change: Spoil, said: list[str], bundle: Path, spoiled: Spoiled) -> None:
    spoiled(change)
    compressor("verify", bundle, "--client", "node").fails(1, *said)


def _shift(reply: dict[str, Any], variant: str, row: int) -> None:
    values = reply["variants"][variant]["outputs"][row]["logits"]["data"]
    values[0] += 100.0


def _set(reply: dict[str, Any], variant: str, row: int, value: float | None) -> None:
    reply["variants"][variant]["outputs"][row]["logits"]["data"][0] = value


@pytest.mark.parametrize(
    ("client", "install"),
    [
        ("node", "npm install --ignore-scripts @huggingface/transformers@4"),
        ("web", "npm install --ignore-scripts @huggingface/transformers@4"),
        ("webgpu", "npm install --ignore-scripts @huggingface/transformers@4"),
        ("c", "libonnxruntime-dev"),
        ("csharp", "npm install --ignore-scripts com.github.asus4.onnxruntime"),
        ("optimum", "optimum-onnx"),
    ],
)
def test_a_client_that_is_not_installed_is_an_error_that_says_what_to_install(
    client: str, install: str, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compressor.clients.program.shutil.which", lambda name: f"/usr/bin/{name}")
    compressor("verify", bundle, "--client", client, "--client-path", tmp_path).fails(3, install)


@pytest.mark.parametrize(
    ("client", "program"), [("node", "Node.js 20"), ("web", "Chromium"), ("c", "gcc"), ("csharp", "mono-mcs")]
)
def test_a_program_that_is_missing_is_named(
    client: str, program: str, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compressor.clients.program.shutil.which", lambda _: None)
    compressor("verify", bundle, "--client", client, "--client-path", tmp_path).fails(3, program, "Install")


def test_a_client_is_asked_only_about_a_whole_bundle(bundle: Path, tmp_path: Path, spoiled: Spoiled) -> None:
    spoiled(nothing)
    compressor("verify", tmp_path, "--client", "node").fails(2, str(tmp_path))
    compressor("verify", bundle, "--client", "node", "--device", "cuda").fails(2, "--device")
    compressor("verify", bundle, "--client-path", tmp_path).fails(2, "--client")
    compressor("verify", bundle, "--client", "java").fails(2, "java", "node")


def test_a_client_for_one_task_refuses_the_others_before_it_is_looked_for(bundle: Path) -> None:
    command = ("verify", bundle, "--client", "sentence-transformers")
    compressor(*command).fails(2, "text-classification", "sentence-embedding")


def test_a_program_that_fails_is_told_with_its_last_words(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "node_modules" / "@huggingface" / "transformers"
    package.mkdir(parents=True)
    (package / "package.json").write_text("{}", encoding="utf-8")
    node = tmp_path / "node"
    node.write_text("#!/bin/sh\necho 'no such module' >&2\nexit 3\n", encoding="utf-8")
    node.chmod(0o755)
    monkeypatch.setenv("NODE", str(node))
    with pytest.raises(VerificationFailed, match="code 3: no such module"):
        clients.verify_in("node", bundle, tmp_path)


def test_a_pipelines_tags_are_compared_with_the_largest_logits() -> None:
    logits = {"logits": np.array([[[0.0, 9.0], [9.0, 0.0], [0.0, 9.0]]])}
    right = {"tags": {"0": ["B-PER", 0.9999], "1": ["O", 0.9999]}}
    assert agrees(right, {}, labels=["O", "B-PER"], outputs=logits)
    wrongs: list[dict[str, Any]] = [{"tags": {}}, {"tags": {"1": ["B-PER", 0.9999]}}, {"tags": {"0": ["B-PER", 0.9]}}]
    for wrong in wrongs:
        assert not agrees(wrong, {}, labels=["O", "B-PER"], outputs=logits)


def test_an_answer_as_its_tokens_spell_it_may_have_other_spaces() -> None:
    assert agrees({"spelt": "w1 - w2"}, {"text": "W1-w2"}, outputs={})
    assert not agrees({"spelt": "w1 w3"}, {"text": "W1-w2"}, outputs={})


@pytest.mark.parametrize("client", ["web", "webgpu"])
def test_a_browser_without_the_device_is_told_from_one_that_answers_wrong(
    client: str, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The browser is a script that posts what the page posts where there is no adapter."""
    modules = tmp_path / "node_modules" / "@huggingface" / "transformers"
    modules.mkdir(parents=True)
    (modules / "package.json").write_text("{}", encoding="utf-8")
    browser = tmp_path / "browser"
    browser.write_text(
        f"#!{sys.executable}\n"
        "import json, sys, urllib.request\n"
        "address = sys.argv[-1]\n"
        "device = json.load(urllib.request.urlopen(address + 'request.json'))['device']\n"
        "posted = {'unavailable': device + ' has no adapter.', 'versions': {}}\n"
        "urllib.request.urlopen(address + 'answers', data=json.dumps(posted).encode())\n",
        encoding="utf-8",
    )
    browser.chmod(0o755)
    monkeypatch.setenv("CHROME", str(browser))
    device = {"web": "wasm", "webgpu": "webgpu"}[client]
    command = ("verify", bundle, "--client", client, "--client-path", tmp_path)
    compressor(*command).fails(3, f"{device} has no adapter", "CHROME")
