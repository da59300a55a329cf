from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from compressor.chain.stages import Ensemble
from compressor.data import load_split
from compressor.distill import ensemble
from compressor.distill.ensemble import average_outputs, best_weights, mean_of
from compressor.engine.artifact import Artifact
from compressor.errors import StageError
from compressor.events import Silent
from compressor.recipe.teacher import EnsembleSection
from compressor.runtime.outputs import Ragged, read_outputs, write_outputs
from compressor.task_specs import OutputSpec
from compressor.tasks import load_tokenizer
from compressor.tasks.base import Task
from compressor.tasks.models.checkpoint import encoder_of
from tests.distill.conftest import MAX_LENGTH, Finished, Recorder
from tests.distill.objectives.values import softmax
from tests.distill.worlds import World, isolating, names_world, questions_world, right_answers

RANDOM = np.random.default_rng(2)


@pytest.fixture
def members(tmp_path: Path, data: Path) -> list[Path]:
    """What two teachers say of every split, as `compute_outputs` leaves it."""
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        for split in ("train", "validation", "test"):
            logits = RANDOM.normal(size=(len(load_split(data, split)), 2)) * 3
            write_outputs({"logits": Ragged(logits.astype(np.float16))}, folder / split)
    return folders


def averaged(
    members: list[Path], task: Task, data: Path, teacher: Finished, out: Path, **options: Any
) -> dict[str, Any]:
    settings: dict[str, Any] = {"mean": "probabilities", "weights": "equal", **options}
    out.mkdir()
    places: dict[str, Any] = {"data": data, "texts": None, "tokenizers": [load_tokenizer(teacher.model)], "out": out}
    return average_outputs(members, task=task, max_length=MAX_LENGTH, events=Silent(), **places, **settings)


def logits(folder: Path, split: str = "test") -> np.ndarray:
    values: np.ndarray = np.asarray(read_outputs(folder / split)["logits"].values, dtype=np.float64)
    return values


@pytest.mark.parametrize("weights", ["equal", (1.0, 3.0)])
def test_probabilities_are_averaged_and_kept_as_logits(
    members: list[Path], task: Task, data: Path, teacher: Finished, tmp_path: Path, weights: object
) -> None:
    facts = averaged(members, task, data, teacher, tmp_path / "out", weights=weights)
    first, second = (0.5, 0.5) if weights == "equal" else (0.25, 0.75)
    expected = first * softmax(logits(members[0])) + second * softmax(logits(members[1]))
    assert softmax(logits(tmp_path / "out")) == pytest.approx(expected, abs=2e-3)
    assert facts["weights"] == [first, second]
    targets = np.array(load_split(data, "test")["label"])
    assert facts["test"]["accuracy"] == pytest.approx(np.mean(expected.argmax(axis=1) == targets))
    answers = json.loads((tmp_path / "out" / "test" / "answers.json").read_text())
    assert answers == [["bad", "good"][place] for place in expected.argmax(axis=1)]


def test_logits_may_be_averaged_as_they_are(
    members: list[Path], task: Task, data: Path, teacher: Finished, tmp_path: Path
) -> None:
    averaged(members, task, data, teacher, tmp_path / "out", mean="logits")
    expected = (logits(members[0], "train") + logits(members[1], "train")) / 2
    assert logits(tmp_path / "out", "train") == pytest.approx(expected, abs=5e-3)


def test_weights_found_on_validation_are_those_of_the_member_that_knows() -> None:
    labels = torch.tensor(RANDOM.integers(0, 2, 200))
    knows = torch.nn.functional.one_hot(labels, 2).float() * 3 + torch.randn(200, 2)
    found = best_weights(OutputSpec("logits", "categorical"), [torch.randn(200, 2) * 3, knows], labels, "probabilities")
    assert found[1] > 0.9 and sum(found) == pytest.approx(1)


def test_of_other_texts_the_weights_are_those_that_were_found(
    members: list[Path], task: Task, data: Path, teacher: Finished, tmp_path: Path
) -> None:
    facts = averaged(members, task, data, teacher, tmp_path / "out", weights="validation", known=[0.2, 0.8])
    assert facts["weights"] == [0.2, 0.8]


def test_numbers_are_averaged_and_yes_or_no_by_probability() -> None:
    parts, shares = [torch.tensor([[0.0, 2.0]]), torch.tensor([[1.0, 4.0]])], np.array([0.5, 0.5])
    assert mean_of(OutputSpec("values", "value"), parts, shares, "probabilities").tolist() == [[0.5, 3.0]]
    found = torch.sigmoid(mean_of(OutputSpec("logits", "bernoulli"), parts, shares, "probabilities"))
    assert torch.allclose(found, (torch.sigmoid(parts[0]) + torch.sigmoid(parts[1])) / 2)


def test_outputs_of_other_texts_are_refused(
    members: list[Path], task: Task, data: Path, teacher: Finished, tmp_path: Path
) -> None:
    write_outputs({"logits": Ragged(np.zeros((3, 2), np.float16))}, members[1] / "train")
    with pytest.raises(StageError, match="are of unlike texts"):
        averaged(members, task, data, teacher, tmp_path / "out")


def test_where_a_member_says_nothing_the_others_answer() -> None:
    """The first counts a quarter; of the second text nobody but the first says something, of the third nobody."""
    nothing = [np.nan] * 2
    first = torch.tensor([[1.0, 2.0], [0.5, -1.0], nothing])
    second = torch.tensor([[3.0, -1.0], nothing, nothing])
    for mean in ("probabilities", "logits"):
        found = mean_of(OutputSpec("logits", "categorical", per_token=True), [first, second], [0.25, 0.75], mean)
        both = 0.25 * softmax(first[0].numpy()) + 0.75 * softmax(second[0].numpy())
        expected = both if mean == "probabilities" else softmax((0.25 * first[0] + 0.75 * second[0]).numpy())
        assert softmax(found[0].numpy()) == pytest.approx(expected, rel=1e-5)
        assert softmax(found[1].numpy()) == pytest.approx(softmax(first[1].numpy()), rel=1e-5)
        assert found[2].isnan().all()


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> World:
    return questions_world(tmp_path_factory.mktemp("questions"))


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> World:
    return names_world(tmp_path_factory.mktemp("names"))


def together(world: World, models: list[Path], folders: list[Path], out: Path) -> tuple[dict[str, Any], Recorder]:
    """What models say together, of which `folders` are the outputs."""
    out.mkdir()
    events = Recorder()
    facts = average_outputs(
        folders,
        task=world.task,
        data=world.data,
        texts=None,
        mean="probabilities",
        weights=(1.0, 3.0),
        tokenizers=[load_tokenizer(model) for model in models],
        max_length=world.max_length,
        out=out,
        events=events,
    )
    return facts, events


def said(world: World, model: Path, out: Path, change: Any = None) -> Path:
    """Outputs of a model for every split in its own tokens: the right answers, or noise."""
    for split in ("train", "validation", "test"):
        rows = world.rows(model, out / "tokens", split)
        right = right_answers(world.task, rows, 5 if world.task.name == "token-classification" else None)
        write_outputs({name: change(one) if change else one for name, one in right.items()}, out / split)
    return out


def noise(right: Ragged) -> Ragged:
    return Ragged(RANDOM.normal(size=right.values.shape).astype(np.float16) * 3, right.offsets)


def places(world: World, model: Path, split: str) -> list[list[int]]:
    """The first character of each word, for every text."""
    texts = list(load_split(world.data, split))
    found = world.task.places(world.task.runtime.encode(encoder_of(load_tokenizer(model), world.max_length), texts))
    assert found is not None
    return [[begin for begin, _ in row.tolist()] for row in found]


def test_taggers_with_unlike_tokenizers_are_averaged_word_by_word(names: World, tmp_path: Path) -> None:
    """To the other one, each `a` is a word: it has more words, and lacks some of the first one's."""
    other = isolating(names.student, tmp_path / "other", "a")
    folders = [said(names, names.teacher, tmp_path / "1", noise), said(names, other, tmp_path / "2", noise)]
    _, events = together(names, [names.teacher, other], folders, tmp_path / "out")
    found = read_outputs(tmp_path / "out" / "test")["logits"]
    first, second = (read_outputs(folder / "test")["logits"] for folder in folders)
    silent = 0
    for row, (mine, theirs) in enumerate(
        zip(places(names, names.teacher, "test"), places(names, other, "test"), strict=True)
    ):
        for word, begin in enumerate(mine):
            expected = softmax(np.asarray(first[row][word], float))
            if begin in theirs:
                expected = 0.25 * expected + 0.75 * softmax(np.asarray(second[row][theirs.index(begin)], float))
            else:
                silent += 1
            assert softmax(np.asarray(found[row][word], float)) == pytest.approx(expected, abs=2e-3)
    assert silent
    assert any(note.startswith("test: member 2 of the ensemble says something of") for note in events.notes)
    assert not [path for path in (tmp_path / "out").iterdir() if path.name not in ("train", "validation", "test")]


def test_the_stage_reads_the_tokenizer_of_each_tagger(names: World, tmp_path: Path) -> None:
    other = isolating(names.student, tmp_path / "2" / "model", "a")
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "model").symlink_to(names.teacher)
    folders = {
        "data": names.data,
        "1": names.outputs,
        "2": said(names, other, tmp_path / "said"),
        "teacher": tmp_path / "1",
        "teacher/2": tmp_path / "2",
    }
    members = [{"model": "org/words"}, {"model": "org/pieces"}]
    section = EnsembleSection.model_validate({"members": members})
    stage = Ensemble(name="label", inputs={}, task=names.task.name, section=section, max_length=names.max_length)
    inputs = {role: Artifact(folder, role, role, {}, {}, {}, 0.0, "") for role, folder in folders.items()}
    (tmp_path / "out").mkdir()
    facts: dict[str, Any] = stage.run(inputs, tmp_path / "out", Silent())
    assert facts["test"]["f1_entity"] == 1, "both are always right"


@pytest.mark.parametrize("first", ["words", "pieces"])
def test_readers_with_unlike_tokenizers_agree_on_the_answer(questions: World, tmp_path: Path, first: str) -> None:
    models = [questions.teacher, questions.student] if first == "words" else [questions.student, questions.teacher]
    folders = [said(questions, model, tmp_path / str(number)) for number, model in enumerate(models)]
    facts, _ = together(questions, models, folders, tmp_path / "out")
    assert facts["test"]["f1"] > 0.98
    found, alone = (read_outputs(folder / "test") for folder in (tmp_path / "out", folders[0]))
    assert all(len(found[name]) == len(alone[name]) for name in alone), "rows are those of the first"


def test_probabilities_of_tokens_are_averaged_in_each_text(questions: World, tmp_path: Path) -> None:
    """One tokenizer; a member that is sure of one text has no more to say about the others."""
    folders = [said(questions, questions.teacher, tmp_path / number, noise) for number in ("1", "2")]
    together(questions, [questions.teacher] * 2, folders, tmp_path / "out")
    found, first, second = (read_outputs(folder / "test")["end_logits"] for folder in (tmp_path / "out", *folders))
    for row, one, other in zip(found, first, second, strict=True):
        expected = 0.25 * softmax(np.asarray(one, float)) + 0.75 * softmax(np.asarray(other, float))
        assert softmax(np.asarray(row, float)) == pytest.approx(expected, abs=2e-3)


def test_members_that_have_hardly_a_word_in_common_are_refused(names: World, tmp_path: Path) -> None:
    """To the first one, each letter is a word."""
    letters = isolating(names.student, tmp_path / "letters", "")
    folders = [said(names, letters, tmp_path / "1"), names.outputs]
    with pytest.raises(StageError, match="tokenizers of members 1 and 2 part texts too differently"):
        together(names, [letters, names.teacher], folders, tmp_path / "out")


@pytest.mark.parametrize("ragged", [False, True])
def test_memory_does_not_grow_with_the_rows_that_are_averaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ragged: bool
) -> None:
    """Beyond numbers of rows and where they begin: 8 bytes each, a few times."""
    monkeypatch.setattr(ensemble, "_ROWS_AT_ONCE", 100)
    output = OutputSpec("logits", "categorical", per_token=ragged)
    peaks = []
    for count in (200, 200, 20_200):  # the first one imports
        for name in ("first", "second"):
            values = np.ones((2 * count, 8), np.float16)
            offsets = np.arange(0, 2 * count + 1, 2) if ragged else None
            write_outputs({"logits": Ragged(values if ragged else values[:count], offsets)}, tmp_path / name)
            del values
        members = [read_outputs(tmp_path / name, mapped=True) for name in ("first", "second")]
        tracemalloc.start()
        ensemble._average(members, [output], np.array([0.5, 0.5]), "logits", tmp_path / "out")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert len(read_outputs(tmp_path / "out")["logits"]) == 20_200
    assert peaks[2] - peaks[1] < 64 * 20_000, "less than two members in fp32"


def test_pieces_of_a_split_are_averaged_as_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = RANDOM.integers(0, 4, size=23)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    members = [{"logits": Ragged(RANDOM.normal(size=(int(offsets[-1]), 3)).astype(np.float16), offsets)} for _ in "ab"]
    output = OutputSpec("logits", "categorical", per_token=True)
    for name, at_once in (("whole", 1000), ("parts", 4)):
        monkeypatch.setattr(ensemble, "_ROWS_AT_ONCE", at_once)
        ensemble._average(members, [output], np.array([0.25, 0.75]), "probabilities", tmp_path / name)
    whole, parts = (read_outputs(tmp_path / name)["logits"] for name in ("whole", "parts"))
    expected = 0.25 * softmax(members[0]["logits"].values) + 0.75 * softmax(members[1]["logits"].values)
    np.testing.assert_array_equal(whole.values, parts.values)
    np.testing.assert_array_equal(whole.offsets, parts.offsets)
    np.testing.assert_allclose(softmax(parts.values), expected, atol=2e-3)
