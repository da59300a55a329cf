"""What somebody else made, odd or made to harm, through the command line: an error in words, short, with its exit code.

Everything here is refused before anything is trained, so each case takes a moment.
"""

from __future__ import annotations

import errno
import gzip
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.chain import recipes
from tests.command import compressor
from tests.runtime import bundles

DEEP = '{"a":' * 100_000
DIGITS = '{"max_length": ' + "9" * 5_000 + "}"
LONG = "x" * 100_000
LONGEST_MESSAGE = 2_500
"""Two screens: 2,100 characters and the names of files of this test."""


def refuses(code: int, *words: str, run: tuple[str | Path, ...]) -> None:
    found = compressor(*run)
    found.fails(code, *words)
    assert len(found.err) < LONGEST_MESSAGE


# Model folders ------------------------------------------------------------------------------------------------------

MODELS: dict[str, tuple[str, dict[str, Any] | str, int, str]] = {
    "no heads": ("config.json", {"num_attention_heads": 0}, 3, "num_attention_heads is 0"),
    "a text for a size": ("config.json", {"hidden_size": "big"}, 3, 'hidden_size is "big"'),
    "negative size": ("config.json", {"intermediate_size": -1}, 3, "intermediate_size is -1"),
    "a billion layers": ("config.json", {"num_hidden_layers": 10**9}, 3, "num_hidden_layers is 1000000000"),
    "a huge vocabulary": ("config.json", {"vocab_size": 10**15}, 3, "vocab_size is 1000000000000000"),
    "labels without end": ("config.json", {"num_labels": 10**9}, 3, "num_labels is 1000000000"),
    "no multiple": ("config.json", {"num_attention_heads": 3}, 3, "can't be parted among 3"),
    "labels in a list": ("config.json", {"id2label": [LONG]}, 3, "id2label is"),
    "deep config": ("config.json", DEEP, 3, "nested too deeply"),
    "deep tokenizer": ("tokenizer_config.json", DEEP, 3, "nested too deeply"),
    "digits": ("config.json", DIGITS, 3, "a number has 5000 digits"),
    "a list": ("config.json", "[]", 3, "not a JSON object"),
    "code": ("config.json", {"auto_map": {"AutoModel": "evil." + LONG}}, 2, "trust_remote_code"),
    "code inside": ("config.json", {"text_config": {"auto_map": {"AutoModel": "evil.E"}}}, 2, "evil.E"),
    "tokenizer code": ("tokenizer_config.json", {"auto_map": ["evil.E", None]}, 2, "evil.E"),
    "kernel": ("config.json", {"_attn_implementation": "kernels-community/flash-attn"}, 2, "kernels-community"),
    "pinned kernel": ("config.json", {"attn_implementation": "org/kernel@v1:call"}, 2, "org/kernel@v1:call"),
    "kernel of a part": ("config.json", {"attn_implementation": {"text_config": "org/kernel"}}, 2, "org/kernel"),
    "hub quantization": ("config.json", {"quantization_config": {"quant_method": "mxfp4"}}, 2, "mxfp4"),
}


@pytest.fixture
def spoilt(classifier_folder: Path, tmp_path: Path) -> Callable[[str, dict[str, Any] | str], Path]:
    """A copy of a model folder with one of its files changed: other values in it, or another text."""

    def spoil(name: str, change: dict[str, Any] | str) -> Path:
        model = Path(shutil.copytree(classifier_folder, tmp_path / "model"))
        content = json.loads((model / name).read_text(encoding="utf-8"))
        text = change if isinstance(change, str) else json.dumps(content | change)
        (model / name).write_text(text, encoding="utf-8")
        return model

    return spoil


@pytest.mark.parametrize(("name", "change", "code", "said"), MODELS.values(), ids=MODELS)
def test_a_model_that_cannot_be_or_must_not_be_loaded(
    spoilt: Any, tmp_path: Path, reviews_csv: Path, encoder_folder: Path, name: str, change: Any, code: int, said: str
) -> None:
    model = spoilt(name, change)
    recipe = recipes.write(tmp_path, recipes.full(reviews_csv, encoder_folder))
    out = tmp_path / "run"
    refuses(code, said, name, run=("run", recipe, "--out", out, "--set", f"teacher.model={model}"))
    init = ("--set", f"student.init={model}", "--set", "student.layers=null")
    refuses(code, said, name, run=("run", recipe, "--out", out, *init))
    refuses(code, said, name, run=("bench", model))
    assert not list((Path(os.environ["COMPRESSOR_HOME"]) / "store").glob("*/artifact.json")), "nothing has run"


# Bundles ------------------------------------------------------------------------------------------------------------

BUNDLES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "deep manifest": ("manifest.json", DEEP, ("predict", "verify", "bench")),
    "digits in the manifest": ("manifest.json", DIGITS, ("predict", "verify", "bench")),
    "a list for a manifest": ("manifest.json", "[]", ("predict", "verify", "bench")),
    "deep tokenizer settings": ("tokenizer_config.json", DEEP, ("predict",)),
    "odd tokenizer settings": ("tokenizer_config.json", '{"pad_token": 7, "truncation_side": "up"}', ("predict",)),
    "odd padding": ("tokenizer_config.json", '{"pad_token_type_id": "x"}', ("predict",)),
    "deep tokenizer": ("tokenizer.json", DEEP, ("predict",)),
    "deep golden answers": ("golden.json", DEEP, ("verify",)),
    "digits in golden answers": ("golden.json", DIGITS, ("verify",)),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundles.write(tmp_path_factory.mktemp("whole"))


def calls(bundle: Path) -> dict[str, tuple[str | Path, ...]]:
    return {
        "predict": ("predict", bundle, "a text"),
        "verify": ("verify", bundle),
        "bench": ("bench", bundle, "--seconds", "0.1"),
    }


@pytest.mark.parametrize(("name", "content", "commands"), BUNDLES.values(), ids=BUNDLES)
def test_a_bundle_with_a_file_of_nonsense(
    whole: Path, tmp_path: Path, name: str, content: str, commands: tuple[str, ...]
) -> None:
    bundle = bundles.copy(whole, tmp_path)
    (bundle / name).write_text(content, encoding="utf-8")
    if name != "manifest.json":
        bundles.seal_again(bundle)
    for command in commands:
        refuses(2, name, run=calls(bundle)[command])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"task": {"a": 1}}, "can't answer the task"),
        ({"default": []}, "default variant"),
        ({"max_length": 10**30}, "no room for a text"),
        ({"max_length": 1e308}, "no room for a text"),
        ({"labels": None}, "can't be read"),
        ({"files": {LONG: {"size": 1, "sha256": ""}}, "variants": {"int8": "../" + LONG}}, "outside the bundle"),
    ],
)
def test_a_manifest_with_odd_values(whole: Path, tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    bundle = bundles.copy(whole, tmp_path)
    bundles.edit(bundle / "manifest.json", lambda manifest: manifest.update(changes))
    refuses(2, said, run=calls(bundle)["predict"])


@pytest.mark.parametrize("name", ["manifest.json", "tokenizer.json", "onnx/model_quantized.onnx", "golden.json"])
def test_a_file_of_a_bundle_that_may_not_be_read(
    whole: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tests may run as root, who may read everything: the system's answer is put on for one file."""
    bundle = bundles.copy(whole, tmp_path)
    real = Path.open

    def denied(self: Path, *arguments: Any, **options: Any) -> Any:
        if self == bundle / name:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))
        return real(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", denied)
    found = compressor("verify", bundle)
    assert found.code in (1, 2), found.err
    found.fails(found.code, name.rpartition("/")[2], "Permission denied")


@pytest.mark.parametrize("name", ["manifest.json", "tokenizer.json", "tokenizer_config.json", "golden.json"])
def test_a_folder_in_place_of_a_file_of_a_bundle(whole: Path, tmp_path: Path, name: str) -> None:
    bundle = bundles.copy(whole, tmp_path)
    (bundle / name).unlink()
    (bundle / name).mkdir()
    found = compressor("verify", bundle)
    found.fails(found.code, name)
    assert found.code in (1, 2)


@pytest.mark.parametrize(
    "command", [("compare", LONG), ("report",), ("recipes", "cp", "quickstart")], ids=lambda words: words[0]
)
def test_a_name_that_is_too_long_for_the_system(command: tuple[str, ...]) -> None:
    refuses(2, "so long a name", run=(*command, LONG))


@pytest.mark.parametrize("command", ["predict", "verify", "bench"])
@pytest.mark.parametrize("path", [LONG, "a/" * 3_000, "a\0b"], ids=["long", "deep", "null"])
def test_a_path_no_file_can_have(command: str, path: str) -> None:
    refuses(2, run=(command, path))


# Data ---------------------------------------------------------------------------------------------------------------

DATA: dict[str, tuple[str, bytes, str]] = {
    "digits": ("x.jsonl", b'{"text": ' + b"9" * 5_000 + b', "label": "good"}', "a number has 5000 digits"),
    "deep row": ("x.jsonl", b'{"text": ' * 100_000, "nested too deeply"),
    "deep list": ("x.json", b"[" * 100_000, "nested too deeply"),
    "bomb in csv": ("x.csv.gz", gzip.compress(b"text,label\n" + b"a" * (64 << 20), 1), "longer than 4 MiB"),
    "bomb in jsonl": ("x.jsonl.gz", gzip.compress(b'{"text": "' + b"a" * (64 << 20), 1), "longer than 4 MiB"),
    "long names": ("x.csv", ",".join(["c" * 1_000] * 2_000).encode() + b"\na\n", "no column"),
    "no archive": ("x.zip", b"PK\x03\x04 and no more", "can't be read"),
    "no parquet": ("x.parquet", b"PAR1", "parquet"),
}


@pytest.mark.parametrize(("name", "content", "said"), DATA.values(), ids=DATA)
def test_a_data_file_made_to_harm(
    tmp_path: Path, reviews_csv: Path, encoder_folder: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    recipe = recipes.write(tmp_path, recipes.full(reviews_csv, encoder_folder))
    source = f"data.source={tmp_path / name}"
    found = compressor("run", recipe, "--out", tmp_path / "run", "--set", source)
    found.fails(2, said)
    assert len(found.err.partition("error: ")[2]) < LONGEST_MESSAGE


def test_a_folder_for_data(tmp_path: Path, reviews_csv: Path, encoder_folder: Path) -> None:
    recipe = recipes.write(tmp_path, recipes.full(reviews_csv, encoder_folder))
    for command in ("plan", "run"):
        override = ("--set", f"data.source={reviews_csv.parent}")
        refuses(2, "is a folder", "It holds reviews.csv", run=(command, recipe, *override))


# Recipes ------------------------------------------------------------------------------------------------------------

RECIPES: dict[str, tuple[str, str]] = {
    "extends": (f"extends: {LONG}\nname: x\n", "extends: there is no file"),
    "deep": ("[" * 5_000, "nested too deeply"),
    "labels": (f"name: x\ndata: {{source: a.csv, labels: [{'a, ' * 30_000}b]}}\n", "more than 20000 values"),
    "aliases": ("a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(8)
    ), "more than 20000 values"),
    "long key": (f"? {LONG}\n: 1\nname: x\n", "is not a known key"),
    "long name": (f"name: {LONG}!\n", "name"),
    "digits": (f"name: x\nseed: {'9' * 5_000}\n", "can't read"),
    "large": ("name: x\n" + "#" * (2 << 20), "larger than"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), RECIPES.values(), ids=RECIPES)
def test_a_recipe_made_to_harm(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_text(text, encoding="utf-8")
    refuses(2, said, run=("validate", file))


@pytest.mark.parametrize("command", ["validate", "plan", "run"])
def test_a_recipe_of_a_name_no_file_can_have(command: str) -> None:
    refuses(2, "there is no file", run=(command, LONG))
