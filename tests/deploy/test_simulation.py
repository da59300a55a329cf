"""What a training sees is what the exported variant stores and answers: number by number, for each method."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import helper, numpy_helper

from compressor.deploy.constants import with_constants_computed
from compressor.deploy.export import export
from compressor.deploy.named_weights import weights_of
from compressor.deploy.quantize import quantize
from compressor.deploy.quantize.base import MatrixQuantizerConfig
from compressor.errors import StageError
from compressor.events import Silent
from compressor.recipe.export import ExportSection
from compressor.recipe.quantize import QUANTIZERS
from compressor.runtime.encoder import Encoder
from compressor.runtime.session import open_session
from compressor.tasks import get_task
from tests import tiny
from tests.deploy.models import MAX_LENGTH, write_classifier

Array = np.ndarray[Any, Any]
MODELS: dict[str, dict[str, Any]] = {
    "bert": {"hidden_size": 128, "intermediate_size": 512, "max_position_embeddings": 96},
    "gpt2": {"n_embd": 128, "n_positions": 96},
}
"""Wide enough that matrices and tables are large; positions have a large table too."""

VARIANTS: list[dict[str, Any]] = [
    {"method": "dynamic"},
    {"method": "dynamic", "per_channel": False, "reduce_range": True},
    {"method": "dynamic", "weights": "uint8"},
    {"method": "dynamic", "weights": "uint8", "per_channel": False, "reduce_range": True},
    {"method": "dynamic", "weight_bits": 4, "embedding_bits": 4},
    {"method": "dynamic", "weight_bits": 4, "reduce_range": True, "embeddings": False},
    {"method": "weights", "bits": 8},
    {"method": "weights", "bits": 4, "embedding_bits": 4},
    {"method": "weights", "bits": 2},
    {"method": "weights", "bits": 2, "symmetric": False, "block_size": 256},
    {"method": "weights", "bits": 4, "symmetric": False, "block_size": 16},
]


def name_of(settings: Mapping[str, Any]) -> str:
    return "-".join(str(value) if isinstance(value, str) else f"{name}={value}" for name, value in settings.items())


def variant(settings: Mapping[str, Any]) -> MatrixQuantizerConfig:
    section = QUANTIZERS.get(settings["method"]).model_validate(settings)
    assert isinstance(section, MatrixQuantizerConfig)
    return section


class Worlds:
    """Models and their exports, each made once. Read only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, architecture: str, task_name: str = "text-classification") -> tuple[Any, Path]:
        """A model in PyTorch, and the folder of its export."""
        folder, task = self.folder / f"{architecture}-{task_name}", get_task(task_name)
        if not folder.exists():
            settings = {"vocab_size": 4000, "initializer_range": 0.08, **MODELS[architecture]}
            write_classifier(folder / "model", architecture, **settings)
            export(
                ExportSection(optimize="none"),  # else the last layer is computed for the first token alone
                task=task,
                model_folder=folder / "model",
                examples=[{"text": text} for text, _ in tiny.reviews(12)],
                max_length=MAX_LENGTH,
                out=folder / "export",
                events=Silent(),
            )
        return task.load_model(folder / "model", None, new_head="never").eval(), folder / "export"


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Worlds:
    return Worlds(tmp_path_factory.mktemp("worlds"))


def stored(source: Path, target: Path) -> dict[str, Array]:
    """By their names in PyTorch, what the codes of a variant stand for: matrices [inputs, outputs], tables."""
    plain, quantized = (onnx.load(folder / "model.onnx") for folder in (source, target))
    read = {node.name: node.input[1] for node in plain.graph.node if len(node.input) > 1}
    called = {weight.node: weight.name for weight in weights_of(plain)}
    products = [node for node in quantized.graph.node if node.op_type in ("MatMulInteger", "MatMulNBits")]
    proto = with_constants_computed(quantized, [node.input[1] for node in products])
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}
    found = {}
    for node in products:
        first = node.name.removesuffix("_quant").rpartition("_Q")[0] or node.name.removesuffix("_quant")
        first = first.removesuffix("_MatMul")
        if node.op_type == "MatMulNBits":
            matrix = of_blocks(node, *(constants[name] for name in node.input[1:]))
        else:
            codes, zero = (constants[name].astype(np.float32) for name in (node.input[1], node.input[3]))
            names = (f"{read[first]}_scale", f"{read[first]}_Transposed_scale")
            matrix = (codes - zero) * next(constants[name] for name in names if name in constants)
        found[called[first]] = matrix
    return found


def of_blocks(node: onnx.NodeProto, packed: Array, scales: Array, zero_points: Array | None = None) -> Array:
    """As the documentation of MatMulNBits says it; [inputs, outputs]."""
    said = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    bits, outputs, inputs = said["bits"], said["N"], said["K"]

    def codes(array: Array) -> Array:
        parts = [(array >> shift) & (2**bits - 1) for shift in range(0, 8, bits)]
        return np.stack(parts, axis=-1).reshape(outputs, -1).astype(np.float32)

    scales = scales.reshape(outputs, -1, 1)
    zero: Array = np.full(scales.shape[:2], 2 ** (bits - 1), np.float32)
    if zero_points is not None:
        zero = codes(zero_points.reshape(outputs, -1))[:, : scales.shape[1]]
    blocks = codes(packed.reshape(outputs, -1)).reshape(outputs, scales.shape[1], -1)
    weights: Array = ((blocks - zero[..., np.newaxis]) * scales).reshape(outputs, -1)[:, :inputs].T
    return weights


def layers_of(model: Any) -> dict[str, Any]:
    return {name: one for name, one in model.named_modules() if type(one).__name__ in ("Linear", "Conv1D")}


def as_used(layer: Any) -> Array:
    """The weight [inputs, outputs] that a layer multiplies with."""
    weight: Array = layer.weight.detach().numpy()
    return weight if "Conv1D" in type(layer).__name__ else weight.T


@pytest.mark.parametrize("architecture", MODELS)
@pytest.mark.parametrize("settings", VARIANTS, ids=name_of)
def test_each_matrix_is_rounded_to_the_codes_that_the_variant_stores(
    architecture: str, settings: dict[str, Any], worlds: Worlds, tmp_path: Path
) -> None:
    model, source = worlds(architecture)
    section, layers = variant(settings), layers_of(model)
    facts = quantize(section, source=source, out=tmp_path, events=Silent())
    matrices = stored(source, tmp_path)
    with section.simulated(model) as used:
        model(input_ids=torch.tensor([[5, 6, 7]]))
        assert (len(used()["matrices"]), len(used()["tables"])) == (facts["matrices"], facts["tables"])
        assert len(matrices) == facts["matrices"] == len(layers)
        for name, matrix in matrices.items():
            # GPT-2's head has no bias, by which the graph would tell its name.
            layer = layers[name if name in layers else "score"]
            np.testing.assert_allclose(as_used(layer), matrix, rtol=2e-6, atol=0)


@pytest.mark.parametrize("bits", [8, 4])
def test_rows_of_embedding_tables_are_those_that_the_variant_reads(bits: int, worlds: Worlds, tmp_path: Path) -> None:
    model, source = worlds("bert")
    section = variant({"method": "dynamic", "embedding_bits": bits})
    quantize(section, source=source, out=tmp_path, events=Silent())
    proto = onnx.load(tmp_path / "model.onnx")
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}
    for part, size in (("word", 4000), ("position", 96)):
        name = f"bert.embeddings.{part}_embeddings"
        with torch.no_grad(), section.simulated(model):
            rows = model.get_submodule(name)(torch.arange(size)).numpy()
        np.testing.assert_array_equal(rows, read_table(constants, f"{name}.weight", bits))


def read_table(constants: Mapping[str, Array], name: str, bits: int) -> Array:
    """A table as the nodes behind `Gather` compute it."""
    if bits == 8:
        columns: Array = constants[f"{name}_quantized"].astype(np.float32) * constants[f"{name}_scale"]
        return columns
    packed = constants[f"{name}_in_4_bits"]
    codes = np.concatenate([packed & 15, packed >> 4], axis=1).astype(np.float32) - 8
    sizes = constants[f"{name}_step_scale"].astype(np.float32) * constants[f"{name}_scale"]
    rows: Array = (codes * sizes).reshape(len(packed), -1)
    return rows


def test_answers_are_those_of_the_variant_alone_not_only_close_to_fp32(worlds: Worlds, tmp_path: Path) -> None:
    """With 7 bits, whose sums are exact on every CPU. What is left: sums in another order, which push an activation on
    the edge of two codes to the other side."""
    model, source = worlds("bert")
    for settings in (
        {"method": "dynamic", "reduce_range": True},
        {"method": "weights", "bits": 8},
        {"method": "weights", "bits": 2, "embedding_bits": 4},
    ):
        section, out = variant(settings), tmp_path / name_of(settings)
        quantize(section, source=source, out=out, events=Silent())
        encoder, session = Encoder.from_folder(out, MAX_LENGTH), open_session(out / "model.onnx")
        rows = [encoder.encode([text]) for text, _ in tiny.reviews(12)]
        want = np.concatenate([session.run(row)[0] for row in rows])
        with torch.no_grad():
            plain = np.concatenate([answer(model, row) for row in rows])
            with section.simulated(model):
                found = np.concatenate([answer(model, row) for row in rows])
            again = np.concatenate([answer(model, row) for row in rows])
        np.testing.assert_array_equal(plain, again)  # behind the simulation it is the model that it was
        assert np.abs(found - want).mean() < 0.15 * np.abs(plain - want).mean(), settings


def answer(model: Any, row: Mapping[str, Array]) -> Array:
    given = {name: torch.from_numpy(array) for name, array in row.items()}
    found: Array = model(**given).logits.numpy()
    return found


def test_each_text_of_a_batch_is_rounded_as_if_it_were_alone(worlds: Worlds) -> None:
    model, _ = worlds("bert")
    torch.manual_seed(0)
    ids = torch.randint(5, 4000, (6, 12))
    for settings in ({"method": "dynamic"}, {"method": "weights", "bits": 4}):
        with torch.no_grad(), variant(settings).simulated(model):
            together = model(input_ids=ids).logits
            alone = torch.cat([model(input_ids=row[None]).logits for row in ids])
        torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)


def test_gradients_pass_the_rounding_as_if_it_were_not_there() -> None:
    layer: Any = torch.nn.Linear(32, 4)
    values = torch.randn(3, 5, 32, requires_grad=True)
    section = variant({"method": "dynamic"})
    with section.simulated(torch.nn.Sequential(layer)):
        rounded = layer.weight.detach()
        layer(values).sum().backward()
        learned = layer.parametrizations.weight.original.grad
    assert not torch.equal(rounded, layer.weight)
    inputs = section.rounded_inputs(values.detach())
    torch.testing.assert_close(learned, inputs.sum((0, 1)).expand(4, -1))
    torch.testing.assert_close(values.grad, rounded.sum(0).expand(3, 5, -1))


def test_what_stays_in_float_is_not_rounded_and_unknown_names_are_refused(worlds: Worlds) -> None:
    model, _ = worlds("bert")
    kept = ["*.output.dense", "*word_embeddings"]
    section = variant({"method": "dynamic", "keep_float": kept})
    before = {name: layer.weight.clone() for name, layer in layers_of(model).items()}
    with section.simulated(model) as used:
        model(input_ids=torch.tensor([[5, 6, 7]]))
        same = {name for name, layer in layers_of(model).items() if torch.equal(layer.weight, before[name])}
        found = used()
    assert len(same) == 2 and all(name.endswith("output.dense") for name in same)
    assert set(found["kept_float"]) == same | {"bert.embeddings.word_embeddings"}
    assert found["tables"] == ["bert.embeddings.position_embeddings"]
    assert len(found["matrices"]) == len(before) - 2
    wrong = variant({"method": "dynamic", "keep_float": ["*.decoder"]})
    with pytest.raises(StageError, match=r"no weights called '\*\.decoder'"), wrong.simulated(model):
        pass
    assert all(type(layer).__name__ == "Linear" for layer in layers_of(model).values())
