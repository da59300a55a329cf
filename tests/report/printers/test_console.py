from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console, RenderableType

from compressor.bench.results import Difference, Interval, Measurement, Size, Skipped
from compressor.report.document import RunReport
from compressor.report.lists import predictions_table
from compressor.report.render import console_table, html_page
from tests.report import sample


def text(table: RenderableType, width: int = 100) -> str:
    file = StringIO()
    Console(width=width, file=file, force_terminal=False).print(table)
    return file.getvalue()


@pytest.mark.parametrize("width", [80, 100, 140])
def test_a_model_is_one_line_with_every_figure(width: int) -> None:
    rows = text(console_table(sample.report()), width).splitlines()
    rows = rows[: rows.index("")]  # the first table
    cells = {
        name: row[len(name) :].split() for row in rows for name in ("teacher", "onnx int8*") if row.startswith(name)
    }
    # As sample.SUBJECTS has them.
    figures = ["82.3%", "(80.4-84.3)", "91.2%", "0.912", "1.55", "1.12", "1206", "178", "17.6", "10.2x"]
    assert cells["onnx int8*"] == figures
    assert cells["teacher"] == ["84.8%", "(82.8-86.8)", "n/a", "9.31", "15.8", "9.52", "118", "251", "90.9", "1.00x"]


def test_nothing_is_cut_off_at_80_columns() -> None:
    shown = text(console_table(sample.report()), 80)
    assert "…" not in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert "(80.4-84.3)" in shown
    assert "10.2x" in shown


def test_models_come_in_the_order_they_were_measured_in() -> None:
    shown = text(console_table(sample.report()))
    places = [shown.index(f"\n{name}") for name in ("teacher", "baseline", "student", "onnx fp32", "onnx int8*")]
    assert places == sorted(places)


def test_a_skipped_target_is_one_line_with_the_reason() -> None:
    shown = text(console_table(sample.report()), 140)
    assert f"cuda is not on this machine: not measured ({sample.REASON})." in shown
    assert "skipped" not in shown


def test_a_single_skipped_model_is_named() -> None:
    ran, *_ = sample.report().measurements
    lost = Measurement("student", "torch", ran.target, Size(1.0), skipped=Skipped("out of memory"))
    assert f"{ran.target}: student was not measured (out of memory)." in text(console_table([ran, lost]))


def test_figures_that_were_not_measured_are_not_available() -> None:
    bare = tuple(replace(found, latencies=(), throughput=None, memory=None) for found in sample.report().measurements)
    lines = text(console_table(replace(sample.report(), measurements=bare))).splitlines()
    (chosen,) = [line for line in lines if line.startswith("onnx int8*")]
    assert chosen.split().count("n/a") == 5


def test_gates_show_what_was_measured_and_the_verdict() -> None:
    lines = text(console_table(sample.failing())).splitlines()
    rows = {line.split("  ")[0]: " ".join(line.split()) for line in lines}
    assert rows["accuracy kept"] == "accuracy kept FAILS 0.96996 >= 0.97"
    assert rows["model size"] == "model size HOLDS 17.6 <= 20"
    latency = rows["95th percentile of latency"]
    assert latency == "95th percentile of latency FAILS n/a <= 5 not measured: cpu-1 has no p95"


def closing(report: RunReport) -> str:
    return text(console_table(report), 1000).strip().splitlines()[-1]


def test_the_closing_sentence_gives_the_paired_difference_where_it_was_measured() -> None:
    report = sample.report()
    difference = Difference(-0.025, Interval(-0.041, -0.008))
    measured = tuple(
        replace(found, accuracy=replace(found.accuracy, difference=difference)) if found.accuracy else found
        for found in report.measurements
    )
    told = closing(replace(report, measurements=measured))
    assert "(82.3% of 84.8% on 1280 texts; -2.5 points, 95% interval -4.1 to -0.8)" in told


def test_the_closing_sentence_says_whether_it_may_ship() -> None:
    assert closing(sample.report()) == (
        "onnx int8 keeps 97.1% of the teacher's accuracy (82.3% of 84.8% on 1280 texts), answers 10.2 times faster "
        "(median of 1280 calls) and weighs 17.6 MB instead of 90.9 MB. Gates: 2 of 2 hold; it may ship."
    )
    assert closing(sample.failing()).startswith(
        "It should not ship as it is: 2 of 3 gates failed (accuracy kept 0.96996, must be >= 0.97; 95th percentile of "
        "latency not measured, must be <= 5). onnx int8 keeps 97.1%"
    )


def test_a_slower_variant_is_called_slower() -> None:
    report = sample.report()
    slow = sample.measurement("int8", "onnxruntime", 0.8, 18.62, 17.6, 17.4)
    others = tuple(found for found in report.measurements if found.subject != "int8")
    assert "is 2.00 times slower" in closing(replace(report, measurements=(*others, slow)))


def test_what_the_teacher_added_is_told_only_with_a_baseline() -> None:
    report = sample.report()
    assert "Learning from the teacher changed the accuracy by +1.7 points" in text(console_table(report), 140)
    without = tuple(found for found in report.measurements if found.subject != "baseline")
    assert "Learning from" not in text(console_table(replace(report, measurements=without)), 140)


def test_an_export_without_teacher_data_or_gates_has_a_table_too() -> None:
    report = sample.report()
    alone = tuple(replace(found, accuracy=None) for found in report.measurements if found.subject in ("fp32", "int8"))
    shown = text(console_table(replace(report, measurements=alone, gates=())))
    for absent in ("accuracy", "agrees", "speedup", "FAILS", "HOLDS"):
        assert absent not in shown
    assert closing(replace(report, measurements=alone, gates=())) == (
        "onnx int8 weighs 17.6 MB. The recipe sets no gates."
    )


def test_speedup_compares_with_the_teacher_on_the_same_target() -> None:
    fast = [replace(found, target="cuda") for found in (sample.measurement(*s) for s in sample.SUBJECTS)]
    fast[0] = replace(sample.measurement("teacher", "torch", 0.848, 1.824, 90.9, 22.7), target="cuda")
    lines = text(console_table([*sample.report().measurements[:5], *fast])).splitlines()
    found = [line.split()[-1] for line in lines if line.startswith("onnx int8") and line.endswith("x")]
    assert found == ["10.2x", "2.00x"]


def test_without_a_teacher_the_model_in_pytorch_is_what_others_compare_with() -> None:
    assert closing(sample.finished()) == (
        "onnx int8 keeps 99.7% of the PyTorch model's accuracy (82.3% of 82.6% on 1280 texts; -0.3 points, 95% "
        "interval -0.9 to +0.3), answers 4.96 times faster than the model in PyTorch (median of 1280 calls) and weighs "
        "17.6 MB instead of 69.5 MB. Gates: 1 of 1 hold; it may ship."
    )
    shown = text(console_table(sample.finished()), 140)
    lines = shown.splitlines()
    assert next(line for line in lines if line.startswith("model ")).endswith("PyTorch")
    factors = {line.split("  ")[0]: line.split()[-1] for line in lines if line.endswith("x")}
    assert factors == {"student": "1.00x", "onnx fp32": "1.49x", "onnx int8*": "4.96x"}
    assert "speed-up over the PyTorch model" in shown and "student is the model in PyTorch" in shown
    page = html_page(sample.finished())
    assert "PyTorch model 4.52 ms" in page and "the teacher" not in page


def test_a_model_that_was_never_measured_in_pytorch_has_no_speedup() -> None:
    report = sample.finished()
    alone = tuple(found for found in report.measurements if found.subject != "student")
    assert "speedup" not in text(console_table(replace(report, measurements=alone, gates=())))
    assert "times faster" not in closing(replace(report, measurements=alone))


def test_where_pytorch_does_not_run_speedup_compares_with_the_teacher_where_it_was_measured() -> None:
    found = sample.measurement("int8", "onnxruntime", 0.8, 2.0, 17.0, 1e6)
    elsewhere = replace(found, target="openvino-1", reference="cpu-1")
    teacher = sample.measurement("teacher", "torch", 0.8, 10.0, 90.0, 1e6)
    shown = text(console_table([teacher, elsewhere])).partition("openvino-1")[2]

    assert next(line for line in shown.splitlines() if line.startswith("onnx int8")).endswith("5.00x")


def test_bench_table_marks_no_choice() -> None:
    shown = text(console_table(sample.report().measurements))
    assert "onnx int8 " in shown
    assert "*" not in shown


def test_markup_in_a_name_is_shown_as_it_is() -> None:
    odd = sample.measurement("[red]x[/red]", "onnxruntime", 0.8, 1.0, 1.0, 1.0)
    assert "onnx [red]x[/red]" in text(console_table([odd]), 140)


def test_a_failed_measurement_is_told_with_its_reason() -> None:
    shown = text(console_table(sample.full()), 140)
    assert "cpu-2: teacher failed, the measuring process was killed (out of memory?)" in shown


def test_cold_start_and_serving_have_a_table_where_they_were_measured() -> None:
    shown = text(console_table(sample.full()), 100)
    assert "…" not in shown
    cost = shown[shown.index("Cost and more on cpu-1") :]
    (line,) = [line for line in cost.splitlines() if "18.4 " in line and "267" in line]
    assert line.split()[:6] == ["onnx", "int8*", "17.4", "5.40", "18.4", "267"]
    assert "Under load" in shown
    assert "Cost and more" not in text(console_table(sample.report()))


def test_a_references_precision_is_part_of_its_name() -> None:
    teacher = sample.report().measurements[0]
    both = [replace(teacher, precision="fp32"), replace(teacher, subject="teacher-bf16", precision="bf16")]
    lines = text(console_table(both)).splitlines()
    assert [line.split("  ")[0] for line in lines if line.startswith("teacher")][:2] == ["teacher", "teacher bf16"]


def test_nothing_in_a_name_controls_the_terminal() -> None:
    odd = sample.measurement("\x1b[2Jx", "onnxruntime", 0.8, 1.0, 1.0, 1.0)
    shown = text(console_table([odd]), 140)
    assert "\x1b" not in shown
    assert r"onnx \x1b[2Jx" in shown
    answers = [{"label": "\x1b]0;title\x07", "score": 0.5}]
    assert r"\x1b]0;title\x07" in text(predictions_table(["a\x9bb"], answers))


def test_a_narrow_terminal_leaves_columns_out_and_says_which() -> None:
    long = replace(sample.report().measurements[4], subject="int8-with-a-long-name")
    shown = text(console_table([*sample.report().measurements[:5], long]), 80)
    lines = shown.splitlines()
    assert max(map(len, lines)) <= 80
    assert len([line for line in lines if "int8-with-a-long-name" in line and "82.3% (80.4-84.3)" in line]) == 1
    assert "A wider terminal also shows: agrees, e2e, texts." in shown
    assert "A wider terminal" not in text(console_table([*sample.report().measurements[:5], long]), 120)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"label": "fresh", "score": 0.91234, "scores": {"fresh": 0.91234}}, ["fresh", "0.912", "a text"]),
        ({"labels": ("billing", "urgent"), "scores": {}}, ["billing, urgent", "a text"]),
        ({"labels": (), "scores": {}}, ["(none)", "a text"]),
        ({"value": 3.14159}, ["3.142", "a text"]),
    ],
)
def test_answers_of_every_task_are_a_line_each(answer: dict[str, object], words: list[str]) -> None:
    line = text(predictions_table(["a text"], [answer])).splitlines()[-2]
    assert [word for word in line.split("  ") if word] == words
