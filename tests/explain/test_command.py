"""Explanations of a finished bundle, as a user asks for them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from compressor.explain.methods.base import FloatArray
from compressor.explain.methods.shap import Shap
from tests.command import compressor
from tests.tiny_run import TinyRun

TEXT = "a good film with a dull story"


def test_every_word_of_the_text_has_a_weight(finished: TinyRun, tmp_path: Path) -> None:
    page = tmp_path / "why.html"
    found = compressor("explain", finished.bundle, TEXT, "--format", "json", "--out", page).succeeds().json
    assert [piece for piece, weight in found["pieces"] if weight is not None] == TEXT.split()
    assert "".join(piece for piece, _ in found["pieces"]) == TEXT
    assert found["what"] == f"probability of {found['answer']!r}" and found["method"] == "occlusion"
    shown = page.read_text(encoding="utf-8")
    assert "<mark" in shown and "dull" in shown
    assert "Weights" in compressor("explain", finished.bundle, TEXT).succeeds().out


def test_another_label_can_be_explained(finished: TinyRun) -> None:
    good, bad = (
        compressor("explain", finished.bundle, TEXT, "--label", label, "--format", "json").succeeds().json
        for label in ("good", "bad")
    )
    assert good["score"] + bad["score"] == pytest.approx(1, abs=1e-6)
    for (_, a), (_, b) in zip(good["pieces"], bad["pieces"], strict=True):
        assert (a is None) == (b is None) and (a is None or a == pytest.approx(-b, abs=1e-6))


@pytest.mark.parametrize("method", ["shap", "lime"])
def test_a_library_that_is_not_installed_is_named_with_its_extra(finished: TinyRun, method: str) -> None:
    with mock.patch.dict(sys.modules, {"shap": None, "lime": None, "lime.lime_text": None}):
        compressor("explain", finished.bundle, TEXT, "--method", method).fails(3, "compressor[explain]")


def test_nothing_is_compiled_for_one_answer(finished: TinyRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """numba would compile what shap calls a few hundred times, which takes longer than all of the calls."""
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    settings = []

    def weights(*_: object, **__: object) -> FloatArray:
        settings.append(os.environ.get("NUMBA_DISABLE_JIT"))
        return np.zeros(1)

    monkeypatch.setattr(Shap, "weights", weights)
    compressor("explain", finished.bundle, "good", "--method", "shap").succeeds()
    assert settings == ["1"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--label", "odd"), "no label 'odd'"),
        (("--pair", "a story"), "reads text"),
        (("--out", "why.pdf"), ".html or .md"),
        (("--variant", "int2"), "int2"),
    ],
)
def test_a_wrong_call_is_told(finished: TinyRun, arguments: tuple[str, ...], said: str) -> None:
    compressor("explain", finished.bundle, TEXT, *arguments).fails(2, said)


def test_a_text_without_words_has_nothing_to_explain(finished: TinyRun) -> None:
    compressor("explain", finished.bundle, "...").fails(2, "no words")
