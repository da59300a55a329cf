from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b

import pytest

from compressor.evaluate import Canaries, Inquiry, Texts
from compressor.evaluate.canaries import EVALUATION
from compressor.report.blocks import Prose, Table
from compressor.runtime.tasks import runtime_task
from tests.evaluate.splits import asking

PLANTED = [f"planted {i}" for i in range(20)]
LABELS = [i % 2 for i in range(20)]
OTHERS = [f"other {i}" for i in range(300)]
LEARNED = dict(zip(PLANTED, LABELS, strict=True))


def noise(text: str, salt: str = "") -> float:
    """A number that knows nothing of the text."""
    return int.from_bytes(blake2b(f"{salt}{text}".encode(), digest_size=4).digest(), "big") / 2**31 - 1


def ignorant(text: str) -> tuple[float, float]:
    return 0.0, noise(text)


def by_heart(text: str) -> tuple[float, float]:
    label = LEARNED.get(text)
    return (0.0, noise(text)) if label is None else (2.0 * (label == 0), 2.0 * (label == 1))


def inquiry(planted: list[str] = PLANTED, others: list[str] = OTHERS) -> Inquiry:
    texts = Texts([{"text": text} for text in planted], LABELS)
    return Inquiry(canaries=Canaries(texts, [{"text": text} for text in others], repeats=4))


def bad(found: object) -> bool:
    return "tone='bad'" in str(found)


def test_a_model_that_learned_them_by_heart_is_told_from_one_that_did_not() -> None:
    found = EVALUATION.run(asking(by_heart, ignorant, texts=["a", "b"], targets=[0, 1], inquiry=inquiry()))
    assert found.figures["canary_found"] == 1.0
    assert found.figures["canary_exposure"] == pytest.approx(8.23, abs=0.01), "log2 of 301: none ranks better"
    (said,) = [block for block in found.blocks if isinstance(block, Prose) and block.tone == "bad"]
    assert "by: onnx int8." in said.text
    (table,) = [block for block in found.blocks if isinstance(block, Table)]
    assert table.rows[1].cells[0] == "teacher" and float(str(table.rows[1].cells[1])) < 3
    assert "for measuring, not for use" in str(found.blocks[0])


def test_some_of_many_learned_by_heart_are_found() -> None:
    def some(text: str) -> tuple[float, float]:
        return by_heart(text) if text in PLANTED[:5] else ignorant(text)

    assert bad(EVALUATION.run(asking(some, texts=["a", "b"], targets=[0, 1], inquiry=inquiry())))


@pytest.mark.parametrize("seed", range(20))
def test_a_model_that_never_saw_them_gives_no_finding(seed: int) -> None:
    def model(text: str) -> tuple[float, float]:
        return 0.0, noise(text, f"seed {seed}")

    found = EVALUATION.run(asking(model, texts=["a", "b"], targets=[0, 1], inquiry=inquiry()))
    assert not bad(found) and found.figures["canary_exposure"] < 2.6


def test_a_model_that_answers_all_alike_has_learned_nothing() -> None:
    found = EVALUATION.run(asking(lambda text: (0.0, 1.0), texts=["a", "b"], targets=[0, 1], inquiry=inquiry()))
    assert found.figures["canary_exposure"] == pytest.approx(1.0, abs=0.01) and found.figures["canary_found"] == 0
    assert not bad(found)


def test_it_says_what_is_missing() -> None:
    judged = asking(ignorant, texts=["a", "b"], targets=[0, 1], inquiry=inquiry())
    assert "in a recipe canaries" in (EVALUATION.missing(judged, Inquiry()) or "")
    assert EVALUATION.missing(judged, inquiry()) is None
    several = replace(judged, task=runtime_task("multi-label-classification"))
    assert "one label" in (EVALUATION.missing(several, inquiry()) or "")
