"""Turn the student into one ONNX file that agrees with PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from compressor.chain.examples import evaluation_examples
from compressor.engine.artifact import Artifact
from compressor.engine.key import Json
from compressor.engine.stage import Stage
from compressor.events import Events
from compressor.recipe.export import ExportSection
from compressor.tasks import get_task

__all__ = ["Export"]

PARITY_EXAMPLES = 32


@dataclass(frozen=True, kw_only=True)
class Export(Stage):
    """Writes `model.onnx`, `config.json` and the tokenizer's files. Parity is checked on validation texts."""

    kind = "export"
    libraries = ("torch", "transformers", "onnx", "onnx-ir", "onnxscript", "onnxruntime")

    task: str
    section: ExportSection
    max_length: int
    trust_remote_code: bool = False

    @property
    def config(self) -> dict[str, Json]:
        return {"task": self.task, "export": self.section.model_dump(mode="json"), "max_length": self.max_length}

    def run(self, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
        from compressor.deploy.export import export

        examples, _ = evaluation_examples(inputs.get("data"), "validation", self.task, limit=PARITY_EXAMPLES)
        return export(
            self.section,
            task=get_task(self.task),
            model_folder=inputs["model"].folder / "model",
            examples=examples,
            max_length=self.max_length,
            out=out,
            events=events,
            trust_remote_code=self.trust_remote_code,
        )
