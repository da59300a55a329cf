"""Bundles are loaded and tested before anything is answered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from compressor.errors import BundleError, VerificationFailed
from compressor.runtime import Answer
from compressor.runtime.golden import GOLDEN
from tests.command import compressor
from tests.runtime import bundles
from tests.serve.support import models


def test_a_bundle_has_its_own_name_or_a_given_one(bundle: Path) -> None:
    found = models(bundle, f"other={bundle}")
    assert [model.name for model in found] == ["tiny", "other"]


def test_single_texts_and_pairs_of_several_requests_may_share_a_batch(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sentence embeddings are of either, but a batch of rows is of one kind."""
    (model,) = models(bundle)
    computed = []

    whole = model.bundle.answer

    def answer(examples: Sequence[dict[str, str]], batch_size: int) -> list[Answer]:
        computed.append(examples)
        return list(whole([{"text": example["text"]} for example in examples], batch_size=batch_size))

    monkeypatch.setattr(model.bundle, "answer", answer)
    single, pair = {"text": "a"}, {"text": "b", "text_pair": "c"}
    assert len(model.answer([single, single, pair, single])) == 4
    assert computed == [[single, single], [pair], [single]]


def test_two_bundles_of_one_name_are_refused(bundle: Path) -> None:
    with pytest.raises(BundleError, match="Two bundles have the name 'tiny'") as refused:
        models(bundle, bundle)
    assert f"NAME={bundle}" in str(refused.value)


@pytest.mark.parametrize("name", ["a/b", "a b", "ä", "%2e", ".."])
def test_a_name_that_does_not_fit_an_address_is_refused(bundle: Path, name: str) -> None:
    with pytest.raises(BundleError, match="doesn't fit an address"):
        models(f"{name}={bundle}")


def test_a_bundle_that_answers_otherwise_is_not_served(bundle: Path, tmp_path: Path) -> None:
    """Of the variant that is served; another one is not its business."""
    spoilt = bundles.copy(bundle, tmp_path)

    def change(golden: dict[str, dict[str, list[list[float]]]]) -> None:
        golden["outputs"]["int8"][0] = [100.0, -100.0]

    bundles.edit(spoilt / GOLDEN, change)
    bundles.seal_again(spoilt)
    with pytest.raises(VerificationFailed, match="variant int8 answers"):
        models(spoilt)
    assert models(spoilt, variant="fp32")[0].variant == "fp32"
    assert models(spoilt, verified=False)[0].variant == "int8"
    compressor("serve", spoilt).fails(1, "variant int8 answers")


def test_wrong_calls_are_told(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compressor("serve", tmp_path / "nowhere").fails(2, "nowhere", "not a bundle")
    compressor("serve", bundle, "--variant", "int3").fails(2, "int3", "fp32, int8")
    compressor("serve", bundle, "--queue", "8").fails(2, "--max-texts", "--queue")
    monkeypatch.setattr("compressor.serve.command.find_spec", lambda name: None)
    compressor("serve", bundle).fails(3, "Serving needs the extra 'serve'", "compressor[serve]")
