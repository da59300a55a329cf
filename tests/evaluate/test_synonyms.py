from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import pytest

from compressor.bench.judged import Judged
from compressor.evaluate import Inquiry
from compressor.evaluate.attack import EVALUATION as ATTACK
from compressor.evaluate.synonyms import EVALUATION
from compressor.report.blocks import Details, Table
from compressor.runtime.tasks import Example, runtime_task
from tests.evaluate.splits import asking

TEXTS = [f"{word} film, number {i}" for i in range(10) for word in ("Gripping", "Tedious")]
TARGETS = [1, 0] * 10
ASKS = Inquiry(synonyms={"gripping": ("riveting", "engrossing"), "film": ("movie",)})


def reads_one_word(text: str) -> tuple[float, float]:
    return (0.0, 2.0) if "gripping" in text.lower() else (2.0, 0.0)


def reads_synonyms(text: str) -> tuple[float, float]:
    return (0.0, 2.0) if any(word in text.lower() for word in ("gripping", "riveting", "engross")) else (2.0, 0.0)


def test_answers_that_hang_on_one_of_two_words_are_counted_beside_the_other_model() -> None:
    found = EVALUATION.run(asking(reads_one_word, reads_synonyms, texts=TEXTS, targets=TARGETS, inquiry=ASKS))
    # Half of the texts have three replacements, two of which flip; the others have one, which doesn't.
    assert found.figures["synonym_flipped"] == pytest.approx(1 / 3)
    assert found.figures["synonym_moved"] == pytest.approx(1 / 3 * 0.7616, abs=1e-3)
    models, words = (block for block in found.blocks if isinstance(block, Table))
    assert models.rows[1].cells[0] == "teacher" and str(models.rows[1].cells[1]).startswith("0.0% (")
    assert [row.cells for row in words.rows] == [
        ("gripping to engrossing", "10", "10"),
        ("gripping to riveting", "10", "10"),
    ]


def test_words_are_replaced_in_their_case_and_texts_are_shown_unless_they_may_not_be() -> None:
    judged = asking(reads_one_word, texts=TEXTS, targets=TARGETS, inquiry=ASKS)
    asked: list[str] = []
    ask = judged.model.ask
    assert ask is not None

    def noted(examples: Sequence[Example], targets: Sequence[Any] | None = None) -> Judged:
        asked.extend(example["text"] for example in examples)
        return ask(examples, targets)

    found = EVALUATION.run(replace(judged, model=replace(judged.model, ask=noted)))
    assert {"Riveting film, number 0", "Gripping movie, number 0", "Tedious movie, number 3"} <= set(asked)
    assert len(asked) == 40
    assert any(isinstance(block, Details) for block in found.blocks)
    assert "film, number" not in str(asdict(EVALUATION.run(replace(judged, show_examples=False))))


def test_no_more_is_asked_than_so_many_texts() -> None:
    asks = replace(ASKS, texts=5)
    found = EVALUATION.run(asking(reads_one_word, texts=TEXTS, targets=TARGETS, inquiry=asks))
    assert "5 texts that hold" in str(found.blocks[0])
    assert found == EVALUATION.run(asking(reads_one_word, texts=TEXTS, targets=TARGETS, inquiry=asks))


def test_attacks_try_synonyms_too() -> None:
    def reads_letters(text: str) -> tuple[float, float]:
        return (0.0, 2.0) if len({*"gripn"} & {*text.lower().split(" film")[0]}) >= 4 else (2.0, 0.0)

    alone, given = (
        ATTACK.run(asking(reads_letters, texts=TEXTS, targets=TARGETS, inquiry=replace(asks, attack=20))).figures
        for asks in (Inquiry(), Inquiry(synonyms={"gripping": ("taut",)}))
    )
    assert alone["attacked_accuracy"] == 1.0 and given["attacked_accuracy"] == 0.5


def test_it_says_what_is_missing() -> None:
    judged = asking(reads_one_word, texts=TEXTS, targets=TARGETS)
    assert "--synonyms FILE" in (EVALUATION.missing(judged, Inquiry()) or "")
    assert "0 of 20 texts hold" in (EVALUATION.missing(judged, Inquiry(synonyms={"plot": ("story",)})) or "")
    tags = replace(judged, task=runtime_task("token-classification"))
    assert "places in the text" in (EVALUATION.missing(tags, ASKS) or "")
