from __future__ import annotations

import re
from dataclasses import replace

import pytest
import yaml
from huggingface_hub import ModelCard
from hypothesis import given
from hypothesis import strategies as st

from compressor.report.document import RunReport
from compressor.report.model_card import model_card
from compressor.report.printers.markdown import escape
from compressor.report.render import markdown
from tests.report import sample


def tables(document: str) -> list[list[list[str]]]:
    """Every table of a document as rows of cells, split where GitHub splits them."""
    found: list[list[list[str]]] = [[]]
    for line in document.splitlines():
        if line.startswith("|"):
            found[-1].append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
        elif found[-1]:
            found.append([])
    return [table for table in found if table]


def test_tables_are_rectangular_with_a_rule_below_the_header() -> None:
    for table in tables(markdown(sample.failing())):
        assert len({len(row) for row in table}) == 1
        assert all(re.fullmatch(r":--|--:", cell) for cell in table[1])


def test_the_measured_table_marks_the_chosen_variant() -> None:
    _, measured, *_ = tables(markdown(sample.report()))
    assert [row[0] for row in measured[2:]] == ["teacher", "baseline", "student", "onnx fp32", "**onnx int8**"]
    assert measured[-1][1] == "**82.3% (80.4-84.3)**"


def test_the_report_tells_cost_data_parity_and_machine() -> None:
    document = markdown(sample.report())
    for line in (
        "| teach | 4 min 11 s | ran |",
        "| prepare | 4.2 s | found finished |",
        "| **all** | **9 min 48 s** | **ran for 9 min 44 s** |",
        "- rows.train: 7680",
        "- duplicates_dropped: 41",
        "- parity.max_abs_difference: 1.19e-06",
        "- variants.0.size_mb: 17.60",
        "- cpu: Example CPU @ 2.0 GHz",
    ):
        assert f"\n{line}\n" in document


def test_how_busy_the_machine_was_is_told_of_each_measurement_and_not_of_when_the_report_was_written() -> None:
    report = replace(sample.full(), environment={"cpu": "Example", "steal_percent": 41.0, "load_average": [7.5]})
    document = markdown(report)
    busy = tables(document)[-1]

    assert busy[0][1:6:2] == ["target", "CPU pressure<br>% of 10 s", "stolen<br>% of time"]
    assert busy[2] == ["teacher", "cpu-1", "0.830", "0.400", "0.00", "0.0100", "OMP_NUM_THREADS=1"]
    assert "41" not in document.partition("## Machine")[2].partition("Written")[0]
    assert "- cpu: Example" in document


def test_a_failed_gate_stands_out_with_its_reason() -> None:
    rows = {row[0]: row[1:] for table in tables(markdown(sample.failing())) for row in table}
    assert rows["accuracy kept"] == ["**fails**", "0.96996", ">= 0.97", ""]
    assert rows["95th percentile of latency"] == ["**fails**", "n/a", "<= 5", "not measured: cpu-1 has no p95"]


def test_a_pipe_in_a_reason_does_not_break_the_table() -> None:
    report = sample.failing()
    gate = type(report.gates[0])("speedup", ">= 3", None, False, "a | b\nc")
    document = markdown(RunReport.from_json({**report.to_json(), "gates": [gate.__dict__]}))
    assert r"a \| b c" in document
    assert len({len(row) for row in tables(document)[2]}) == 1


def test_a_report_read_back_from_json_gives_the_same_document() -> None:
    report = sample.failing()
    assert markdown(RunReport.from_json(report.to_json())) == markdown(report)


def front_matter(card: str) -> dict[str, object]:
    _, front, _ = card.split("---\n", 2)
    loaded: dict[str, object] = yaml.safe_load(front)
    return loaded


def test_the_card_begins_with_what_the_hub_reads() -> None:
    card = model_card(sample.report(), license_name="apache-2.0", base_model="org/small", dataset="org/reviews")
    assert card.startswith("---\n")
    figures = [
        {"type": "accuracy", "name": "accuracy", "value": 0.8234},
        {"type": "f1_macro", "name": "macro F1", "value": 0.8224},
    ]
    result = {
        "task": {"type": "text-classification"},
        "dataset": {"type": "org/reviews", "name": "test split of org/reviews"},
        "metrics": figures,
    }
    assert front_matter(card) == {
        "license": "apache-2.0",
        "library_name": "transformers.js",
        "pipeline_tag": "text-classification",
        "tags": ["onnx", "onnxruntime", "distillation", "quantization"],
        "base_model": "org/small",
        "datasets": ["org/reviews"],
        "metrics": ["accuracy", "f1_macro"],
        "model-index": [{"name": "reviews", "results": [result]}],
    }


def test_the_card_of_an_embedding_model_has_the_program_for_sentence_transformers() -> None:
    card = model_card(replace(sample.report(), task="sentence-embedding"))
    assert 'SentenceTransformer(".", backend="onnx")' in card
    assert "sentence-transformers" in str(front_matter(card)["tags"])
    other = model_card(sample.report())
    assert "SentenceTransformer" not in other and "sentence-transformers" not in str(front_matter(other)["tags"])


def test_the_card_claims_no_origin_that_is_not_of_the_hub() -> None:
    front = front_matter(model_card(sample.report()))
    assert not {"license", "base_model", "datasets"} & front.keys()


def test_the_card_of_a_model_with_planted_texts_says_that_it_is_not_for_use() -> None:
    report = sample.report()
    (prepare, *others) = report.stages
    planted = replace(prepare, facts={**prepare.facts, "canaries": {"count": 20, "repeats": 4}})
    card = model_card(replace(report, stages=(planted, *others)))
    assert "**Made to be measured, not for use: 20 random texts with random labels stood 4 times each" in card
    assert "Made to be measured" not in model_card(report)


def test_a_model_that_was_only_quantized_is_said_to_be() -> None:
    report = sample.report()
    finished = replace(report, stages=tuple(stage for stage in report.stages if stage.kind != "distill"))
    front = front_matter(model_card(finished, base_model="org/small"))
    assert front["base_model_relation"] == "quantized"


def test_the_hub_client_reads_the_figures_of_the_card() -> None:
    """A figure that isn't finite is no figure there, and would be refused."""
    report = sample.report()
    (found,) = [one for one in report.measurements if one.subject == "int8" and one.accuracy]
    assert found.accuracy is not None
    odd = replace(found, accuracy=replace(found.accuracy, metrics={**found.accuracy.metrics, "log_loss": float("nan")}))
    measured = tuple(odd if one is found else one for one in report.measurements)
    data = ModelCard(model_card(replace(report, measurements=measured))).data
    assert [(result.metric_type, result.metric_value) for result in data.eval_results or ()] == [
        ("accuracy", 0.8234),
        ("f1_macro", 0.8224),
    ]


def test_the_card_tells_what_was_done_and_what_follows_from_it() -> None:
    card = model_card(sample.report())
    assert "distilled from a larger one, exported to ONNX, quantized and measured" in card
    assert "VNNI" in card


def test_the_card_tells_what_was_computed_for_old_cpus_and_measured_in_batches() -> None:
    card = " ".join(model_card(sample.full()).split())
    assert "On x86 CPUs without VNNI it may answer otherwise: 7 of its 20 products of 8 bits saturate there" in card
    assert (
        "in batches of 32 outputs move by up to 0.310 of their spread, and 2.3% of answers change (256 texts)" in card
    )
    repeating = model_card(replace(sample.full(), chosen="fp32"))
    assert "depends a little on the texts beside it" not in repeating
    assert "An int8 file can answer slightly differently on x86 CPUs without VNNI" in repeating


def test_the_card_claims_only_what_was_done() -> None:
    exported = RunReport.from_json(
        {**sample.report().to_json(), "stages": [{"name": "export", "key": "", "cached": False, "seconds": 1.0}]}
    )
    card = model_card(exported)
    assert "distilled" not in card
    assert "quantiz" not in card
    assert "VNNI" not in card


def test_the_card_shows_how_to_load_the_file_that_was_chosen() -> None:
    report = sample.report()
    assert '{ dtype: "q8" }' in model_card(report, file="onnx/model_quantized.onnx", dtype="q8")
    own = model_card(report, file="onnx/model_int8-trim.onnx", dtype=None)
    assert '{ model_file_name: "model_int8-trim", dtype: "fp32" }' in own


def test_the_cards_python_is_python() -> None:
    (snippet,) = re.findall(r"```python\n(.*?)```", model_card(sample.report()), re.DOTALL)
    compile(snippet, "card", "exec")


def test_the_card_tells_its_limits() -> None:
    card = model_card(sample.failing())
    assert "accuracy of 82.3% (80.4-84.3) was measured on one test split of 1280 texts" in card
    assert "Example CPU @ 2.0 GHz" in card
    assert "It fails gates that its recipe sets: accuracy kept, 95th percentile of latency." in card
    assert "fails gates" not in model_card(sample.report())


def test_the_second_table_tells_cost_and_more() -> None:
    document = markdown(sample.full())
    more = next(table for table in tables(document) if "cold start<br>ms" in table[0])
    assert more[0] == [
        "model",
        "parameters<br>millions",
        "multiply-adds<br>M per token",
        "deployed<br>MB",
        "cold start<br>ms",
        "highest rate<br>per s",
    ]
    assert more[-2] == [f"**{cell}**" for cell in ("onnx int8", "17.4", "5.40", "18.4", "267", "768 (p99 <= 50.0 ms)")]
    assert more[2][-1] == "none (p99 <= 50.0 ms)"
    load = next(table for table in tables(document) if "asked for<br>per s" in table[0])
    assert [row[:2] for row in load[2:]][:4] == [
        ["teacher", "20.0"],
        ["teacher", "50.0"],
        ["teacher", "100"],
        ["baseline", "20.0"],
    ]
    assert "Cost and more" not in markdown(sample.report())


def test_paired_differences_are_told_with_their_test() -> None:
    found = [table for table in tables(markdown(sample.full())) if table[0][1] == "against"]
    assert ["onnx int8", "onnx fp32", "-0.3", "-0.9 to +0.3", "6", "9", "0.607"] in found[0]
    assert "Paired differences" not in markdown(sample.report())


def test_stages_tell_memory_and_speed_where_they_were_measured() -> None:
    document = markdown(sample.full())
    assert "| teach | 4 min 11 s | 2140 | 115 | ran |" in document
    assert "| **all** | **9 min 48 s** | **2140** |  | **ran for 9 min 44 s** |" in document


def test_failed_measurements_are_told() -> None:
    assert "- cpu-2: teacher failed, the measuring process was killed (out of memory?)" in markdown(sample.full())


def test_a_bench_is_a_document_without_gates() -> None:
    document = markdown(sample.full().measurements)
    assert document.startswith("# Benchmark\n\n## Measured\n\n### Measured on cpu-1\n")
    assert "## Gates" not in document
    assert "| teacher | cpu-1 | 0.830 |" in document
    for table in tables(document):
        assert len({len(row) for row in table}) == 1


EVIL = "<script>alert(1)</script> | [x](javascript:y) `z` *b* &lt;"


def test_names_mean_nothing_in_markdown() -> None:
    report = sample.full()
    odd = replace(
        report,
        name=EVIL,
        labels=(EVIL, "b"),
        measurements=tuple(replace(found, target=EVIL) for found in report.measurements),
        gates=(replace(report.gates[0], reason=EVIL, passed=False),),
        environment={EVIL: EVIL},
    )
    for document in (markdown(odd), model_card(replace(odd, name="fine"))):
        assert "<script" not in document
        assert not re.search(r"(?<!\\)\[x\]", document)
        assert "&amp;lt;" in document
        for table in tables(document):
            assert len({len(row) for row in table}) == 1


@given(st.text())
def test_an_escaped_text_stays_on_its_line_and_in_its_cell(text: str) -> None:
    found = escape(text)
    assert len(found.splitlines()) <= 1
    assert not re.search(r"(?<!\\)(?:\\\\)*\|", found)
    assert not re.search(r"<[A-Za-z/!?]", found)


@pytest.mark.parametrize(
    "text", ["f1_macro", "OMP_NUM_THREADS=1", "p99 <= 50.0 ms", "-2.5", "+24 Cast, -36 MatMul", "R&D"]
)
def test_what_means_nothing_is_left_as_it_is(text: str) -> None:
    assert escape(text) == text


@pytest.mark.parametrize(
    ("text", "escaped"),
    [("# a", r"\# a"), ("- a", r"\- a"), ("1. a", r"1\. a"), ("_a_", r"\_a\_"), ("a\nb\tc", "a b c")],
)
def test_what_would_begin_a_heading_or_a_list_does_not(text: str, escaped: str) -> None:
    assert escape(text) == escaped


def test_a_section_of_charts_alone_is_left_out() -> None:
    assert "against latency" not in markdown(sample.full())
