"""Static int8: answers that don't depend on the batch, products that really run in integers."""

from __future__ import annotations

import json
import platform
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from compressor.bench.host import cpu
from compressor.deploy.calibration import Calibration
from compressor.deploy.quantize import quantize
from compressor.deploy.quantize.dynamic import DynamicQuantization
from compressor.deploy.quantize.static import StaticQuantization
from compressor.errors import StageError
from compressor.events import Silent
from compressor.runtime.encoder import Encoder
from compressor.runtime.session import open_session
from tests import tiny
from tests.deploy.models import MAX_LENGTH

PRODUCTS = 8
"""Query, key, value, output, two feed-forward matrices; pooler and classifier."""
HAS_VNNI = bool({"avx_vnni", "avx512_vnni"} & set(cpu().flags)) or platform.machine() not in ("x86_64", "AMD64")
CALIBRATION = Calibration([{"text": text} for text, _ in tiny.reviews(40)], MAX_LENGTH)
TEXTS = ["good", *(text for text, _ in tiny.reviews(60)[40:])]


class Heard(Silent):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)


def run(source: Path, out: Path, **settings: Any) -> tuple[dict[str, Any], onnx.ModelProto]:
    heard = Heard()
    config = StaticQuantization.model_validate({"method": "static", **settings})
    facts = quantize(config, source=source, out=out, events=heard, calibration=CALIBRATION)
    assert bool(heard.warnings) == (facts["integer_products"] < facts["matrices"])
    return facts, onnx.load(out / "model.onnx")


def answers(folder: Path, batch_size: int = 1) -> npt.NDArray[Any]:
    session, encoder = open_session(folder / "model.onnx"), Encoder.from_folder(folder, MAX_LENGTH)
    batches = [TEXTS[start : start + batch_size] for start in range(0, len(TEXTS), batch_size)]
    return np.concatenate([session.run(encoder.encode(batch))[0] for batch in batches])


def spread(values: npt.NDArray[Any]) -> float:
    """Root of the mean square."""
    return float(np.sqrt(np.mean(values**2)))


@pytest.fixture(scope="module")
def static(large: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], onnx.ModelProto]:
    out = tmp_path_factory.mktemp("static")
    return out, *run(large, out, reduce_range=not HAS_VNNI)


def test_every_constant_matrix_is_multiplied_in_integers(
    static: tuple[Path, dict[str, Any], onnx.ModelProto],
) -> None:
    _, facts, proto = static
    assert facts["matrices"] == facts["integer_products"] == PRODUCTS
    assert facts["tables"] == 1
    assert facts["size_ratio"] <= 0.30
    assert facts["calibrated_on"] == len(CALIBRATION.examples)
    matrices = [tensor for tensor in proto.graph.initializer if len(tensor.dims) == 2]
    assert {tensor.data_type for tensor in matrices if np.prod(tensor.dims) > 10_000} == {TensorProto.INT8}
    json.dumps(facts)


def test_an_answer_is_the_same_alone_and_in_a_padded_batch(
    static: tuple[Path, dict[str, Any], onnx.ModelProto], large: Path, tmp_path: Path
) -> None:
    """But for rounding. Dynamic int8 takes its scales from the whole batch, padding included."""
    quantize(DynamicQuantization(method="dynamic"), source=large, out=tmp_path, events=Silent())
    fixed, dynamic = ((answers(folder), answers(folder, len(TEXTS))) for folder in (static[0], tmp_path))
    assert spread(fixed[0] - fixed[1]) < 1e-3 * fixed[0].std()
    assert spread(dynamic[0] - dynamic[1]) > 10 * spread(fixed[0] - fixed[1])


@pytest.mark.parametrize(
    "settings",
    [{"smooth": 0.5}, {"calibration": "percentile", "percentile": 99.99}, {"activations": "int8", "embeddings": False}],
    ids=str,
)
def test_answers_stay_close_to_fp32(settings: dict[str, Any], large: Path, tmp_path: Path) -> None:
    _, proto = run(large, tmp_path, reduce_range=not HAS_VNNI, **settings)
    fp32, int8 = answers(large), answers(tmp_path)
    assert 0 < spread(fp32 - int8) < (0.15 if HAS_VNNI else 0.30) * fp32.std()
    zero_points = {
        tensor.data_type
        for tensor in proto.graph.initializer
        if tensor.name.endswith("_zero_point") and not tensor.dims
    }
    assert zero_points == {TensorProto.INT8 if settings.get("activations") == "int8" else TensorProto.UINT8}


def test_reduced_range_stays_within_seven_bits(large: Path, tmp_path: Path) -> None:
    _, proto = run(large, tmp_path, reduce_range=True, embeddings=False)
    codes = [numpy_helper.to_array(tensor) for tensor in proto.graph.initializer if tensor.name.endswith("_codes")]
    assert len(codes) == PRODUCTS
    assert max(np.abs(matrix.astype(int)).max() for matrix in codes) == 64


def test_nothing_is_left_behind_and_nothing_is_said(
    static: tuple[Path, dict[str, Any], onnx.ModelProto],
    large: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    before = sorted(large.iterdir())
    run(large, tmp_path / "out", calibration="percentile")
    assert list(scratch.iterdir()) == []
    assert sorted(large.iterdir()) == before
    assert tuple(capfd.readouterr()) == ("", "")
    source = onnx.load(large / "model.onnx")
    proto = onnx.load(tmp_path / "out" / "model.onnx")
    assert proto.graph.input == source.graph.input
    assert [(one.name, one.type) for one in proto.graph.output] == [(one.name, one.type) for one in source.graph.output]
    assert not proto.graph.value_info
    run(large, tmp_path / "again", calibration="percentile")
    assert len({(tmp_path / name / "model.onnx").read_bytes() for name in ("out", "again")}) == 1


def test_a_graph_with_nothing_to_quantize_is_refused(tmp_path: Path) -> None:
    proto = helper.make_model(
        helper.make_graph(
            [helper.make_node("Cast", ["input_ids"], ["logits"], to=TensorProto.FLOAT)],
            "model",
            [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "sequence"])],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", "sequence"])],
        ),
        opset_imports=[helper.make_opsetid("", 20)],
        ir_version=10,
    )
    onnx.save(proto, tmp_path / "model.onnx")
    with pytest.raises(StageError, match="Nothing could be quantized"):
        run(tmp_path, tmp_path / "out")


def test_it_asks_for_training_texts_and_refuses_an_option_that_does_nothing() -> None:
    config = StaticQuantization.model_validate({"method": "static", "examples": 32, "percentile": 99.9})
    assert config.calibration_examples == 32
    (problem,) = config.problems()
    assert problem.path == "percentile"
    assert not list(config.model_copy(update={"calibration": "percentile"}).problems())
