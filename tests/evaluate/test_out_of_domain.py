from __future__ import annotations

from compressor.evaluate import Inquiry, Texts
from compressor.evaluate.out_of_domain import EVALUATION
from compressor.report.blocks import Table
from tests.evaluate.splits import asking

TEXTS = [f"film {i}" for i in range(50)]
OUTSIDE = Texts([{"text": f"plot {i}"} for i in range(50)])


def unsure_outside(text: str) -> tuple[float, float]:
    return (0.0, 0.1) if "plot" in text else (0.0, 3.0 + int(text.rsplit(maxsplit=1)[-1]) / 50)


def always_sure(text: str) -> tuple[float, float]:
    return 0.0, 3.0


def test_a_model_that_is_unsure_outside_notices() -> None:
    split = asking(unsure_outside, always_sure, texts=TEXTS, targets=[1] * 50, inquiry=Inquiry(outside=OUTSIDE))
    found = EVALUATION.run(split)
    assert found.figures == {"out_of_domain_auc": 1.0}
    table = next(block for block in found.blocks if isinstance(block, Table))
    assert table.rows[0].cells[2] == "100.0%" and str(table.rows[1].cells[1]).startswith("0.500")


def test_it_asks_for_texts_of_another_domain() -> None:
    split = asking(always_sure, texts=TEXTS, targets=[1] * 50)
    assert "--outside" in (EVALUATION.missing(split, Inquiry()) or "")
