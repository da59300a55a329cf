"""One registry: gates, docs and tables call a figure the same."""

from __future__ import annotations

import re

from compressor.bench import evaluate_gates
from compressor.recipe.gates import GatesSection
from compressor.report import format as fmt
from compressor.report.figures import COSTS, FIGURES, MAIN, MEANS, gate_title
from compressor.report.models import Model
from compressor.task_specs import MetricSpec
from tests.command import ROOT
from tests.report import sample

ACCURACY = MetricSpec("accuracy", "accuracy")


def test_every_gate_has_a_title_for_people() -> None:
    named = [name for name in GatesSection.model_fields if name not in ("metrics", "audit")]  # mappings of names
    titles = {name: gate_title(name, ACCURACY, None) for name in named}
    assert not [title for title in titles.values() if "_" in title]
    assert titles["accuracy_retained"] == titles.pop("quality_retained") == "accuracy kept"
    assert titles["accuracy_lost"] == titles.pop("quality_lost")
    assert len(set(titles.values())) == len(titles), "but for two names of one gate, no title is another's"
    unnamed = {name for name, title in titles.items() if title == name.replace("_", " ")} - {"accuracy"}
    assert unnamed <= set(FIGURES), "a gate without a figure has a title that only spells its key"


def test_a_gate_is_called_by_the_metric_of_its_task() -> None:
    f1 = MetricSpec("f1", "entity F1")
    assert gate_title("quality_retained", f1, None) == "entity F1 kept"
    assert gate_title("metrics.f1_macro", f1, None) == "macro F1"


def test_a_gate_and_the_figure_of_its_name_read_the_same() -> None:
    measured = {found.subject: found for found in sample.full().measurements if found.target == "cpu-1"}
    both = sorted(set(FIGURES) & set(GatesSection.model_fields))
    gates = GatesSection(**dict.fromkeys(both, ">= 0"))
    model = Model("", "", True, measured["int8"], measured["teacher"])
    found = evaluate_gates(
        gates,
        variant=measured["int8"],
        fp32=measured["fp32"],
        reference=measured["teacher"],
        student=measured["student"],
    )
    assert {gate.name: gate.value for gate in found} == {
        key: round(value, 9) for key in both if (value := FIGURES[key].read(model)) is not None
    }
    assert len(both) > 8


def test_no_two_figures_share_a_key_or_a_column() -> None:
    assert len(FIGURES) == len(MAIN) + len(COSTS) + 2 + len(MEANS)
    for figures in (MAIN, COSTS, MEANS):
        assert len({one.header.title for one in figures}) == len(figures)


def test_the_docs_list_every_figure_as_the_registry_has_it() -> None:
    page = (ROOT / "docs" / "figures.md").read_text(encoding="utf-8")
    rows = [
        tuple(cell.strip() for cell in line.split("|")[1:-1]) for line in page.splitlines() if line.startswith("| `")
    ]
    expected = [
        (f"`{one.key}`", one.title, one.header.title, one.unit, one.better, one.needs) for one in FIGURES.values()
    ]
    assert rows == expected


def test_what_no_model_has_is_not_available() -> None:
    (skipped,) = [found for found in sample.report().measurements if found.skipped and found.subject == "int8"]
    for figure in FIGURES.values():
        assert figure.key == "size_mb" or re.fullmatch(r"n/a|[\d.]+", figure.text(Model("", "", False, skipped)))
    assert FIGURES["p50_ms"].text(Model("", "", False, skipped)) == fmt.NA
