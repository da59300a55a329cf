from __future__ import annotations

import pytest

from compressor.recipe.gates import holds, parse_gate


@pytest.mark.parametrize(
    ("expression", "value", "verdict"),
    [
        (">= 0.97", 0.97, True),
        ("> 0.97", 0.97, False),
        ("<=12", 12.0, True),
        ("< 1.2e1", 11.9, True),
        (" >= -1 ", -2.0, False),
    ],
)
def test_a_gate_holds_or_does_not(expression: str, value: float, verdict: bool) -> None:
    assert holds(expression, value) is verdict


@pytest.mark.parametrize("expression", ["", "0.97", "=> 3", "== 3", ">= ", ">= 3 MB", ">= 97%", ">= nan"])
def test_what_is_no_comparison_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match="not a comparison"):
        parse_gate(expression)
