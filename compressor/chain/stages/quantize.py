"""Make one quantized variant of the exported graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from compressor.chain.control_finding import control_finding
from compressor.chain.examples import evaluation_examples, training_examples
from compressor.chain.findings import write_findings
from compressor.engine.artifact import Artifact
from compressor.engine.key import Json
from compressor.engine.stage import Stage
from compressor.errors import StageError
from compressor.events import Events
from compressor.recipe.quantize import QUANTIZERS, QuantizeSection
from compressor.task_specs import task_spec

if TYPE_CHECKING:
    from compressor.deploy.calibration import Calibration
    from compressor.deploy.validation import Validation

__all__ = ["Quantize"]


@dataclass(frozen=True, kw_only=True)
class Quantize(Stage):
    """Writes `model.onnx` with the same files beside it as the export has.

    Inputs: `export`; `data` where the method is calibrated on training texts, or `control` judges on validation: then
    `findings.json` shows what was tried.
    """

    kind = "quantize"

    task: str
    section: QuantizeSection
    max_length: int

    @property
    def libraries(self) -> tuple[str, ...]:  # type: ignore[override]  # a package may bring the method
        tokenizes = ("tokenizers",) if self._reads_texts else ()
        return ("onnx", "onnx-ir", "onnxruntime", "numpy", *tokenizes, *QUANTIZERS.packages(self.section.method))

    @property
    def config(self) -> dict[str, Json]:
        config: dict[str, Json] = self.section.model_dump(mode="json", exclude={"name"})
        return config | {"task": self.task, "max_length": self.max_length} if self._reads_texts else config

    @property
    def _reads_texts(self) -> bool:
        return bool(self.section.calibration_examples or self.section.control)

    def run(self, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
        from compressor.deploy.quantize import quantize

        source, data = inputs["export"].folder, inputs.get("data")
        facts = quantize(
            self.section,
            source=source,
            out=out,
            events=events,
            calibration=self._calibration(data),
            validation=self._validation(data, source),
        )
        if "control" in facts:
            write_findings([control_finding(self.section, facts["control"])], out)
        return facts

    def _calibration(self, data: Artifact | None) -> Calibration | None:
        from compressor.deploy.calibration import Calibration

        if data is None or not self.section.calibration_examples:
            return None
        examples = training_examples(data, self.task, self.section.calibration_examples)
        return Calibration(examples, self.max_length, self.task)

    def _validation(self, data: Artifact | None, source: Path) -> Validation | None:
        from compressor.data import load_output_names
        from compressor.deploy.validation import Validation
        from compressor.runtime.options import read_options
        from compressor.runtime.tasks import Settings
        from compressor.tasks import get_task

        if data is None or self.section.control is None:
            return None
        examples, targets = evaluation_examples(data, "validation", self.task)
        if not examples:
            raise StageError(
                "There are no validation texts by which quantize.control could choose.",
                hint="Leave `control` out, or set data.split.validation.",
            )
        labels = load_output_names(data.folder, get_task(self.task)) if task_spec(self.task).named_outputs else ()
        settings = Settings(tuple(labels), read_options(source))
        return Validation(examples, targets, self.task, self.max_length, settings)
