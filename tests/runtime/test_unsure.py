"""Bundles that say which answers they are unsure of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from compressor.errors import BundleError
from compressor.runtime import Manifest, load, verify
from compressor.runtime.manifest import MANIFEST
from tests.runtime import bundles


def scores(bundle: Path) -> list[float]:
    return sorted(answer.to_dict()["score"] for answer in load(bundle).predict(bundles.TEXTS))


def test_answers_below_the_threshold_are_unsure_and_lose_nothing(bundle: Path, tmp_path: Path) -> None:
    threshold = sum(scores(bundle)[2:4]) / 2
    plain = [answer.to_dict() for answer in load(bundle).predict(bundles.TEXTS)]
    given = [
        answer.to_dict() for answer in load(bundles.unsure_below(bundle, tmp_path, threshold)).predict(bundles.TEXTS)
    ]
    assert [{name: one[name] for name in one if name != "unsure"} for one in given] == plain
    assert [one["unsure"] for one in given] == [one["score"] < threshold for one in plain]
    assert {one["unsure"] for one in given} == {True, False}


def test_a_bundle_without_a_threshold_answers_as_ever(bundle: Path, tmp_path: Path) -> None:
    answer = load(bundle).predict("a film")
    assert list(answer.to_dict()) == ["label", "score", "scores"] and answer.shown == answer.brief
    none_found = bundles.unsure_below(bundle, tmp_path, None)
    assert load(none_found).predict("a film").to_dict() == answer.to_dict()


def test_a_manifest_of_before_can_be_read(bundle: Path, tmp_path: Path) -> None:
    old = bundles.copy(bundle, tmp_path)
    bundles.edit(old / MANIFEST, lambda manifest: manifest.pop("unsure"))
    assert Manifest.read(old).unsure is None and "unsure" not in load(old).predict("a film").to_dict()


def test_sealed_answers_hold_as_before(bundle: Path, tmp_path: Path) -> None:
    assert verify(bundles.unsure_below(bundle, tmp_path, 0.99)).texts > 0


def test_people_see_it_and_agreement_does_not(bundle: Path, tmp_path: Path) -> None:
    loaded = load(bundles.unsure_below(bundle, tmp_path, 1.0))
    answer = loaded.predict("a film")
    assert answer.shown == f"{answer.brief} (unsure)"
    assert loaded.task.keys([answer]) == [answer.brief]


def test_what_is_written_is_read_again(bundle: Path, tmp_path: Path) -> None:
    copied = bundles.unsure_below(bundle, tmp_path, 0.75)
    manifest = Manifest.read(copied)
    manifest.write(copied)
    assert Manifest.read(copied) == manifest and manifest.unsure_below == 0.75
    assert json.loads((copied / MANIFEST).read_text(encoding="utf-8"))["unsure"]["promise"] == "wrong <= 0.05"


@pytest.mark.parametrize("wrong", [1.5, -0.1, float("nan"), "much", [0.5]])
def test_a_threshold_that_is_no_probability_is_refused(bundle: Path, tmp_path: Path, wrong: Any) -> None:
    with pytest.raises(BundleError):
        Manifest.read(bundles.unsure_below(bundle, tmp_path, wrong))
