"""What a model takes, as reports show it: here where the time goes."""

from __future__ import annotations

from dataclasses import replace

from compressor.bench.results import Graph, Measurement, Profile
from compressor.report.blocks import Heading, Prose, Table
from compressor.report.content.costs import cost_sections
from compressor.report.models import by_target
from tests.report import sample

FP32 = Profile(10, {"MatMul": 0.7, "Gelu": 0.3})
INT8 = Profile(10, {"DynamicQuantizeMatMul": 0.5, "Gelu": 0.4996, "Cast": 0.0004})
OTHER = Profile(10, {"MatMulNBits": 1.0})


def measured(**profiles: Profile | None) -> list[Measurement]:
    return [
        replace(sample.measurement(name, "onnxruntime", 0.8, 3.0, 10.0, 20.0), graph=Graph(128, 1, {}, {}, profile))
        for name, profile in profiles.items()
    ]


def time_table(measurements: list[Measurement], chosen: str | None = None) -> tuple[list[list[str]], str] | None:
    """Titles and rows, and the line below them; None where there is no such section."""
    blocks = list(cost_sections(list(by_target(measurements, chosen))))
    titles = [block.text if isinstance(block, Heading) else "" for block in blocks]
    if "Where the time goes" not in titles:
        return None
    _, found, remark = blocks[titles.index("Where the time goes") :][:3]
    assert isinstance(found, Table) and isinstance(remark, Prose)
    cells = [[str(getattr(cell, "text", cell)) for cell in row.cells] for row in found.rows]
    return [[column.title for column in found.columns], *cells], remark.text


def test_the_variant_that_ships_stands_beside_fp32() -> None:
    assert time_table(measured(fp32=FP32, other=OTHER, int8=INT8), "int8") == (
        [
            ["operator", "onnx fp32", "onnx int8"],
            ["MatMul", "70.0%", "0.0%"],
            ["DynamicQuantizeMatMul", "0.0%", "50.0%"],
            ["Gelu", "30.0%", "50.0%"],
            ["Cast", "0.0%", "0.0%"],
        ],
        "Medians of 10 runs of one text of 128 tokens.",
    )


def test_where_none_ships_every_variant_is_shown() -> None:
    found = time_table(measured(fp32=FP32, other=OTHER))
    assert found is not None and found[0][0] == ["operator", "onnx fp32", "onnx other"]


def test_nothing_is_shown_of_measurements_without_a_profile() -> None:
    """Those of earlier versions, and those on a GPU."""
    assert time_table(measured(fp32=None, int8=None), "int8") is None
