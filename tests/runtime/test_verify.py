from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compressor.errors import BundleError, VerificationFailed
from compressor.runtime import Bundle, verify
from compressor.runtime.golden import GOLDEN
from compressor.runtime.outputs import Ragged
from tests.runtime.bundles import edit, seal_again

FILES = [
    "README.md",
    "config.json",
    "golden.json",
    "onnx/model.onnx",
    "onnx/model_quantized.onnx",
    "provenance.json",
    "recipe.resolved.yaml",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
]


@pytest.fixture
def golden_of(spoilt: Path) -> Callable[[Callable[[dict[str, Any]], None]], Path]:
    """Change what was sealed, and seal the change."""

    def change(how: Callable[[dict[str, Any]], None]) -> Path:
        edit(spoilt / GOLDEN, how)
        seal_again(spoilt)
        return spoilt

    return change


def test_a_whole_bundle_passes(bundle: Path, pairs_bundle: Path) -> None:
    for folder in (bundle, pairs_bundle):
        found = verify(folder)
        assert (found.files, found.texts) == (len(FILES), 5)
        assert set(found.variants) == {"fp32", "int8"}
        assert all(difference < 1e-5 for difference in found.variants.values())


def test_one_variant_may_be_tested_alone(bundle: Path) -> None:
    assert set(verify(bundle, variant="fp32").variants) == {"fp32"}
    with pytest.raises(BundleError, match="no variant 'int3'"):
        verify(bundle, variant="int3")


@pytest.mark.parametrize("name", FILES)
def test_one_changed_byte_is_found_in_every_file(spoilt: Path, name: str) -> None:
    content = bytearray((spoilt / name).read_bytes())
    content[len(content) // 2] ^= 1
    (spoilt / name).write_bytes(content)
    with pytest.raises(VerificationFailed, match=f"{name} has changed") as caught:
        verify(spoilt)
    assert caught.value.exit_code == 1


def test_every_damaged_file_is_named(spoilt: Path) -> None:
    (spoilt / "tokenizer.json").unlink()
    (spoilt / "README.md").write_text("x", encoding="utf-8")
    with pytest.raises(VerificationFailed, match=r"README\.md has changed; tokenizer\.json is missing"):
        verify(spoilt)


def test_a_model_without_a_digest_is_no_sealed_model(spoilt: Path) -> None:
    edit(spoilt / "manifest.json", lambda manifest: manifest["files"].pop("onnx/model.onnx"))
    with pytest.raises(VerificationFailed, match=r"onnx/model\.onnx has no digest"):
        verify(spoilt)


@pytest.mark.parametrize("variant", ["fp32", "int8"])
def test_another_answer_names_variant_and_text(golden_of: Any, variant: str) -> None:
    def change(golden: dict[str, Any]) -> None:
        golden["outputs"][variant][2][0] += 1.5 * golden["tolerances"][variant]
        golden["examples"][2]["text"] = golden["examples"][2]["text"] + " "

    with pytest.raises(VerificationFailed, match=rf"variant {variant} answers '.+ '.+ tolerance"):
        verify(golden_of(change))


def test_an_answer_within_the_tolerance_passes_and_is_measured(golden_of: Any) -> None:
    def change(golden: dict[str, Any]) -> None:
        golden["outputs"]["int8"][2][0] += 0.5 * golden["tolerances"]["int8"]

    folder = golden_of(change)
    found = verify(folder)
    assert found.variants["int8"] == pytest.approx(0.5 * found.tolerances["int8"], rel=1e-3)


def test_an_answer_that_is_not_a_number_fails(spoilt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = {"logits": Ragged(np.full((1, 2), np.nan, dtype=np.float32))}
    monkeypatch.setattr(Bundle, "compute", lambda *_: nothing)
    with pytest.raises(VerificationFailed, match="nan"):
        verify(spoilt)


@pytest.mark.parametrize(("lead", "passes"), [(0.9, True), (1.1, False)])
def test_a_clear_answer_must_stay_the_answer(
    spoilt: Path, monkeypatch: pytest.MonkeyPatch, lead: float, passes: bool
) -> None:
    """Each output may move by the tolerance; together they may not turn an answer that led by more than it."""
    given = np.array([[1.0, 1.001]], dtype=np.float32)
    monkeypatch.setattr(Bundle, "compute", lambda *_: {"logits": Ragged(given)})

    def change(golden: dict[str, Any]) -> None:
        for variant in ("fp32", "int8"):
            golden["tolerances"][variant] = 0.1
            golden["outputs"][variant] = [[1.0 + lead * 0.05, 1.0 - lead * 0.05]] * len(golden["examples"])

    edit(spoilt / GOLDEN, change)
    seal_again(spoilt)
    if passes:
        assert verify(spoilt).variants["fp32"] < 0.1
    else:
        with pytest.raises(VerificationFailed, match=r"tolerance 0\.1"):
            verify(spoilt)


@pytest.mark.parametrize(
    "change",
    [
        lambda golden: golden.pop("examples"),
        lambda golden: golden.update(examples=[]),
        lambda golden: golden.update(examples=[{}]),
        lambda golden: golden["outputs"].pop("int8"),
        lambda golden: golden["outputs"]["int8"].pop(),
        lambda golden: golden["outputs"].update(int8=[["high"]]),
        lambda golden: golden.update(tolerances={}),
    ],
)
def test_what_is_no_golden_file_is_refused(golden_of: Any, change: Callable[[dict[str, Any]], object]) -> None:
    with pytest.raises(BundleError, match=r"golden\.json"):
        verify(golden_of(lambda golden: (change(golden), None)[1]))


def test_a_bundle_without_sealed_answers_is_refused(spoilt: Path) -> None:
    (spoilt / GOLDEN).unlink()
    edit(spoilt / "manifest.json", lambda manifest: manifest["files"].pop(GOLDEN))
    with pytest.raises(BundleError, match=r"golden\.json can't be read"):
        verify(spoilt)


def test_another_folder_is_not_a_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is not a bundle") as caught:
        verify(tmp_path)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda manifest: manifest.update(labels=["bad", "good", "odd"]),
        lambda manifest: manifest.update(task="mind-reading"),
        lambda manifest: manifest.update(pairs=True),
    ],
    ids=["labels", "task", "pairs"],
)
def test_what_predict_would_refuse_is_not_approved(spoilt: Path, change: Callable[[dict[str, Any]], None]) -> None:
    edit(spoilt / "manifest.json", change)
    with pytest.raises(BundleError):
        verify(spoilt)


def test_an_answer_that_differs_is_told_with_the_folder(golden_of: Any) -> None:
    spoilt = golden_of(lambda golden: golden["outputs"]["int8"][0].__setitem__(0, 1e6))
    with pytest.raises(VerificationFailed, match="it was sealed") as caught:
        verify(spoilt)
    assert str(spoilt) in caught.value.message


def test_what_else_a_sealed_example_holds_is_not_read(golden_of: Any) -> None:
    spoilt = golden_of(lambda golden: golden["examples"][0].update(more=1.5, outputs=[]))
    assert verify(spoilt).texts > 0
    spoilt_too = golden_of(lambda golden: golden["outputs"]["int8"][0].__setitem__(0, 1e6))
    with pytest.raises(VerificationFailed, match="it was sealed"):
        verify(spoilt_too)
