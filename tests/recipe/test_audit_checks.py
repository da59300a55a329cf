from __future__ import annotations

from pathlib import Path

import pytest

from compressor.recipe import load_recipe
from tests.recipe.write import only, problems_of, write


@pytest.mark.parametrize(
    "audit",
    [
        "{}",
        "{slices: [place, 'n=\\bnot\\b'], terms: [[he, she]], membership: true, texts: 10, attack: 9}",
        "{canaries: {}}",
    ],
)
def test_a_sound_audit_is_accepted(tmp_path: Path, audit: str) -> None:
    assert load_recipe(write(tmp_path), [f"audit={audit}"]).audit is not None


@pytest.mark.parametrize(
    ("overrides", "path", "said"),
    [
        (["audit={slices: ['odd=(']}"], "audit.slices.0", "no regular expression"),
        (["audit={slices: ['=not']}"], "audit.slices.0", "has no name"),
        (["audit={terms: [[he]]}"], "audit.terms.0", "list of at least 2"),
        (["audit={terms: [[he, he]]}"], "audit.terms.0", "twice"),
        (["audit={texts: 0}"], "audit.texts", "at least 1"),
        (["audit={}", "gates.audit={membership_auc: '<= 0.6'}"], "gates.audit.membership_auc", "isn't made"),
        (
            [
                *("data={test: a.csv}", "teacher=null", "distill=null", "student={init: org/a}", "audit={}"),
                "gates={audit: {near_duplicates: '<= 0.01'}}",
            ],
            "gates.audit.near_duplicates",
            "training split",
        ),
        (
            ["audit={}", "gates.audit={unsure_wrong: '<= 0.05'}"],
            "gates.audit.unsure_wrong",
            "threshold that isn't chosen",
        ),
        (
            ["audit={}", "gates.audit={near_duplicates_made: '<= 0.01'}"],
            "gates.audit.near_duplicates_made",
            "`data` has none",
        ),
        (["audit={}", "gates.audit={attacked_accuracy: '>= 0.6'}"], "gates.audit.attacked_accuracy", "isn't made"),
        (["audit={}", "gates.audit={synonym_flipped: '<= 0.1'}"], "gates.audit.synonym_flipped", "isn't made"),
        (["audit={}", "gates.audit={canary_found: '<= 0.1'}"], "gates.audit.canary_found", "isn't made"),
        (["audit={canaries: {count: 1}}"], "audit.canaries.count", "at least 2"),
        (
            ["data={test: a.csv}", "teacher=null", "distill=null", "student={init: org/a}", "audit={canaries: {}}"],
            "audit.canaries",
            "nothing is trained",
        ),
        (["audit={attack: -1}"], "audit.attack", "at least 0"),
        (["gates.audit={worst_slice: '>= 0.6'}"], "gates.audit.worst_slice", "needs an audit"),
        (
            ["data={test: a.csv}", "teacher=null", "distill=null", "student={init: org/a}", "audit={membership: true}"],
            "audit.membership",
            "training split",
        ),
        (
            ["data=null", "teacher=null", "distill=null", "student={init: org/a}", "gates=null", "audit={}"],
            "audit",
            "labelled text",
        ),
    ],
)
def test_what_an_audit_cannot_do_is_refused_with_its_place(
    tmp_path: Path, overrides: list[str], path: str, said: str
) -> None:
    problem = only(problems_of(write(tmp_path), overrides))
    assert problem.path == path and said in problem.message
