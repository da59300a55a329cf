from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from compressor.bench.subject import Subject
from compressor.compare.inputs import MAX_TEXTS, MAX_TOKENS, assert_shape, parse_shape, write_inputs
from compressor.errors import RecipeError
from compressor.runtime import Encoder
from tests.compare.models import MAX_LENGTH


@pytest.fixture
def subject(onnx_folder: Path) -> Subject:
    return Subject("tiny", "onnxruntime", onnx_folder, MAX_LENGTH, "text-classification")


def arrays(path: Path) -> list[npt.NDArray[np.int64]]:
    with np.load(path, allow_pickle=False) as stored:
        return [stored[str(index)] for index in range(len(stored.files))]


def test_shapes() -> None:
    assert parse_shape("texts") is None
    assert parse_shape("32x128") == (32, 128)


@pytest.mark.parametrize("shape", ["", "0x8", "8x0", "8", "x8", "8x", "-1x8", "1x8x2", "1 x 8", "a/b", "1x1e3", "٣x8"])
def test_what_is_no_shape(shape: str) -> None:
    with pytest.raises(RecipeError, match="is no shape"):
        parse_shape(shape)


def test_a_shape_that_nothing_could_hold() -> None:
    assert parse_shape(f"1x{MAX_TOKENS}") == (1, MAX_TOKENS)
    with pytest.raises(RecipeError, match="too large"):
        parse_shape(f"2x{MAX_TOKENS}")


def test_a_shape_longer_than_the_model_has_positions(subject: Subject) -> None:
    assert_shape("8x64", subject)
    assert_shape("texts", subject)
    with pytest.raises(RecipeError, match=r"1x65 is too long: tiny .* takes at most 64 tokens"):
        assert_shape("1x65", subject)


def test_texts_keep_their_lengths_and_nothing_is_padded(
    subject: Subject, texts: list[dict[str, str]], tmp_path: Path
) -> None:
    found = arrays(write_inputs("texts", subject, texts, tmp_path / "deep" / "inputs.npz"))
    encoder = Encoder.from_folder(subject.folder, MAX_LENGTH)

    assert len(found) == len(texts)
    for ids, text in zip(found, texts, strict=True):
        np.testing.assert_array_equal(ids, encoder.encode([text["text"]])["input_ids"])


def test_pairs_are_encoded_as_pairs(subject: Subject, tmp_path: Path) -> None:
    pair = {"text": "the movie", "text_pair": "a story"}
    (found,) = arrays(write_inputs("texts", subject, [pair], tmp_path / "inputs.npz"))

    expected = Encoder.from_folder(subject.folder, MAX_LENGTH).encode(["the movie"], ["a story"])["input_ids"]
    np.testing.assert_array_equal(found, expected)


def test_a_fixed_shape_is_made_of_ids_of_real_texts(
    subject: Subject, texts: list[dict[str, str]], tmp_path: Path
) -> None:
    (found,) = arrays(write_inputs("3x40", subject, texts, tmp_path / "inputs.npz"))
    known = np.unique(
        np.concatenate([ids[0] for ids in arrays(write_inputs("texts", subject, texts, tmp_path / "t.npz"))])
    )

    assert found.shape == (3, 40)
    assert set(found.ravel().tolist()) <= set(known.tolist())
    assert (found != Encoder.from_folder(subject.folder, MAX_LENGTH).pad_id).all()
    (again,) = arrays(write_inputs("3x40", subject, texts, tmp_path / "again.npz"))
    np.testing.assert_array_equal(found, again)


def test_without_texts_built_in_ones_serve_and_of_many_the_first(subject: Subject, tmp_path: Path) -> None:
    assert len(arrays(write_inputs("texts", subject, [], tmp_path / "few.npz"))) > 1
    many = [{"text": "good"}] * (MAX_TEXTS + 1)
    assert len(arrays(write_inputs("texts", subject, many, tmp_path / "many.npz"))) == MAX_TEXTS
