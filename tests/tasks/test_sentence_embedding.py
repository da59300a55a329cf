"""Sentence embedding in training: pooling as deployed, scores of pairs, options that a model folder brings."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from compressor.distill.likelihood import LIKELIHOODS
from compressor.distill.objectives.similarity import similarity_loss
from compressor.errors import DataError, RecipeError, SourceError
from compressor.runtime.options import write_options
from compressor.runtime.tasks.sentence_embedding import OUTPUT
from compressor.tasks import get_task, load_tokenizer
from compressor.tasks.models.checkpoint import encoder_of

TASK = get_task("sentence-embedding")
PAIRS = [
    {"text": "a good film", "text_pair": "the film was moving and very warm", "score": 0.5},
    {"text": "the plot is dull", "text_pair": "a film", "score": -1.0},
]


@pytest.mark.parametrize("options", [{}, {"pooling": "cls"}, {"dimensions": 5}, {"pooling": "cls", "dimensions": 3}])
def test_training_keeps_the_vectors_that_a_bundle_answers(encoder_folder: Path, options: dict[str, object]) -> None:
    tokenizer = load_tokenizer(encoder_folder)
    model = TASK.load_model(encoder_folder, [])
    features = TASK.tokenize(tokenizer, {role: [pair[role] for pair in PAIRS] for role in PAIRS[0]}, 32)
    names = ("input_ids", "attention_mask", "token_type_ids")
    batch = TASK.collator(tokenizer)([{name: features[name][row] for name in names} for row in range(4)])
    with torch.no_grad():
        raw = model(**batch)
    encoded = TASK.runtime.encode(encoder_of(tokenizer, 32), PAIRS)
    deployed = TASK.runtime.reduce([raw[OUTPUT].numpy()], encoded, options=options)[OUTPUT].values
    kept = TASK.reduce(raw, batch, options)[OUTPUT].numpy()
    assert kept.shape == (4, options.get("dimensions", 32))
    np.testing.assert_allclose(kept, deployed, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(kept, axis=1), 1, atol=1e-5)
    padded_left = raw[OUTPUT].numpy().copy()
    for row, ids in enumerate(encoded.rows):
        padded_left[row] = np.roll(padded_left[row], padded_left.shape[1] - len(ids), axis=0)
    left = TASK.runtime.reduce([padded_left], encoded, pads_left=True, options=options)[OUTPUT].values
    np.testing.assert_allclose(left, deployed, atol=1e-6)


def test_a_score_supervises_the_pairs_that_are_whole_in_a_batch() -> None:
    vectors = torch.nn.functional.normalize(torch.randn(5, 8), dim=-1)
    batch = {"labels": torch.tensor([0.5, 0.5, 0.2, 0.9, 0.9]), "row_id": torch.tensor([4, 5, 7, 0, 1])}
    (found,) = TASK.supervised({OUTPUT: vectors}, batch)
    cosines = torch.stack([vectors[0] @ vectors[1], vectors[3] @ vectors[4]])
    expected = ((cosines - torch.tensor([0.5, 0.9])) ** 2).mean()
    assert found.labels is not None
    assert LIKELIHOODS["vector"].loss(found.student, found.labels) == pytest.approx(expected.item(), abs=1e-6)
    (alone,) = TASK.supervised({OUTPUT: vectors[:1]}, {name: values[:1] for name, values in batch.items()})
    assert alone.labels is not None and LIKELIHOODS["vector"].loss(alone.student, alone.labels) == 0


def test_a_score_without_a_pair_is_refused(encoder_folder: Path) -> None:
    with pytest.raises(DataError, match="pair of texts"):
        TASK.tokenize(load_tokenizer(encoder_folder), {"text": ["a film"], "score": [0.5]}, 32)


def test_similarity_is_the_literal_formula() -> None:
    generator = np.random.default_rng(0)
    student, teacher = generator.normal(size=(4, 3)), generator.normal(size=(4, 6))

    def cosine(a: np.ndarray, b: np.ndarray) -> float:
        return float(a @ b / np.sqrt(a @ a) / np.sqrt(b @ b))

    squares = [
        (cosine(student[i], student[j]) - cosine(teacher[i], teacher[j])) ** 2 for i in range(4) for j in range(4)
    ]
    found = similarity_loss(torch.from_numpy(student), torch.from_numpy(teacher))
    assert found.item() == pytest.approx(sum(squares) / 16)


@pytest.fixture
def folder(encoder_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(encoder_folder, tmp_path / "model"))


def pooling(folder: Path, **said: object) -> None:
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": 32, **said}))


def test_pooling_is_that_of_the_sentence_transformers_folder(folder: Path, tmp_path: Path) -> None:
    assert TASK.options(TASK.load_model(folder, [])) == {"pooling": "mean"}
    pooling(folder, pooling_mode_cls_token=True, pooling_mode_mean_tokens=False)
    model = TASK.load_model(folder, [])
    assert TASK.options(model) == {"pooling": "cls"}
    model.save_pretrained(tmp_path / "saved")
    assert TASK.options(TASK.load_model(tmp_path / "saved", [])) == {"pooling": "cls"}


def test_a_pooling_that_is_not_known_is_refused(folder: Path) -> None:
    pooling(folder, pooling_mode_max_tokens=True, pooling_mode_mean_tokens=False)
    with pytest.raises(SourceError, match="pooling_mode_max_tokens"):
        TASK.load_model(folder, [])


def test_options_beside_a_model_come_first(folder: Path) -> None:
    write_options({"dimensions": 8}, folder)
    assert TASK.options(TASK.load_model(folder, [])) == {"pooling": "mean", "dimensions": 8}
    write_options({"dimensions": 0}, folder)
    with pytest.raises(SourceError, match="dimensions"):
        TASK.load_model(folder, [])


def test_a_dense_layer_after_the_pooling_is_refused(folder: Path) -> None:
    (folder / "modules.json").write_text(json.dumps([{"type": "sentence_transformers.models.Dense"}]))
    with pytest.raises(SourceError, match="dense layer"):
        TASK.load_model(folder, [])


def test_a_recipe_chooses_how_a_student_pools_and_how_many_numbers_are_kept(folder: Path, tmp_path: Path) -> None:
    model = TASK.load_model(folder, [])
    TASK.choose(model, {"pooling": "cls", "dimensions": 8})
    assert TASK.options(model) == {"pooling": "cls", "dimensions": 8}
    model.save_pretrained(tmp_path / "saved")
    assert TASK.options(TASK.load_model(tmp_path / "saved", [])) == {"pooling": "cls", "dimensions": 8}
    with pytest.raises(RecipeError, match=r"33.*32 numbers"):
        TASK.choose(model, {"dimensions": 33})
