from __future__ import annotations

import re
from dataclasses import replace

from compressor.evaluate import EVALUATIONS
from compressor.evaluate.base import Audit
from compressor.report.blocks import Details, Finding, Highlighted, Prose, table
from compressor.report.content.card_fields import FIELDS, audit_finding
from compressor.report.model_card import model_card
from tests.report import sample

WORSE = "onnx int8 answers “place = north” worse than the rest, beyond chance."
PARTS = [
    Finding(
        "Groups of texts",
        (
            Prose(WORSE, tone="bad"),
            table(("group", "accuracy"), [("place = north", "71.0%")]),
            Details("Some texts", (Prose("a text of the data"),)),
        ),
    ),
    Finding("Reasons", (Prose("The explanations mean something."), Highlighted((("a marked text", 0.5),)))),
    Finding("Irony", (Prose("It sees none."),)),
]
MISSING = [("Negation", "Too few texts.")]


def card(*findings: Finding) -> dict[str, str]:
    """Sections of a card by their headings, each on one line."""
    made = model_card(replace(sample.report(), findings=findings), dataset="org/reviews")
    titles = re.split(r"^## (.*)$", made, flags=re.MULTILINE)
    return {title: " ".join(text.split()) for title, text in zip(titles[1::2], titles[2::2], strict=True)}


def test_what_an_audit_found_fills_the_fields() -> None:
    found = card(audit_finding("onnx int8 beside teacher", PARTS, MISSING))
    assert "71.0%" in found["Groups"] and WORSE in found["Groups"]
    assert f"- Groups of texts: {WORSE}" in found["Limitations and risks"]
    assert "The explanations mean something." in found["Human oversight"]
    assert "Negation: not audited. Too few texts." in found["Robustness"]
    assert "### Irony It sees none." in found["Further checks"], "what a package brings isn't lost"
    assert "org/reviews" in found["Intended use"]


def test_no_text_of_the_data_is_on_the_card() -> None:
    made = str(card(audit_finding("onnx int8", PARTS, MISSING)))
    assert "a text of the data" not in made and "a marked text" not in made


def test_what_was_not_audited_says_so() -> None:
    found = card()
    assert all("Not audited: its recipe has no section “audit”." in found[field] for field in FIELDS)
    assert "weren't audited" in found["Limitations and risks"] and "Further checks" not in found


def test_an_audit_that_calls_nothing_out_promises_nothing() -> None:
    found = card(audit_finding("onnx int8", [Finding("Groups of texts", (Prose("No group lost more."),))], []))
    assert "Nothing stood out in the 1 checks of the audit, which prove no absence" in found["Limitations and risks"]


def test_every_check_that_comes_with_the_program_has_its_field() -> None:
    audits = [one.title for one in map(EVALUATIONS.get, EVALUATIONS.names) if isinstance(one, Audit)]
    filled = [title for titles in FIELDS.values() for title in titles]
    assert sorted(audits) == sorted(filled)


def test_who_checks_answers_is_told_by_whether_they_say_that_they_are_unsure() -> None:
    splits = {"validation": {"answered": 0.9, "wrong": 0.05}}
    unsure = {"threshold": 0.8, "variant": "int8", "promise": "wrong <= 0.05", "splits": splits}
    assert "those are for a person to check" in model_card(sample.report(), unsure=unsure)
    assert "which ones a person checks is for the program around it" in " ".join(model_card(sample.report()).split())
