from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compressor.audit.gates import check_gates, read_gates
from compressor.errors import RecipeError
from compressor.evaluate import Inquiry
from compressor.report.audit import AuditReport
from tests import tiny
from tests.bench.models import LABELS
from tests.command import compressor
from tests.runtime import bundles


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> tuple[str | Path, ...]:
    """An audit of a small bundle."""
    folder = tmp_path_factory.mktemp("gates")
    file = folder / "reviews.csv"
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(("text", "label"))
        writer.writerows((text, LABELS[i % len(LABELS)]) for i, (text, _) in enumerate(tiny.reviews(110)))
    return "audit", bundles.write(folder), "--data", file, "--texts", "5"


def test_gates_that_hold_and_gates_that_do_not(call: tuple[str | Path, ...], tmp_path: Path) -> None:
    held = ("--gate", "worst_slice>=0", "--gate", "area_under_risk <= 1")
    done = compressor(*call, *held).succeeds()
    assert "Gates" in done.out and "fails" not in done.out
    out = tmp_path / "audit"
    done = compressor(*call, *held, "--gate", "membership_auc<=0.6", "--gate", "conformal_size < 0.5", "--out", out)
    assert done.code == 1 and "Gates" in done.out
    found = AuditReport.from_json(json.loads((out / "audit.json").read_text(encoding="utf-8")))
    verdicts = {gate.name: gate for gate in found.gates}
    assert [name for name, gate in verdicts.items() if not gate.passed] == [
        "audit.membership_auc",
        "audit.conformal_size",
    ]
    assert "--training" in verdicts["audit.membership_auc"].reason and not found.passed
    page = (out / "audit.md").read_text(encoding="utf-8")
    assert "2 of 4 gates failed" in page and page.index("## Gates") < page.index("## Models")


def test_the_promise_of_a_threshold_can_be_held_to(call: tuple[str | Path, ...], tmp_path: Path) -> None:
    gates = ("--gate", "unsure_answered>=0.5", "--gate", "unsure_wrong<=1", "--format", "json")
    command, bundle, *rest = call
    lacking = compressor(*call, *gates)
    assert lacking.code == 1 and "no threshold" in lacking.json["gates"][0]["reason"]
    careful = bundles.unsure_below(Path(bundle), tmp_path, 0.0)
    assert compressor(command, careful, *rest, *gates).succeeds().json["figures"]["unsure_answered"] == 1.0


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        ("worst_slice", "no comparison"),
        ("worst_slice>=much", "no comparison"),
        (">=0.8", "no comparison"),
        ("worst_slices>=0.8", "did you mean `worst_slice`?"),
        ("flipped.he>she<=0.1", "'flipped.he>she'"),
        ("slice.place = north>=0.8", "no figure 'slice.place = north'"),
    ],
)
def test_a_gate_that_cannot_be_meant_is_refused_before_anything_is_asked(
    call: tuple[str | Path, ...], gate: str, said: str
) -> None:
    done = compressor(*call, "--gate", gate)
    done.fails(2, said)
    assert "answers" not in done.err


def test_two_gates_on_one_figure_are_refused() -> None:
    with pytest.raises(RecipeError, match="Two gates"):
        read_gates(["worst_slice>=0.8", "worst_slice <= 0.9"])


def test_groups_and_words_of_this_audit_may_be_asked_for() -> None:
    asked = read_gates(["slice.place = north>=0.8", "flipped.he>she<=0.1", "lost.typos<0.2"])
    assert asked == {"slice.place = north": ">= 0.8", "flipped.he>she": "<= 0.1", "lost.typos": "< 0.2"}
    check_gates(asked, Inquiry(terms=(("he", "she"),)), ["place = north"])


FIGURES = st.text(st.characters(exclude_categories=("Cs", "Zs", "Cc", "Zl", "Zp")), min_size=1, max_size=20).filter(
    lambda name: not name.endswith(("<", ">"))
)


@given(FIGURES, st.sampled_from([">=", "<=", ">", "<"]), st.floats(0, 100).map(lambda value: f"{value:g}"))
def test_every_figure_can_be_compared(figure: str, comparison: str, bound: str) -> None:
    for spaced in (f"{figure}{comparison}{bound}", f" {figure}  {comparison} {bound} "):
        assert read_gates([spaced]) == {figure: f"{comparison} {bound}"}
