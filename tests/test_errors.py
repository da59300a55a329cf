"""Messages stay readable whatever they quote."""

from __future__ import annotations

from compressor.errors import CompressorError, DataError, Problem, RecipeError, listed, printable, shortened


def test_a_short_text_is_left_alone_and_a_long_one_loses_its_middle() -> None:
    assert shortened("brief") == "brief"
    cut = shortened("begin" + "x" * 1_000_000 + "end")
    assert len(cut) <= 100
    assert cut.startswith("begin")
    assert cut.endswith("end")


def test_long_lists_are_counted() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed([str(number) for number in range(12_010)]) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 12,000 more"
    assert len(listed(["x" * 1_000_000] * 1_000)) < 1_000


def test_no_message_is_longer_than_a_screen() -> None:
    error = DataError(f"No column {'x' * 1_000_000}: it is not there.", hint=f"Did you mean {'y' * 1_000_000}?")
    assert len(str(error)) < 2_200
    assert str(error).startswith("No column")
    assert "it is not there." in str(error)
    assert len(str(CompressorError("z" * 1_500_000))) < 2_200


def test_thousands_of_problems_are_counted_and_the_first_ones_told() -> None:
    problems = [Problem(f"problem {number}", f"data.labels.{number}", hint="mend it") for number in range(20_000)]
    error = RecipeError(problems)
    assert len(error.problems) == 20_000
    assert len(str(error)) < 2_200
    assert "problem 0" in str(error)
    assert str(error).endswith("more problems.")


def test_one_problem_that_quotes_a_long_value_leaves_room_for_the_others() -> None:
    text = str(RecipeError([Problem("x" * 1_000_000, hint="y" * 1_000_000), Problem("the other", "name")]))
    assert len(text) < 2_200
    assert "name: the other" in text


def test_a_key_that_breaks_lines_leaves_a_problem_on_its_line() -> None:
    text = str(RecipeError([Problem("is not a known key", "data.a\nb\t\x1b[2J"), Problem("is odd", override="a=1\nb")]))
    assert text == "data.a\\nb\\t\\x1b[2J: is not a known key\n--set a=1\\nb: is odd"


def test_nothing_in_a_text_controls_the_terminal() -> None:
    assert printable("a\tb\nc\x1b[2J\u202e\x00é") == "a\tb\nc\\x1b[2J\\u202e\\x00é"
