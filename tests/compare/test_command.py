from __future__ import annotations

import csv
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compressor.compare import command, settings
from compressor.compare.arm import ModelSpec
from compressor.compare.command import compare_paths
from compressor.compare.latency import LatencyCase
from compressor.compare.memory import MemoryCase
from compressor.compare.results import Comparison, Row
from compressor.compare.settings import Settings, Tolerances
from compressor.errors import BundleError, DataError, MissingExtra, RecipeError, TargetUnavailable
from compressor.events import Silent
from compressor.recipe.benchmark import Target
from tests import tiny
from tests.bench.models import logits_by_hand
from tests.compare.models import relabelled, with_one_more_operator, write_onnx, wrong
from tests.runtime import bundles


@pytest.fixture
def cases(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What would be measured; nothing is. Shapes of the inputs stand in `shapes`, since the files are gone later."""
    found: list[Any] = []

    def decide(given: list[Any], **_: Any) -> list[Row]:
        for case in given:
            if isinstance(case, LatencyCase):
                assert isinstance(case.a, ModelSpec) and isinstance(case.b, ModelSpec)
                shapes = []
                for spec in (case.a, case.b):
                    with np.load(spec.inputs) as stored:
                        shapes.append([stored[name].shape for name in stored.files])
                assert shapes[0] == shapes[1], "both have the same tokenizer here"
                found.append((case, shapes[0]))
            else:
                found.append((case, None))
        return []

    monkeypatch.setattr(command, "decide", decide)
    return found


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundles.write(tmp_path_factory.mktemp("bundle"))


def compare(a: Path, b: Path, work: Path, **given: Any) -> Comparison:
    return compare_paths(a, b, settings=Settings(**given), work=work, events=Silent())


def by_metric(found: Comparison) -> dict[str, Row]:
    return {row.metric: row for row in found.rows}


def labelled(folder: Path, path: Path, *, pairs: bool = False) -> Path:
    """Texts with the labels the classifier in `folder` gives them."""
    texts = [" ".join(text.split()[:5]) for text, _ in tiny.reviews(30)]
    labels = [("bad", "good")[column] for column in logits_by_hand(folder, texts).argmax(axis=1)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label", *(["text_pair"] if pairs else [])])
        writer.writerows([text, label, *(["more"] if pairs else [])] for text, label in zip(texts, labels, strict=True))
    return path


def test_the_default_is_real_texts_a_long_one_and_memory(onnx_folder: Path, tmp_path: Path, cases: list[Any]) -> None:
    found = compare(onnx_folder, onnx_folder, tmp_path, processes=6, target=Target(threads=2))
    (texts, shapes), (fixed, shape), (memory, _) = cases

    assert [case.name for case, _ in cases] == ["model, texts", "model, 1x64", "model"]
    assert shape == [(1, 64)], "the model takes no more"
    assert len(shapes) > 1 and {batch for batch, _ in shapes} == {1}
    assert isinstance(memory, MemoryCase)
    assert (texts.processes, texts.threads, texts.a.threads, fixed.loads > 1) == (6, 2, 2, True)
    assert {row.metric: row.verdict for row in found.rows} == dict.fromkeys(("answers", "size", "operators"), "pass")
    assert found.verdict == "pass"


def test_the_machine_and_the_threads_of_the_processes_are_told(
    onnx_folder: Path, tmp_path: Path, cases: list[Any]
) -> None:
    found = compare(onnx_folder, onnx_folder, tmp_path, target=Target(threads=2))

    assert found.environment["threads"]["OMP_NUM_THREADS"] == "2"
    assert {"cpu", "cores", "versions"} <= found.environment.keys()
    assert Comparison.from_json(found.to_json()) == found


def test_what_is_asked_for_is_measured(onnx_folder: Path, tmp_path: Path, cases: list[Any]) -> None:
    tolerances = Tolerances(latency=0.1, memory=0.2)
    compare(onnx_folder, onnx_folder, tmp_path, shapes=("8x16", "1x4"), tolerances=tolerances)

    assert [(case.name, shape) for case, shape in cases[:2]] == [("model, 8x16", [(8, 16)]), ("model, 1x4", [(1, 4)])]
    assert [case.tolerance for case, _ in cases] == [0.1, 0.1, 0.2]


def test_of_bundles_the_defaults_are_compared_or_the_variants_asked_for(
    bundle: Path, tmp_path: Path, cases: list[Any]
) -> None:
    compare(bundle, bundle, tmp_path)
    assert {case.name for case, _ in cases} == {"int8, texts", "int8, 1x32", "int8"}
    cases.clear()

    compare(bundle, bundle, tmp_path, variants=("fp32", "int8", "fp32"), shapes=("texts",))
    assert [case.name for case, _ in cases] == ["fp32, texts", "fp32", "int8, texts", "int8"]
    assert len({case.work for case, _ in cases}) == 4, "each keeps its raw times apart"


def test_a_bundle_beside_a_bare_model(bundle: Path, onnx_folder: Path, tmp_path: Path, cases: list[Any]) -> None:
    compare(bundle, onnx_folder / "model.onnx", tmp_path, variants=("fp32",), shapes=("texts",))

    assert {case.name for case, _ in cases} == {"fp32 and model, texts", "fp32 and model"}
    assert {case.b.max_length for case, _ in cases if case.metric == "memory"} == {32}, "texts are cut as the bundle's"


def test_what_is_exact_is_told_without_noise(onnx_folder: Path, tmp_path: Path, cases: list[Any]) -> None:
    data = labelled(onnx_folder, tmp_path / "data.csv")
    more = compare(onnx_folder, with_one_more_operator(tmp_path / "more"), tmp_path, data=data, shapes=("1x4",))
    rows = by_metric(more)
    assert rows["operators"].note == "+1 Sigmoid"
    assert (rows["answers"].b, rows["accuracy"].b) == (100.0, 100.0)
    assert (rows["operators"].verdict, rows["answers"].verdict) == ("warn", "pass")

    other = compare(onnx_folder, wrong(tmp_path / "wrong"), tmp_path, data=data, shapes=("1x4",))
    rows = by_metric(other)
    assert (rows["accuracy"].a, rows["accuracy"].b, rows["accuracy"].verdict) == (100.0, 0.0, "fail")
    assert (rows["answers"].b, rows["answers"].verdict) == (0.0, "pass"), "accuracy judges"
    assert other.verdict == "fail"


def test_models_with_other_labels_are_compared(onnx_folder: Path, tmp_path: Path, cases: list[Any]) -> None:
    found = compare(onnx_folder, relabelled(tmp_path / "other", "neg", "pos"), tmp_path, shapes=("1x4",))

    assert by_metric(found)["answers"].verdict == "warn"
    with pytest.raises(DataError, match=r"B: .*which the model never answers"):
        compare(onnx_folder, tmp_path / "other", tmp_path, data=labelled(onnx_folder, tmp_path / "data.csv"))


def test_texts_are_not_among_what_is_kept(onnx_folder: Path, tmp_path: Path, cases: list[Any]) -> None:
    data = labelled(onnx_folder, tmp_path / "data.csv")
    compare(onnx_folder, onnx_folder, tmp_path / "work", data=data)

    kept = [file for file in (tmp_path / "work").rglob("*") if file.is_file()]
    assert {file.name for file in kept} == {"result.json", "outputs.json", "logits.npy"}
    text = tiny.reviews(1)[0][0]
    assert not any(text.encode() in file.read_bytes() for file in kept)


def test_what_cannot_work_is_refused_before_anything_is_measured(
    bundle: Path, onnx_folder: Path, classifier_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(*_: Any, **__: Any) -> None:
        raise AssertionError("it was measured")

    monkeypatch.setattr(command, "answer_texts", measured)
    with pytest.raises(BundleError, match="nowhere is not there"):
        compare(onnx_folder, Path("nowhere"), tmp_path)
    with pytest.raises(BundleError, match="no variant 'int4'"):
        compare(bundle, bundle, tmp_path, variants=("int4",))
    with pytest.raises(BundleError, match="is one model; 2 variants are asked for"):
        compare(bundle, onnx_folder, tmp_path, variants=("int8", "fp32"))
    with pytest.raises(BundleError, match="is a PyTorch model"):
        compare(onnx_folder, classifier_folder, tmp_path)
    with pytest.raises(RecipeError, match="is no shape"):
        compare(onnx_folder, onnx_folder, tmp_path, shapes=("texts", "8"))
    with pytest.raises(RecipeError, match="1x65 is too long"):
        compare(bundle, onnx_folder, tmp_path, shapes=("1x65",))
    with pytest.raises(DataError, match="can't be read"):
        compare(onnx_folder, onnx_folder, tmp_path, data=tmp_path / "none.csv")
    with pytest.raises(DataError, match=r"has the column `text_pair`, which this model doesn't read"):
        compare(bundle, onnx_folder, tmp_path, data=labelled(onnx_folder, tmp_path / "pairs.csv", pairs=True))
    monkeypatch.setattr(settings, "target_reason", lambda target: "there is no NVIDIA GPU")
    with pytest.raises(TargetUnavailable, match="cuda is not here: there is no NVIDIA GPU"):
        compare(onnx_folder, onnx_folder, tmp_path, target=Target(device="cuda"))


def test_without_scipy_nobody_measures_for_minutes_to_learn_it(
    onnx_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(settings, "find_spec", lambda name: None if name == "scipy" else find(name))
    with pytest.raises(MissingExtra, match="Comparing needs the extra 'compare'"):
        compare(onnx_folder, onnx_folder, tmp_path)


def test_a_name_that_is_no_folder_name_stays_within_the_folder(tmp_path: Path, cases: list[Any]) -> None:
    odd = write_onnx(tmp_path / "odd")
    (odd / "model.onnx").rename(odd / "a b & c.onnx")
    compare(odd / "a b & c.onnx", odd / "a b & c.onnx", tmp_path / "work", shapes=("1x4",))

    assert {case.work.parent.parent for case, _ in cases} == {tmp_path / "work"}
