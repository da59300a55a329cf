"""Findings such as an evaluation hands over. None of their figures was measured."""

from __future__ import annotations

from compressor.report.blocks import Details, Finding, Heading, Mark, Notice, Pairs, Prose, table
from compressor.report.blocks.charts import Curve, LineChart

CONFUSION = Finding(
    "Confusion matrix",
    (
        Prose("Rows are the labels, columns the answers."),
        table(
            ("label", "rotten", "fresh"),
            [("rotten", Mark("410", heat=1.0), Mark("70", heat=0.15)), ("fresh", Mark("90", heat=0.2), "390")],
        ),
        Heading("Per class", 3),
        table(("class", "precision", "recall", "F1", "texts"), [("rotten", "82.0%", "85.4%", "83.7%", "480")]),
    ),
    {"f1.rotten": 0.837},
)
CALIBRATION = Finding(
    "Calibration",
    (
        LineChart(
            "Reliability on the test texts",
            "confidence",
            "share that is right",
            (Curve("onnx int8", "v1", ((0.55, 0.5), (0.75, 0.71), (0.95, 0.9))),),
            diagonal=True,
        ),
        table(("confidence", "right", "texts"), [("0.5-0.6", "50.0%", "40"), ("0.9-1.0", "90.0%", "700")]),
        Pairs((("expected calibration error", "0.031"),)),
    ),
    {"calibration_error": 0.031},
)
DISAGREEMENT = Finding(
    "Where teacher and student disagree most",
    (
        Notice(("12 of 960 texts",), "open"),
        Details("Texts", (table(("text", "teacher", "student"), [("<b>not</b> | bad", "fresh", "rotten")]),)),
    ),
)
FINDINGS = (CONFUSION, CALIBRATION, DISAGREEMENT)
