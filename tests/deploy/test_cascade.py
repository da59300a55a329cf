from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from compressor.bench.weights import onnx_parameters
from compressor.deploy.cascade import join
from compressor.deploy.threshold import answered, choose_threshold
from compressor.errors import StageError

CLASSES = 3


def model(file: Path, seed: int, *, inputs: tuple[str, ...] = ("input_ids", "attention_mask"), opset: int = 20) -> Path:
    """A classifier: the sum of the unpadded tokens' vectors [10, CLASSES]."""
    table = np.random.default_rng(seed).normal(size=(10, CLASSES)).astype(np.float32)
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["vectors"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["mask_3d"]),
        helper.make_node("Mul", ["vectors", "mask_3d"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "middle"], ["logits"], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "model",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "sequence"]) for name in inputs],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", CLASSES])],
        [
            numpy_helper.from_array(table, "table"),
            numpy_helper.from_array(np.array([-1]), "last"),
            numpy_helper.from_array(np.array([1]), "middle"),
        ],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10), file)
    return file


def run(file: Path, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    named = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
    (logits,) = session.run(None, {value.name: named[value.name] for value in session.get_inputs()})
    return np.asarray(logits)


@pytest.mark.parametrize("threshold", [0.0, 0.6, 0.8, 1.1])
def test_each_text_is_answered_by_the_first_model_where_it_is_sure_and_else_by_the_second(
    tmp_path: Path, threshold: float
) -> None:
    inputs = ("input_ids", "token_type_ids", "attention_mask")
    first, second = model(tmp_path / "a.onnx", 1), model(tmp_path / "b.onnx", 2, inputs=inputs)
    operators = join(first, second, threshold, tmp_path / "joined.onnx")
    assert operators["If"] == 1 and operators["Gather"] >= 5, "operators within the branch count"
    ids = np.random.default_rng(3).integers(0, 10, size=(16, 6))
    mask = np.ones_like(ids)
    mask[::3, 4:] = 0
    quick, thorough = run(first, ids, mask), run(second, ids, mask)
    shares = np.exp(quick) / np.exp(quick).sum(axis=-1, keepdims=True)
    expected = np.where(shares.max(axis=-1, keepdims=True) >= threshold, quick, thorough)
    np.testing.assert_allclose(run(tmp_path / "joined.onnx", ids, mask), expected, atol=1e-6)
    for row in range(len(ids)):
        alone = run(tmp_path / "joined.onnx", ids[row : row + 1], mask[row : row + 1])
        np.testing.assert_allclose(alone[0], expected[row], atol=1e-6)


def test_weights_in_the_branch_count_as_parameters(tmp_path: Path) -> None:
    first, second = model(tmp_path / "a.onnx", 1), model(tmp_path / "b.onnx", 2)
    join(first, second, 0.5, tmp_path / "joined.onnx")
    found = onnx_parameters(tmp_path / "joined.onnx")
    assert found is not None and 2 * 10 * CLASSES <= found <= 2 * 10 * CLASSES + 1  # the threshold


def test_models_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    first, second = model(tmp_path / "a.onnx", 1), model(tmp_path / "b.onnx", 2)
    wide = model(tmp_path / "c.onnx", 3, inputs=("input_ids", "attention_mask", "token_type_ids"))
    with pytest.raises(StageError, match="token_type_ids"):
        join(wide, second, 0.5, tmp_path / "joined.onnx")
    old = model(tmp_path / "d.onnx", 3, opset=18)
    with pytest.raises(StageError, match="unlike operators"):
        join(first, old, 0.5, tmp_path / "joined.onnx")


def test_the_threshold_lets_the_first_model_answer_as_many_texts_as_the_agreement_allows() -> None:
    generator = np.random.default_rng(4)
    second = generator.normal(size=(400, CLASSES)).astype(np.float32)
    first = (second + generator.normal(size=second.shape)).astype(np.float32)
    found = answered(first, second)
    for promise in (0.7, 0.9, 0.97, 0.999):
        chosen = choose_threshold(found, promise)
        assert chosen.agreement >= promise
        better = [found.at(float(t)) for t in np.append(found.confidence, 0.0) if t < chosen.threshold]
        assert all(other.agreement < promise or other.share == chosen.share for other in better)


def test_a_first_model_that_is_sure_of_the_wrong_answers_answers_none() -> None:
    second = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]], np.float32)
    found = answered(np.array([[0.0, 9.0], [0.1, 0.0], [0.2, 0.0]], np.float32), second)
    chosen = choose_threshold(found, 0.9)
    assert (chosen.share, chosen.agreement, chosen.threshold) == (0.0, 1.0, 1.1)


def test_the_accuracy_of_a_threshold_is_that_of_whoever_answers() -> None:
    generator = np.random.default_rng(11)
    first, second = generator.normal(size=(2, 50, CLASSES)).astype(np.float32)
    labels = generator.integers(0, CLASSES, size=50)
    found = answered(first, second, labels.tolist())
    probabilities = np.exp(first) / np.exp(first).sum(axis=-1, keepdims=True)
    for threshold in (0.0, 0.5, 0.7, 1.1):
        answers = [
            (one if sure.max() >= threshold else other).argmax()
            for one, other, sure in zip(first, second, probabilities, strict=True)
        ]
        assert found.at(threshold).accuracy == pytest.approx(np.mean(np.array(answers) == labels))
    assert answered(first, second).at(0.5).accuracy is None
