"""How many steps a recipe trains, how long that is said to take, and how a teacher's size is known."""

from __future__ import annotations

from pathlib import Path

from compressor.init.estimate import Speed, estimate, measure_speed
from compressor.init.lengths import choose_length, estimated_tokens, lengths_of
from compressor.init.teacher import Shape, teacher_of
from compressor.recipe.load import recipe_from

TEACHER = {"model": "org/teacher", "finetune": {"epochs": 2, "batch_size": 10}}


def test_steps_and_seconds_are_those_of_both_trainings_and_the_teachers_answers() -> None:
    recipe = recipe_from(
        {
            "name": "r",
            "data": {"source": "a.csv"},
            "teacher": TEACHER,
            "student": {"layers": [0, 1, 2]},
            "distill": {"epochs": 4, "batch_size": 20},
        }
    )
    found = estimate(recipe, {"train": 100, "test": 10}, Shape(6, 384, 1536), Speed(0.3, 1.0, "cpu", "fp32"))
    assert (found.teacher_steps, found.student_steps) == (20, 20)
    assert round(found.seconds, 6) == 100 * 0.1 + (200 * 0.3 + 20) + (400 * 0.3 + 20) / 2


def test_a_stand_in_of_the_teachers_size_is_timed() -> None:
    speed = measure_speed(Shape(1, 64, 64, 100), batch=2, tokens=4)
    assert speed.text_seconds > 0 and speed.update_seconds > 0


def test_a_teachers_size_is_read_from_its_folder_or_told_by_its_name(encoder_folder: Path) -> None:
    folder = teacher_of(str(encoder_folder))
    assert (folder.known, folder.shape.layers, folder.shape.width, folder.limit) == (True, 4, 32, 64)
    assert folder.student_layers == (0, 1)
    assert teacher_of(None).student_layers == (0, 1, 2)
    sizes = {name: teacher_of(name).shape.layers for name in ("a/bert-base", "a/bert-large", "a/all-MiniLM-L6-v2")}
    assert sizes == {"a/bert-base": 12, "a/bert-large": 24, "a/all-MiniLM-L6-v2": 6}
    assert not teacher_of("a/bert-base").known


def test_long_words_signs_and_scripts_without_spaces_count_as_several_tokens() -> None:
    assert estimated_tokens("a good film") == 3
    assert estimated_tokens("a good film, really!") == 6
    assert estimated_tokens("unbelievably") == 2
    assert estimated_tokens("\u4f60\u597d\u4e16\u754c") == 4


def test_texts_are_cut_where_most_fit_and_a_model_has_positions() -> None:
    short = lengths_of([["good film"]] * 99 + [["word " * 400]])
    assert choose_length(short, None) == 16
    assert short.cut_share(16) == 0.01
    long = lengths_of([["word " * 400]] * 10)
    assert choose_length(long, None) == 512
    assert choose_length(long, 64) == 64
