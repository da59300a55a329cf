from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from compressor.bench import statistics
from compressor.evaluate import Inquiry
from compressor.evaluate.robustness import EVALUATION, changed_examples, sampled
from compressor.report.blocks import Details, Table
from compressor.runtime.tasks import runtime_task
from tests.evaluate.splits import asking, bad, certain, chance, split

GOOD = [f"number {i}: a good film about a place" for i in range(60)]
BAD = [f"number {i}: a dull film about a place" for i in range(60)]
TEXTS, TARGETS = GOOD + BAD, [1] * 60 + [0] * 60


def sees_small_letters(text: str) -> tuple[float, float]:
    """Right where the word is written in small letters, else it says bad."""
    return (0.0, 3.0) if "good" in text else (3.0, 0.0)


def sees_all(text: str) -> tuple[float, float]:
    return sees_small_letters(text.lower())


def test_what_a_change_costs_is_told_with_the_texts_that_flip() -> None:
    found = EVALUATION.run(asking(sees_small_letters, texts=TEXTS, targets=TARGETS))
    assert found.figures["lost.upper-case"] == pytest.approx(0.5)
    assert found.figures["flipped.upper-case"] == pytest.approx(0.5)
    assert found.figures["lost.lower-case"] == found.figures["flipped.whitespace"] == 0
    details = next(block for block in found.blocks if isinstance(block, Details))
    assert "A GOOD FILM" in str(asdict(details))


def test_a_model_that_loses_more_than_the_one_beside_it_is_named_with_the_change() -> None:
    found = EVALUATION.run(asking(sees_small_letters, sees_all, texts=TEXTS, targets=TARGETS))
    (said,) = bad(found)
    assert "onnx int8 loses more than teacher" in said and "all in capitals" in said
    assert "white space" not in said


def test_two_alike_models_give_no_finding() -> None:
    found = EVALUATION.run(asking(sees_small_letters, sees_small_letters, texts=TEXTS, targets=TARGETS))
    assert not bad(found)
    table = next(block for block in found.blocks if isinstance(block, Table))
    assert [column.title for column in table.columns] == ["change", *["onnx int8"] * 2, *["teacher"] * 2]


def test_two_models_that_change_alike_give_no_false_finding_in_twenty_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each errs on a tenth of the forms of a text, wherever that falls."""
    monkeypatch.setattr(statistics, "RESAMPLES", 10)  # what is found doesn't hang on the intervals
    found = []
    for seed in range(20):

        def mine(text: str, seed: int = 2 * seed) -> tuple[float, float]:
            a, b = sees_all(text)
            return (b, a) if chance(text, seed) < 0.1 else (a, b)

        def theirs(text: str, seed: int = 2 * seed + 1) -> tuple[float, float]:
            return mine(text, seed)

        found += bad(EVALUATION.run(asking(mine, theirs, texts=TEXTS, targets=TARGETS, inquiry=Inquiry(seed=seed))))
    assert not found


def test_a_handful_of_texts_that_one_model_alone_loses_may_be_chance() -> None:
    """Eight of 120 and none: of eight even chances, all fall to one side in 1 of 256, and eight changes are tried."""

    def fragile(text: str) -> tuple[float, float]:
        number = int("".join(filter(str.isdigit, text)) or 0)
        return sees_small_letters(text) if number < 8 else sees_all(text)

    found = EVALUATION.run(asking(fragile, sees_all, texts=TEXTS, targets=TARGETS))
    assert found.figures["lost.upper-case"] == pytest.approx(8 / 120)
    assert not bad(found)


def test_without_right_answers_flips_are_counted() -> None:
    judged = asking(sees_small_letters, texts=TEXTS, targets=TARGETS)
    assert judged.model.ask is not None
    alone = replace(judged, targets=[], model=replace(judged.model, judged=judged.model.ask(judged.examples)))
    assert EVALUATION.run(alone).figures["flipped.upper-case"] == pytest.approx(0.5)


def test_without_examples_no_text_is_shown() -> None:
    judged = replace(asking(sees_small_letters, texts=TEXTS, targets=TARGETS), show_examples=False)
    assert "GOOD FILM" not in str(asdict(EVALUATION.run(judged)))


def test_a_sample_is_drawn_by_the_seed_and_a_text_changes_alike_wherever_it_is_asked() -> None:
    assert sampled(5, Inquiry(texts=9)) == [0, 1, 2, 3, 4]
    assert sampled(100, Inquiry(texts=9)) == sampled(100, Inquiry(texts=9)) != sampled(100, Inquiry(texts=9, seed=1))
    from compressor.evaluate.perturbations import PERTURBATIONS

    pair = [{"text": "a good film", "text_pair": "a good film", "label": 1}]
    (changed,) = changed_examples(pair, ("text", "text_pair"), PERTURBATIONS.get("upper-case"), 0)
    assert changed == {"text": "A GOOD FILM", "text_pair": "A GOOD FILM", "label": 1}


def test_it_says_what_is_missing() -> None:
    judged = asking(sees_all, texts=TEXTS, targets=TARGETS)
    assert EVALUATION.missing(judged, Inquiry()) is None
    assert not EVALUATION.applies(split(certain([0, 1, 1, 1, 1]))), "the report of a run asks nothing again"
    tags = replace(judged, task=runtime_task("token-classification"))
    assert "places in the text" in (EVALUATION.missing(tags, Inquiry()) or "")
    stored = replace(judged, model=replace(judged.model, ask=None))
    assert "at hand" in (EVALUATION.missing(stored, Inquiry()) or "")
