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
    """Writes `model.onnx` with the same files beside it as the export has, and `findings.json` where accuracy was
    controlled.

    Inputs: `export`; `data` where the recipe has some: its training texts calibrate the variant and show what 16 bits
    change, and by its validation texts `control` chooses.
    """

    kind = "quantize"
    version = 2  # 2: what 16 bits change

    task: str
    section: QuantizeSection
    max_length: int

    @property
    def libraries(self) -> tuple[str, ...]:  # type: ignore[override]  # a package may bring the method
        return ("onnx", "onnx-ir", "onnxruntime", "numpy", "tokenizers", *QUANTIZERS.packages(self.section.method))

    @property
    def config(self) -> dict[str, Json]:
        # What the bundle makes of the file changes nothing here.
        config: dict[str, Json] = self.section.model_dump(mode="json", exclude={"name", "ort_format"})
        return config | {"task": self.task, "max_length": self.max_length}

    def run(self, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
        from compressor.deploy.graph import MODEL_FILE
        from compressor.deploy.quantize import quantize
        from compressor.deploy.saturation import saturation

        source, data = inputs["export"].folder, inputs.get("data")
        facts = quantize(
            self.section,
            source=source,
            out=out,
            events=events,
            calibration=self._calibration(data),
            validation=self._validation(data, source) if data and self.section.control else None,
        )
        if "control" in facts:
            write_findings([control_finding(self.section, facts["control"])], out)
        found = saturation(out / MODEL_FILE, self._texts(data), events)
        return facts | ({"saturation": found} if found else {})

    def _calibration(self, data: Artifact | None) -> Calibration | None:
        if self.section.tries_texts:
            return self._texts(data)
        wanted = self.section.calibration_examples
        return self._training_texts(data, wanted) if data and wanted else None

    def _training_texts(self, data: Artifact, count: int) -> Calibration:
        from compressor.deploy.calibration import Calibration

        return Calibration(training_examples(data, self.task, count), self.max_length, self.task)

    def _texts(self, data: Artifact | None) -> Calibration:
        """To try the variant on: of the training split, else of a test set that is alone, else built-in sentences."""
        from compressor.deploy.calibration import Calibration
        from compressor.deploy.saturation import TEXTS

        if data is not None and evaluation_examples(data, "train", self.task, limit=1)[0]:
            return self._training_texts(data, TEXTS)
        examples, _ = evaluation_examples(data, "test", self.task, limit=TEXTS)
        if examples:
            return Calibration(examples, self.max_length, self.task)
        return Calibration.of_samples(self.max_length, self.task)

    def _validation(self, data: Artifact, source: Path) -> Validation:
        from compressor.data import load_output_names
        from compressor.deploy.validation import Validation
        from compressor.runtime.options import read_options
        from compressor.runtime.tasks import Settings
        from compressor.tasks import get_task

        examples, targets = evaluation_examples(data, "validation", self.task)
        if not examples:
            raise StageError(
                "There are no validation texts by which quantize.control could choose.",
                hint="Leave `control` out, or set data.split.validation.",
            )
        labels = load_output_names(data.folder, get_task(self.task)) if task_spec(self.task).named_outputs else ()
        settings = Settings(tuple(labels), read_options(source))
        return Validation(examples, targets, self.task, self.max_length, settings)
