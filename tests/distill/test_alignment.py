"""Students of tasks with answers a token, whose tokenizer isn't the teacher's: trained from stored outputs."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import Dataset

from compressor.data import load_output_names, load_split
from compressor.distill.distill import distill
from compressor.distill.student import make_student
from compressor.distill.training import save_model
from compressor.distill.transfer_set import TEXTS, TextSource, TransferSet
from compressor.errors import StageError
from compressor.recipe.distill import DistillSection
from compressor.recipe.student import StudentSection
from compressor.runtime.outputs import Ragged, write_outputs
from compressor.runtime.tasks.base import softmax
from compressor.tasks import load_tokenizer
from tests import tiny
from tests.distill.builders.models import write_tokenizer
from tests.distill.conftest import QUICK, Finished, Recorder
from tests.distill.worlds import World, counts, isolating, names_world, questions_world, right_answers

SOFT = {"kind": "soft-targets"}


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> World:
    return questions_world(tmp_path_factory.mktemp("questions"))


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> World:
    return names_world(tmp_path_factory.mktemp("names"))


def train(
    made: World,
    out: Path,
    *objectives: dict[str, Any],
    teacher: bool = True,
    tokenizer: bool = False,
    outputs: bool = True,
    epochs: int = 6,
) -> Finished:
    events = Recorder()
    settings: dict[str, Any] = {"task": made.task, "data": made.data, "seed": 1, "events": events}
    make_student(StudentSection(), init_folder=made.student, trained=True, out=out / "start", **settings)
    section = QUICK | {"epochs": epochs, "learning_rate": 5e-3, "objectives": objectives or [SOFT]}
    facts = distill(
        DistillSection.model_validate(section),
        task=made.task,
        student_folder=out / "start" / "model",
        transfer_set=TransferSet(made.data, made.outputs if outputs else None),
        teacher_folder=made.teacher if teacher else None,
        tokenizer_folder=made.teacher if tokenizer else None,
        max_length=made.max_length,
        seed=1,
        out=out / "trained",
        events=events,
    )
    return Finished(out / "trained", facts, events)


def test_a_student_that_cuts_words_into_pieces_learns_to_answer_questions(questions: World, tmp_path: Path) -> None:
    """Its windows of a context aren't the teacher's either. No label of the data teaches it."""
    rows = [len(questions.rows(folder, tmp_path / "tokens")) for folder in (questions.teacher, questions.student)]
    assert rows[1] > 1.5 * rows[0] > 0
    found = train(questions, tmp_path, epochs=10)
    assert found.facts["validation"]["f1"] > 0.8
    assert not (found.folder / "tokens").exists()


def test_a_student_that_cuts_words_into_pieces_learns_to_tag(names: World, tmp_path: Path) -> None:
    """It sees less of long texts than the teacher."""
    found = train(names, tmp_path, epochs=5)
    assert found.facts["validation"]["f1_entity"] > 0.8
    (output,) = names.task.spec.outputs
    theirs, words = (
        counts(names.task, names.rows(folder, tmp_path / "tokens"), output) for folder in (names.teacher, names.student)
    )
    assert theirs != words and all(one >= other for one, other in zip(theirs, words, strict=True))


@pytest.mark.parametrize("architecture", ["bert", "roberta", "xlm-roberta", "gpt2"])
@pytest.mark.parametrize("longer", ["teacher", "student"])
def test_aligned_answers_are_the_labels_in_the_students_tokens(
    questions: World, tmp_path: Path, architecture: str, longer: str
) -> None:
    """Of a teacher that is sure of the labels, whoever has the longer tokens: words, or pieces, letters and bytes with
    or without the space before them. Windows of a context are then many on one side and few on the other."""
    write_tokenizer(tmp_path / "other", architecture)
    split, teacher, student = load_split(questions.data, "train"), questions.teacher, tmp_path / "other"
    outputs = questions.outputs / "train"
    if longer == "student":
        teacher, student, outputs = student, teacher, tmp_path / "outputs"
        write_outputs(right_answers(questions.task, questions.rows(teacher, tmp_path / "tokens"), None), outputs)
    made = replace(questions, teacher=teacher, student=student)
    aligned = made.alignment(tmp_path / "cache").read(split, outputs)
    rows = questions.rows(student, tmp_path / "tokens")
    for place, output in enumerate(questions.task.spec.outputs):
        chosen = [int(np.argmax(row)) for row in aligned[output.name]]
        right = np.mean([one == label[place] for one, label in zip(chosen, rows["labels"], strict=True)])
        assert right > 0.98, "all but answers that no window of the teacher holds whole"
        assert all(softmax(row).sum() == pytest.approx(1) for row in aligned[output.name])


def test_aligned_outputs_are_made_once(names: World, tmp_path: Path) -> None:
    split, folder = load_split(names.data, "train"), names.outputs / "train"
    first = names.alignment(tmp_path).read(split, folder)
    (made,) = tmp_path.glob("aligned-*")
    before = (made / "logits.npy").stat().st_mtime_ns
    names.alignment(tmp_path).read(split, folder)
    assert (made / "logits.npy").stat().st_mtime_ns == before
    assert len(first["logits"]) == len(split)


def test_words_without_counterpart_are_not_taught_and_told(names: World, tmp_path: Path) -> None:
    alignment = names.alignment(tmp_path, isolating(names.student, tmp_path / "other", "a"))
    said = alignment.read(load_split(names.data, "train"), names.outputs / "train")["logits"].values
    unknown = np.isnan(said).all(axis=1)
    assert 0.05 < unknown.mean() < 0.5 and not np.isnan(said[~unknown]).any()
    (note,) = alignment.events.notes  # type: ignore[attr-defined]
    assert f"train: {1 - unknown.mean():.1%}" in note


def test_tokenizers_that_have_hardly_a_word_in_common_are_refused(names: World, tmp_path: Path) -> None:
    alignment = names.alignment(tmp_path / "cache", isolating(names.student, tmp_path / "other", ""))
    with pytest.raises(StageError, match="have a counterpart among the teacher's"):
        alignment.read(load_split(names.data, "train"), names.outputs / "train")
    assert not list((tmp_path / "cache").glob("aligned-*[!l]"))


def test_chosen_texts_keep_what_was_said_of_them(names: World, tmp_path: Path) -> None:
    for folder, name in ((names.data, "validation.arrow"), (names.outputs, "validation")):
        copy = shutil.copytree if (folder / name).is_dir() else shutil.copy
        copy(folder / name, tmp_path / name.replace("validation", TEXTS))
    np.save(tmp_path / "chosen.npy", np.array([0, 2]))
    source = TextSource("unlabelled", tmp_path, tmp_path, tmp_path / "chosen.npy")
    said = TransferSet(names.data, names.outputs, (source,)).teacher_outputs(names.alignment(tmp_path / "cache"))
    alone = names.alignment(tmp_path / "cache").read(load_split(names.data, "validation"), names.outputs / "validation")
    assert len(said["logits"]) == 162
    for place, number in ((160, 0), (161, 2)):
        np.testing.assert_array_equal(said["logits"][place], alone["logits"][number])


def test_a_text_without_a_word_is_no_obstacle(names: World, tmp_path: Path) -> None:
    texts = Dataset.from_list([{"text": text, "tags": []} for text in ("\u200b", "anna in rome", "\u200b")])
    logits = np.arange(15, dtype=np.float16).reshape(3, 5)
    write_outputs({"logits": Ragged(logits, np.array([0, 0, 3, 3]))}, tmp_path / "outputs")
    said = names.alignment(tmp_path / "cache").read(texts, tmp_path / "outputs")["logits"]
    assert [len(row) for row in said] == [0, 3, 0]
    np.testing.assert_array_equal(said[1], logits)


def test_outputs_of_other_data_are_refused(questions: World, tmp_path: Path) -> None:
    for outputs in (questions.outputs / "validation", questions.outputs / "train"):
        split = load_split(questions.data, "train").select(range(100))
        with pytest.raises(StageError, match="aren't those of its tokenizer for this data"):
            questions.alignment(tmp_path).read(split, outputs)


def test_of_an_ensemble_the_tokenizer_of_its_outputs_is_enough(names: World, tmp_path: Path) -> None:
    found = train(names, tmp_path / "ensemble", teacher=False, tokenizer=True, epochs=1)
    alone = train(names, tmp_path / "alone", epochs=1)
    assert found.facts["history"][0]["objectives"] == alone.facts["history"][0]["objectives"]


def test_a_teacher_whose_tokenizer_is_not_known_is_refused(questions: World, tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"give both models one tokenizer|into other parts"):
        train(questions, tmp_path, teacher=False)


def test_stored_answers_and_hidden_states_of_the_live_teacher_are_learned_together(
    names: World, tmp_path: Path
) -> None:
    """Stored answers are carried over word by word, hidden states token by token."""
    model = names.task.load_model(names.teacher, load_output_names(names.data, names.task), new_head="if-needed")
    save_model(model, load_tokenizer(names.teacher), tmp_path / "teacher", {})
    shutil.copytree(names.teacher, tmp_path / "student")
    tiny.renumber(tmp_path / "student")
    with pytest.raises(StageError, match="part texts too differently"):
        train(replace(names, teacher=tmp_path / "teacher"), tmp_path / "cut", SOFT, {"kind": "hidden-states"})
    names = replace(names, teacher=tmp_path / "teacher", student=tmp_path / "student")
    found = train(names, tmp_path, SOFT, {"kind": "hidden-states"}, epochs=2)
    alone = train(names, tmp_path / "alone", SOFT, epochs=2)
    first, other = found.facts["history"], alone.facts["history"]
    assert first[-1]["objectives"]["hidden-states"] < first[0]["objectives"]["hidden-states"]
    assert first[0]["objectives"]["soft-targets"] == pytest.approx(other[0]["objectives"]["soft-targets"], rel=0.5)
