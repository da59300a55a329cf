from __future__ import annotations

from dataclasses import replace

from compressor.evaluate import Carried, Inquiry
from compressor.evaluate.carried_texts import EVALUATION
from tests.evaluate.splits import asking

TEXTS = ["what Anna told her doctor", "what Boris owes"]


def test_texts_that_go_out_with_a_bundle_are_counted_and_shown_unless_they_must_not() -> None:
    carried = Carried([{"text": text} for text in TEXTS], ["report.html"])
    split = asking(lambda text: (0.0, 1.0), texts=["a film"], targets=[1], inquiry=Inquiry(carried=carried))
    found = EVALUATION.run(split)
    assert found.figures == {"carried_texts": 2.0}
    assert "examples: false" in str(found) and "report.html" in str(found) and TEXTS[0] in str(found)
    assert TEXTS[0] not in str(EVALUATION.run(replace(split, show_examples=False)))


def test_a_bundle_without_texts_says_so_and_a_model_that_is_none_is_not_checked() -> None:
    split = asking(lambda text: (0.0, 1.0), texts=["a film"], targets=[1], inquiry=Inquiry(carried=Carried(())))
    found = EVALUATION.run(split)
    assert found.figures == {"carried_texts": 0.0} and "no text of the data" in str(found)
    assert "BUNDLE" in (EVALUATION.missing(split, Inquiry()) or "")
