from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from compressor import runtime
from compressor.deploy.bundle import BundlePlan, bundle_files, write_bundle
from compressor.deploy.clients import client_config, file_names, special_tokens_map, tokenizer_settings
from compressor.deploy.export import export
from compressor.deploy.quantize import quantize
from compressor.deploy.quantize.dynamic import DynamicQuantization
from compressor.errors import StageError, VerificationFailed
from compressor.events import Silent
from compressor.recipe.export import ExportSection
from compressor.tasks import get_task
from tests import tiny
from tests.deploy.models import LABELS, MAX_LENGTH, write_classifier
from tests.runtime.bundles import seal_again

ROOT = Path(__file__).resolve().parents[2]
CARD = "# tiny\n"
TEXTS = [text for text, _ in tiny.reviews(5)]
EXAMPLES: list[dict[str, Any]] = [{"text": text, "label": 0, "example_id": i} for i, text in enumerate(TEXTS)]

Written = tuple[Path, dict[str, Any]]


@pytest.fixture(scope="session")
def plan(exported: tuple[Path, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> BundlePlan:
    """fp32 and int8 of a 1-layer BERT, int8 by default."""
    fp32, _ = exported
    int8 = tmp_path_factory.mktemp("int8")
    quantize(DynamicQuantization(method="dynamic"), source=fp32, out=int8, events=Silent())
    return BundlePlan(
        name="tiny",
        task="text-classification",
        labels=LABELS,
        max_length=MAX_LENGTH,
        variants={"fp32": fp32, "int8": int8},
        chosen="int8",
        examples=EXAMPLES,
        gates=({"name": "size_mb", "expression": "<= 12", "value": 0.1, "passed": True, "reason": ""},),
        versions={"onnxruntime": "1.32.0"},
        recipe=f"name: tiny\ndata:\n  source: {fp32.as_posix()}/reviews.csv\n",
    )


@pytest.fixture(scope="session")
def written(plan: BundlePlan, tmp_path_factory: pytest.TempPathFactory) -> Written:
    """The bundle of the plan, and its facts. Read only."""
    out = tmp_path_factory.mktemp("written") / "bundle"
    return out, write_bundle(plan, out, card=CARD)


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_the_layout_is_the_one_that_is_documented(written: Written) -> None:
    bundle, facts = written
    found = {path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()}
    documented = (ROOT / "docs" / "bundles.md").read_text(encoding="utf-8")
    listing = re.search(r"```text\n(.+?)```", documented, re.DOTALL)
    assert listing is not None
    assert found == {line.split()[0] for line in listing[1].splitlines() if line.strip()}
    assert facts["files"] == {name: round((bundle / name).stat().st_size / 1e6, 6) for name in found}


def test_the_manifest_holds_what_was_planned(plan: BundlePlan, written: Written) -> None:
    manifest = runtime.Manifest.read(written[0])
    assert manifest.variants == bundle_files(plan) == {"fp32": "onnx/model.onnx", "int8": "onnx/model_quantized.onnx"}
    assert (manifest.default, manifest.labels, manifest.max_length) == ("int8", tuple(LABELS), MAX_LENGTH)
    assert manifest.gates == plan.gates
    assert manifest.versions == plan.versions


def test_it_answers_as_the_models_it_was_made_of(plan: BundlePlan, written: Written) -> None:
    for variant, folder in plan.variants.items():
        bundle = runtime.load(written[0], variant=variant)
        session = runtime.open_session(folder / "model.onnx")
        inputs = runtime.Encoder.from_folder(folder, MAX_LENGTH).encode([EXAMPLES[0]["text"]])
        encoded = bundle.task.encode(bundle.encoder, EXAMPLES[:1])
        np.testing.assert_allclose(bundle.compute(encoded)["logits"].values, session.run(inputs)[0], atol=1e-6)


def test_it_holds_sealed_answers_of_every_variant_to_the_examples(written: Written) -> None:
    bundle, facts = written
    golden = read(bundle / "golden.json")
    assert golden["examples"] == [{"text": example["text"]} for example in EXAMPLES]
    difference = np.abs(np.subtract(golden["outputs"]["int8"], golden["outputs"]["fp32"])).max()
    assert facts["golden"] == {"fp32": 0.0, "int8": pytest.approx(difference)}
    assert 0 < difference < golden["tolerances"]["int8"]
    assert max(facts["verified"].values()) < 1e-5


def test_an_fp32_answer_is_held_to_a_closer_tolerance(written: Written) -> None:
    golden = read(written[0] / "golden.json")
    largest = {variant: np.abs(rows).max() for variant, rows in golden["outputs"].items()}
    assert golden["tolerances"]["fp32"] == pytest.approx(0.005 * largest["fp32"], rel=0.01)
    assert golden["tolerances"]["int8"] == pytest.approx(0.25 * largest["int8"], rel=0.01)


def test_another_model_in_its_place_is_found_out(plan: BundlePlan, tmp_path: Path) -> None:
    """Sealed again around another model, as a careless copy would leave it."""
    bundle = tmp_path / "bundle"
    write_bundle(plan, bundle, card=CARD)
    export(
        ExportSection(),
        task=get_task("text-classification"),
        model_folder=write_classifier(tmp_path / "other", "bert", num_hidden_layers=2),
        examples=[],
        max_length=MAX_LENGTH,
        out=tmp_path / "other-exported",
        events=Silent(),
    )
    (tmp_path / "other-exported" / "model.onnx").replace(bundle / "onnx" / "model_quantized.onnx")
    seal_again(bundle)
    with pytest.raises(VerificationFailed, match="variant int8"):
        runtime.verify(bundle)


def test_only_the_chosen_variant_when_asked(plan: BundlePlan, tmp_path: Path) -> None:
    small = replace(plan, include="chosen")
    write_bundle(small, tmp_path / "bundle", card=CARD)
    assert [path.name for path in (tmp_path / "bundle" / "onnx").iterdir()] == ["model_quantized.onnx"]
    assert runtime.verify(tmp_path / "bundle").variants.keys() == {"int8"}


def test_a_variant_that_is_not_there_is_refused(plan: BundlePlan, tmp_path: Path) -> None:
    with pytest.raises(StageError, match="'int4'"):
        write_bundle(replace(plan, chosen="int4"), tmp_path / "bundle", card=CARD)


@pytest.mark.parametrize("pairs", [False, True])
def test_without_examples_built_in_sentences_are_sealed(plan: BundlePlan, tmp_path: Path, pairs: bool) -> None:
    write_bundle(
        replace(plan, examples=(), roles=("text", "text_pair") if pairs else ("text",)), tmp_path / "bundle", card=CARD
    )
    examples = read(tmp_path / "bundle" / "golden.json")["examples"]
    assert len(examples) == 8
    assert all(set(example) == ({"text", "text_pair"} if pairs else {"text"}) for example in examples)
    assert runtime.verify(tmp_path / "bundle").texts == 8


def test_no_file_tells_where_it_was_made(plan: BundlePlan, written: Written) -> None:
    bundle, _ = written
    here = [path.as_posix().encode() for path in (Path.home(), ROOT, bundle.parent.parent)]
    for path in bundle.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert not [place for place in here if len(place) > 1 and place in content], path
    assert yaml.safe_load((bundle / "recipe.resolved.yaml").read_text(encoding="utf-8")) == {
        "name": "tiny",
        "data": {"source": "reviews.csv"},
    }


def test_transformers_reads_its_tokenizer_alike(written: Written) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(written[0])
    texts = ["a good film", "dull " * 100]
    expected = tokenizer(texts, truncation=True, padding=True, return_tensors="np")
    found = runtime.Encoder.from_folder(written[0], MAX_LENGTH).encode(texts)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)


def test_transformers_reads_its_labels(written: Written) -> None:
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(written[0])
    assert config.id2label == dict(enumerate(LABELS))
    assert config.architectures == ["BertForSequenceClassification"]


@pytest.mark.parametrize("kind", ["ForSequenceClassification", "Model"])
def test_an_architecture_that_no_client_knows_goes_by_one_with_the_same_inputs(kind: str) -> None:
    config = {"model_type": "static-embeddings", "architectures": [f"StaticEmbeddings{kind}"], "hidden_size": 128}
    found = client_config(config, LABELS, "onnx/model.onnx")
    assert (found["model_type"], found["architectures"]) == ("distilbert", [f"DistilBert{kind}"])
    assert config["model_type"] == "static-embeddings"


@pytest.mark.parametrize(
    ("precisions", "suffixes"),
    [
        ({"fp32": "fp32", "int8": "int8"}, ["", "_quantized"]),
        ({"fp32": "fp32", "half": "fp16", "uint8": "uint8", "tiny": "int4"}, ["", "_fp16", "_uint8", "_q4"]),
        ({"fp32": "fp32", "fast": "int8", "small": "int8"}, ["", "_quantized", "_small"]),
        ({"int8": "int8", "int8-weights": "int8", "int4-weights": "int4"}, ["_quantized", "_int8-weights", "_q4"]),
        ({"int4": "int4", "int4-weights": "int4", "int2-weights": "int2"}, ["_q4", "_int4-weights", "_q2"]),
        ({"int8": "int8", "quantized": "int8"}, ["_quantized", "_variant_quantized"]),
        ({"quantized": "int8", "int8": "int8"}, ["_quantized", "_variant_int8"]),
        ({"fast": "int8", "q4": "int8"}, ["_quantized", "_variant_q4"]),
    ],
)
def test_files_have_the_names_transformers_js_looks_up_and_none_has_anothers(
    precisions: dict[str, str], suffixes: list[str]
) -> None:
    assert list(file_names(precisions).values()) == [f"onnx/model{suffix}.onnx" for suffix in suffixes]


@pytest.mark.parametrize(
    ("file", "dtype"),
    [("onnx/model.onnx", "fp32"), ("onnx/model_quantized.onnx", "q8"), ("onnx/model_q4f16.onnx", "q4f16")],
)
def test_transformers_js_takes_the_default_variant(file: str, dtype: str) -> None:
    assert client_config({}, LABELS, file)["transformers.js_config"] == {"dtype": dtype}


def test_a_default_file_transformers_js_has_no_name_for_is_left_to_the_caller() -> None:
    assert "transformers.js_config" not in client_config({}, LABELS, "onnx/model_small.onnx")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"tokenizer_class": "TokenizersBackend"}, {"tokenizer_class": "PreTrainedTokenizerFast"}),
        ({}, {"tokenizer_class": "PreTrainedTokenizerFast"}),
        ({"tokenizer_class": "BertTokenizer"}, {"tokenizer_class": "BertTokenizer"}),
        ({"extra_special_tokens": ["<a>"]}, {"additional_special_tokens": ["<a>"]}),
        ({"extra_special_tokens": {"image_token": "<i>"}}, {"extra_special_tokens": {"image_token": "<i>"}}),
        ({"model_max_length": 512}, {"model_max_length": 96}),
        ({"padding_side": "left"}, {"padding_side": "left"}),
        ({}, {"padding_side": "right"}),
        ({"name_or_path": "/home/me/model"}, {"name_or_path": None}),
    ],
)
def test_older_clients_understand_the_tokenizer_settings(given: dict[str, Any], expected: dict[str, Any]) -> None:
    found = tokenizer_settings(given, 96)
    assert {key: found.get(key) for key in expected} == expected


def test_the_special_tokens_that_are_set_are_listed() -> None:
    settings = {"cls_token": "[CLS]", "eos_token": None, "additional_special_tokens": ["<a>"], "do_lower_case": True}
    assert special_tokens_map(settings) == {"cls_token": "[CLS]", "additional_special_tokens": ["<a>"]}


def _python_snippets() -> list[str]:
    text = (ROOT / "docs" / "bundles.md").read_text(encoding="utf-8")
    return re.findall(r"```python\n(.+?)```", text, re.DOTALL)


@pytest.mark.parametrize("snippet", _python_snippets(), ids=lambda snippet: snippet.splitlines()[0][:40])
def test_what_the_documentation_shows_runs(
    snippet: str, written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs" / "quickstart").mkdir(parents=True)
    (tmp_path / "runs" / "quickstart" / "bundle").symlink_to(written[0])
    monkeypatch.chdir(tmp_path)
    said: list[Any] = []
    show: Callable[..., None] = lambda *values: said.extend(values)  # noqa: E731  # stands in for print
    exec(snippet, {"print": show})
    assert said
