"""The bundle's README.md: a model card as the Hugging Face Hub reads it; every figure on it was measured."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from compressor.bench.results import Measurement
from compressor.report import format as fmt
from compressor.report.blocks import Block, Heading
from compressor.report.content.card_fields import card_fields, intended_use, risks
from compressor.report.content.machine import stages_table
from compressor.report.content.overview import gates_table, overview
from compressor.report.content.privacy import privacy_sentence
from compressor.report.content.saturation import saturation_sentence
from compressor.report.content.temperature import temperature_sentence
from compressor.report.content.unsure import unsure_sentence
from compressor.report.document import RunReport
from compressor.report.front_matter import front_matter
from compressor.report.printers.markdown import blocks_markdown, escape
from compressor.report.verdict import baseline_sentence, closing_sentence, failed_gates
from compressor.task_specs import TASK_SPECS, TaskSpec

__all__ = ["model_card"]

TREATMENTS = {"distill": "distilled from a larger one", "export": "exported to ONNX", "quantize": "quantized"}
"""What each kind of stage does to the model."""
REPEATS = 0.001
"""A drift in a batch up to here, as a share of the outputs' spread, is rounding."""


def model_card(
    report: RunReport,
    *,
    license_name: str | None = None,
    base_model: str | None = None,
    dataset: str | None = None,
    file: str = "onnx/model.onnx",
    dtype: str | None = "fp32",
    calibration: Mapping[str, Any] | None = None,
    unsure: Mapping[str, Any] | None = None,
    licenses: Mapping[str, str | None] | None = None,
) -> str:
    """The card of the bundle this report is about.

    Args:
        base_model, dataset: what it was made of, where that are repositories of the hub.
        file: the chosen variant's file in the bundle.
        dtype: the name transformers.js has for such files; None where it has none.
        calibration: the student's, where it was calibrated (`compressor/distill/calibration.py`).
        unsure: which answers the bundle calls unsure (`compressor/chain/stages/unsure.py`).
        licenses: model or data set that it was made of -> its licence; None where it isn't known.
    """
    answers = f" (labels: {', '.join(report.labels)})" if report.labels else ""
    spec = TASK_SPECS.get(report.task) if report.task in TASK_SPECS.names else None
    title, pipeline_tag = (spec.title.lower(), spec.pipeline_tag) if spec else (report.task, report.task)
    vectors = spec is not None and spec.outputs[0].likelihood == "vector"
    kinds = dict.fromkeys(stage.kind for stage in report.stages)
    treated = ", ".join(TREATMENTS[kind] for kind in kinds if kind in TREATMENTS)
    about = f"A compact model for {title}{answers}, {treated}"
    measured: list[Block] = [Heading("Measured"), *overview(report)]
    if report.gates:
        measured += [Heading("Gates", 3), gates_table(report)]
    sections = [
        front_matter(
            report,
            kinds,
            pipeline_tag,
            libraries=["sentence-transformers"] if vectors else [],
            license_name=license_name,
            base_model=base_model,
            dataset=dataset,
        ),
        f"# {escape(report.name)}",
        escape(f"{about} and measured by compressor. It runs wherever ONNX Runtime runs, without PyTorch."),
        _planted(report),
        "\n".join(escape(said) for said in (closing_sentence(report), baseline_sentence(report)) if said),
        blocks_markdown([Heading("Intended use"), intended_use(spec, report.task, dataset)]),
        "## Use it",
        _python(_given(spec)),
        _javascript(_given(spec), report.name, pipeline_tag, file, dtype),
        _sentence_transformers(_given(spec)) if vectors else "",
        "Test it on the device it is for: `compressor verify .` checks every file's sha256 and replays `golden.json`.",
        blocks_markdown(measured),
        escape(temperature_sentence(calibration or {}) or ""),
        escape(unsure_sentence(unsure)) if unsure else "",
        escape(privacy_sentence(report.stages) or ""),
        "## Limitations and risks",
        f"{_limits(report)}\n{blocks_markdown([risks(report)])}",
        blocks_markdown(card_fields(report, spec, unsure)),
        "## Licences",
        _licenses(license_name, licenses or {}),
        "## How it was made",
        "`recipe.resolved.yaml` holds every setting, `manifest.json` the versions and a sha256 for each file, "
        "`provenance.json` (in-toto, SLSA) what it was made of.",
        blocks_markdown([stages_table(report.stages)]),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _given(spec: TaskSpec | None) -> dict[str, str]:
    """Role -> a text to ask the model about."""
    roles = [role for role in spec.text_roles if role in spec.roles] if spec else []
    return {role: f"the {role}" for role in roles} if len(roles) > 1 else {"text": "a gripping, funny film"}


def _python(given: Mapping[str, str]) -> str:
    asked = json.dumps(given if len(given) > 1 else list(given.values()))
    return f"""In Python, where the base install of `compressor` (no PyTorch) is all it takes:

```python
from compressor.runtime import load

bundle = load(".")  # this folder
print(bundle.predict({asked}))
```"""


def _javascript(given: Mapping[str, str], name: str, pipeline_tag: str, file: str, dtype: str | None) -> str:
    named = f'model_file_name: "{PurePosixPath(file).stem}", dtype: "fp32"'
    asked = ", ".join(map(json.dumps, given.values()))
    options = f"{{ {named} }}" if dtype is None else f'{{ dtype: "{dtype}" }}'
    return f"""In the browser or Node, with transformers.js; this folder is `models/{name}`:

```js
import {{ env, pipeline }} from "@huggingface/transformers";

env.allowRemoteModels = false;
env.localModelPath = "models/";
const answer = await pipeline("{pipeline_tag}", "{name}", {options});
console.log(await answer({asked}));
```"""


def _sentence_transformers(given: Mapping[str, str]) -> str:
    (asked,) = map(json.dumps, given.values())
    return f"""In Python, with sentence-transformers and its ONNX backend (`pip install 'sentence-transformers[onnx]'`):

```python
from sentence_transformers import SentenceTransformer

model = SentenceTransformer(".", backend="onnx")  # this folder
print(model.encode({asked}))
```"""


def _limits(report: RunReport) -> str:
    chosen = report.measurement(report.chosen)
    quality, metric = chosen.accuracy if chosen else None, report.metric
    answers = "- How well it answers wasn't measured."
    if quality:
        answers = (
            f"- The {metric.title} of {fmt.quality(quality.value, metric, quality.interval)} was measured on one test "
            f"split of {quality.n} texts. The interval ({quality.interval.confidence:.0%}, bootstrap) covers the "
            "choice of test texts, not the training's seed, and says nothing about texts of another kind."
        )
    cpu = f" ({escape(str(report.environment['cpu']))})" if report.environment.get("cpu") else ""
    where = f"for the machine they were measured on{cpu}"
    lines = [answers, f"- Latency, throughput and memory hold {where}; measure again on your device."]
    if any(stage.kind == "quantize" for stage in report.stages):
        lines.append(f"- {_without_vnni(report)} `compressor verify` tells.")
    if chosen and (drift := _drift(chosen)):
        lines.append(drift)
    if failed := failed_gates(report):
        lines.append(f"- **It fails gates that its recipe sets: {', '.join(title for title, _ in failed)}.**")
    return "\n".join(lines)


def _planted(report: RunReport) -> str:
    """That it was made to be measured, where random texts were planted in its training."""
    found = next((stage.facts["canaries"] for stage in report.stages if "canaries" in stage.facts), None)
    if found is None:
        return ""
    return (
        f"**Made to be measured, not for use: {found['count']} random texts with random labels stood "
        f"{found['repeats']} times each among its training texts.**"
    )


def _licenses(own: str | None, others: Mapping[str, str | None]) -> str:
    """What is stated, in the words of who states it."""
    lines = [f"- This model: {escape(own) if own else 'unknown, its recipe names none'}."]
    for name, stated in others.items():
        lines.append(f"- {escape(name)}: {f'{escape(stated)}, as it says itself' if stated else 'unknown'}.")
    return "\n".join(lines)


def _without_vnni(report: RunReport) -> str:
    general = "An int8 file can answer slightly differently on x86 CPUs without VNNI, where 8-bit products saturate;"
    return saturation_sentence(report.stages, report.chosen) or general


def _drift(chosen: Measurement) -> str | None:
    """How answers depend on the batch, where they do."""
    worst = max(chosen.batch_drift, key=lambda drift: drift.largest or 0.0, default=None)
    if worst is None or worst.largest is None or worst.largest <= REPEATS:
        return None
    changed = "" if worst.changed is None else f", and {fmt.percent(worst.changed)} of answers change"
    return (
        f"- An answer depends a little on the texts beside it: in batches of {worst.batch} outputs move by up to "
        f"{fmt.number(worst.largest)} of their spread{changed} ({worst.n} texts). Answer one text at a time where "
        "answers must repeat exactly."
    )
