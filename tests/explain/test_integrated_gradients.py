"""Integrated gradients: against closed forms, and on models in PyTorch by the sum that they must have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compressor.bench.asked import AskedModel
from compressor.bench.placement import Placement
from compressor.bench.subject import subjects_from
from compressor.errors import RecipeError
from compressor.explain import explain
from compressor.explain.methods.base import FloatArray, Stretch
from compressor.explain.scores import Explained, explained
from tests import tiny
from tests.command import compressor
from tests.tiny_run import TinyRun

TEXT = "A gripping, film"
STRETCHES: list[Stretch] = [(0, 0), (0, 1), (1, 6), (6, 10), (10, 11), (11, 16), (0, 0)]
"""A special token, `A`, ` grip`, `ping`, `,`, ` film`, a special token."""
EMBEDDINGS = np.asarray([[9.0], [1.0], [2.0], [3.0], [7.0], [-1.0], [9.0]])


class Polynomial:
    """A model that adds up the embeddings of its tokens and takes the sum to a power."""

    def __init__(self, power: int) -> None:
        self.power = power

    def tokens(self, text: str) -> tuple[FloatArray, list[Stretch]]:
        return EMBEDDINGS, STRETCHES

    def at(self, text: str, embeddings: FloatArray) -> tuple[FloatArray, FloatArray]:
        sums = embeddings.sum(axis=(1, 2))
        slopes = self.power * sums ** (self.power - 1)
        return sums**self.power, np.broadcast_to(slopes[:, None, None], embeddings.shape)

    def score(self, texts: list[str]) -> FloatArray:
        return np.full(len(texts), float(EMBEDDINGS.sum() ** self.power))


def gradients_of(model: Any, **settings: Any) -> tuple[float, ...]:
    return explain(TEXT, model.score, method="integrated-gradients", gradients=model, **settings).weights


def test_of_a_sum_each_word_has_what_its_tokens_add() -> None:
    assert gradients_of(Polynomial(1)) == pytest.approx((1.0, 2.0 + 3.0, -1.0))


def test_of_a_square_the_way_counts_and_not_its_end() -> None:
    """d/de (s)^2 = 2 s, where s runs from 25 (what is no word) to 30: its mean is 55."""
    assert gradients_of(Polynomial(2)) == pytest.approx((55.0, 5 * 55.0, -55.0))


def test_a_score_that_is_not_the_one_that_is_differentiated_is_refused() -> None:
    class Rounded(Polynomial):
        def score(self, texts: list[str]) -> FloatArray:
            return np.ones(len(texts))

    with pytest.raises(RecipeError, match="no gradients"):
        gradients_of(Rounded(1))


def test_too_few_points_are_told_with_how_many_to_give() -> None:
    with pytest.raises(RecipeError, match="add up to") as caught:
        gradients_of(Polynomial(40), calls=2)
    assert "--calls 8" in str(caught.value.hint)
    gradients_of(Polynomial(40), calls=21)  # which is exact: polynomials up to twice the number of points


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier whose weights are so large that its answers bend."""
    return tiny.write_encoder(tmp_path_factory.mktemp("bent"), labels=["bad", "good"], spread=0.2)


def asked(folder: Path, example: dict[str, str], **settings: Any) -> Explained:
    return explained(AskedModel(subjects_from(folder)[0], Placement()), example, **settings)


@pytest.mark.parametrize("problem_type", ["single_label_classification", "multi_label_classification", "regression"])
def test_the_weights_add_up_to_the_score_less_that_of_the_start(
    folder: Path, tmp_path: Path, problem_type: str
) -> None:
    """The axiom of completeness, in PyTorch, for every kind of number that answers hold."""
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((folder / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "problem_type": problem_type}))
    text = "a gripping film, really clumsy"
    found = asked(tmp_path, {"text": text}, label="good")
    assert found.gradients is not None
    weights = explain(found.text, found.score, method="integrated-gradients", gradients=found.gradients).weights
    embeddings, stretches = found.gradients.tokens(text)
    start = np.where([[last > first and text[first] != ","] for first, last in stretches], 0.0, embeddings)
    (below, above), _ = found.gradients.at(text, np.stack([start, embeddings]))
    assert above == pytest.approx(found.score([text])[0], abs=1e-5), "the very score that is explained"
    assert abs(above - below) > 0.004
    assert sum(weights) == pytest.approx(above - below, rel=0.01)


def test_of_a_pair_the_text_that_is_asked_for_is_explained(folder: Path) -> None:
    example = {"text": "gripping film", "text_pair": "a dull story"}
    found = asked(folder, example, role="text_pair")
    assert found.gradients is not None
    _, stretches = found.gradients.tokens(example["text_pair"])
    words = [example["text_pair"][first:last] for first, last in stretches if last]
    assert words == ["a", "dull", "story"]


def test_the_command_explains_a_model_folder(folder: Path) -> None:
    arguments = ("explain", folder, TEXT, "--method", "integrated-gradients", "--format", "json")
    found = compressor(*arguments).succeeds().json
    assert [word for word, weight in found["pieces"] if weight is not None] == ["A", "gripping", "film"]
    assert found["calls"] > 50 and found["deletion"] is not None
    assert compressor(*arguments).succeeds().json["pieces"] == found["pieces"]


def test_an_onnx_file_is_refused_with_what_to_do(finished: TinyRun) -> None:
    done = compressor("explain", finished.bundle, TEXT, "--method", "integrated-gradients")
    done.fails(2, "PyTorch")
    assert "*.safetensors" in done.err and "occlusion" in done.err
