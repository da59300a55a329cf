"""This project: its own export and quantizers, as a recipe runs them with default settings."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from compressor.deploy.calibration import Calibration
    from compressor.recipe.quantize import QuantizeSection

TITLE = "ours"
REQUIREMENTS: tuple[str, ...] = ()
VARIANTS = {
    "fp32": "`export`",
    "fp32-auto": "`export: {optimize: auto}` by these kinds of input",
    "int8": "`{method: dynamic}`",
    "int8-auto": "`{method: dynamic}` of `export: {optimize: auto}` by these kinds of input",
    "int8-static": "`{method: static, smooth: 0.75}`",
}
SECTIONS: Mapping[str, Mapping[str, Any]] = {
    "int8": {"method": "dynamic"},
    "int8-static": {"method": "static", "smooth": 0.75},
}
AUTO = "-auto"
CHOSEN = "chosen.txt"


def convert(variant: str, given: Mapping[str, Any], out: Path) -> list[Path]:
    from compressor.deploy.calibration import Calibration
    from compressor.recipe.quantize import QUANTIZERS

    examples = [{"text": text} for text in given["calibration_texts"]]
    calibration = Calibration(examples, given["max_length"]) if examples else None
    sections: list[QuantizeSection] = []
    if wanted := SECTIONS.get(variant.removesuffix(AUTO)):
        sections = [QUANTIZERS.get(wanted["method"]).model_validate(wanted)]
        if sections[0].calibration_examples and not examples:
            raise SystemExit("no training texts to calibrate with: give --train")
    exported = _export(given, examples[:32], out / "export")
    if variant.endswith(AUTO):
        file = _fastest(given, examples[:32], exported, sections, calibration, out)
    else:
        file = _quantized(exported, sections, calibration, out / "quantized")
    shutil.copyfile(file, out / "model.onnx")
    return [out / "model.onnx"]


def chosen(folder: Path) -> str:
    """The graph that `auto` took."""
    file = folder / CHOSEN
    return file.read_text(encoding="utf-8") if file.exists() else ""


def _export(given: Mapping[str, Any], examples: list[dict[str, str]], out: Path) -> Path:
    from compressor.deploy.export import export
    from compressor.events import Silent
    from compressor.recipe.export import ExportSection
    from compressor.task_specs import DEFAULT_TASK
    from compressor.tasks import get_task

    export(
        ExportSection(),
        task=get_task(DEFAULT_TASK),
        model_folder=Path(given["checkpoint"]),
        examples=examples,
        max_length=given["max_length"],
        out=out,
        events=Silent(),
    )
    return out


def _quantized(exported: Path, sections: list[QuantizeSection], calibration: Calibration | None, out: Path) -> Path:
    from compressor.deploy.quantize import quantize
    from compressor.events import Silent

    for section in sections:
        quantize(section, source=exported, out=out, events=Silent(), calibration=calibration)
    return (out if sections else exported) / "model.onnx"


def _fastest(
    given: Mapping[str, Any],
    examples: list[dict[str, str]],
    exported: Path,
    sections: list[QuantizeSection],
    calibration: Calibration | None,
    out: Path,
) -> Path:
    """What the stage `optimize` of a recipe does whose workload are these inputs."""
    from compressor.chain.graph_choice import FP32, Workbench, choose_graph
    from compressor.compare.fastest import Race
    from compressor.deploy.tracer import Tracer
    from compressor.events import Silent
    from compressor.recipe.benchmark import Target
    from compressor.recipe.export import ExportSection
    from compressor.task_specs import DEFAULT_TASK
    from compressor.tasks import get_task
    from compressor.tasks.models.checkpoint import load_tokenizer

    task, events = get_task(DEFAULT_TASK), Silent()
    model = task.load_model(Path(given["checkpoint"]), None, new_head="never", trust_remote_code=False, events=events)
    tokenizer = load_tokenizer(Path(given["checkpoint"]), False)
    bench = Workbench(
        tracer=Tracer(
            model,
            tokenizer,
            task,
            examples=examples,
            max_length=given["max_length"],
            opset=None,
            events=events,
        ),
        section=ExportSection(optimize="auto"),
        exported=exported,
        variants=tuple(sections),
        calibrations={section.name: calibration for section in sections},
        timed=sections[0].name if sections else FP32,
        scratch=out / "graphs",
        events=events,
    )
    inputs = {name: Path(file) for name, file in given["inputs"].items()}
    found = choose_graph(bench, Race(inputs, Target(), seed=0, work=out / "times"))
    (out / CHOSEN).write_text(found.name, encoding="utf-8")
    folder = bench.folder(found.name) if not sections else bench.scratch / bench.timed / found.name
    return folder / "model.onnx"
