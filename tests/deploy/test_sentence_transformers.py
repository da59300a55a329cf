"""The files by which the library sentence-transformers makes of a bundle's model the vectors that our runtime makes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from compressor import runtime
from compressor.deploy.bundle import BundlePlan, write_bundle
from compressor.deploy.export import export
from compressor.deploy.sentence_transformers import module_files
from compressor.errors import VerificationFailed
from compressor.events import Silent
from compressor.recipe.export import ExportSection
from compressor.runtime.tasks.sentence_embedding import OUTPUT, Embedding
from compressor.tasks import get_task
from tests import tiny
from tests.deploy.models import MAX_LENGTH

TASK = "sentence-embedding"
WIDTH, DIMENSIONS = 32, 8
TEXT = tiny.reviews(1)[0][0]
FILES = {
    "modules.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
    "1_Pooling/config.json",
    "2_Dense/config.json",
    "2_Dense/model.safetensors",
}


@pytest.fixture(scope="module")
def bundle(bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle whose vectors are the first numbers of the first token's. Read only."""
    folder = tmp_path_factory.mktemp("vectors")
    settings: dict[str, Any] = {"task": get_task(TASK), "model_folder": bert, "examples": [{"text": TEXT}]}
    export(ExportSection(), **settings, max_length=MAX_LENGTH, out=folder / "fp32", events=Silent())
    plan = BundlePlan(
        name="tiny",
        task=TASK,
        labels=(),
        max_length=MAX_LENGTH,
        variants={"int8": folder / "fp32"},
        chosen="int8",
        options={"pooling": "cls", "dimensions": DIMENSIONS},
        examples=[{"text": TEXT}],
    )
    write_bundle(plan, folder / "bundle", card="# tiny\n")
    return folder / "bundle"


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_every_file_is_sealed(bundle: Path, tmp_path: Path) -> None:
    assert set(runtime.Manifest.read(bundle).files) >= FILES
    copy = shutil.copytree(bundle, tmp_path / "bundle")
    (copy / "1_Pooling" / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(VerificationFailed, match=r"1_Pooling/config\.json"):
        runtime.verify(copy)


def test_what_the_modules_do_gives_the_vectors_of_the_runtime(bundle: Path) -> None:
    """Each module as the library defines it: the pooling that is on, the dense layer's product, the scaling."""
    assert [module["path"] for module in read(bundle / "modules.json")] == ["", "1_Pooling", "2_Dense", "3_Normalize"]
    pooling, dense = read(bundle / "1_Pooling" / "config.json"), read(bundle / "2_Dense" / "config.json")
    assert (pooling["pooling_mode_cls_token"], pooling["pooling_mode_mean_tokens"]) == (True, False)
    assert (pooling["word_embedding_dimension"], dense["in_features"], dense["out_features"]) == (
        WIDTH,
        WIDTH,
        DIMENSIONS,
    )
    assert (dense["bias"], dense["activation_function"]) == (False, "torch.nn.modules.linear.Identity")
    session = runtime.open_session(
        bundle / "onnx" / read(bundle / "sentence_bert_config.json")["model_args"]["file_name"]
    )
    assert session.output_names == (OUTPUT,)
    (tokens,) = session.run(runtime.Encoder.from_folder(bundle, MAX_LENGTH).encode([TEXT]))
    vector = load_file(bundle / "2_Dense" / "model.safetensors")["linear.weight"] @ tokens[0, 0]
    answer = runtime.load(bundle).predict(TEXT)
    assert isinstance(answer, Embedding)
    np.testing.assert_allclose(vector / np.linalg.norm(vector), answer.vector, atol=1e-6)


def test_without_dimensions_there_is_no_dense_layer() -> None:
    for options in ({}, {"pooling": "mean"}, {"pooling": "mean", "dimensions": WIDTH}):
        files = module_files(options, width=WIDTH, file="onnx/model_quantized.onnx", max_length=MAX_LENGTH)
        assert [module["type"].rpartition(".")[2] for module in files["modules.json"]] == [
            "Transformer",
            "Pooling",
            "Normalize",
        ]
        pooling = files["1_Pooling/config.json"]
        assert (pooling["pooling_mode_cls_token"], pooling["pooling_mode_mean_tokens"]) == (False, True)


def test_texts_are_cut_as_in_training_and_the_default_variant_answers() -> None:
    files = module_files({}, width=WIDTH, file="onnx/model_quantized.onnx", max_length=MAX_LENGTH)
    settings = files["sentence_bert_config.json"]
    assert (settings["max_seq_length"], settings["model_args"]) == (MAX_LENGTH, {"file_name": "model_quantized.onnx"})
