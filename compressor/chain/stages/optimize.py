"""Choose the graph that ships, and that variants are made of, by measuring candidates on this machine."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compressor.bench import Subject, host_fingerprint
from compressor.chain.examples import evaluation_examples, training_examples
from compressor.chain.findings import write_findings
from compressor.chain.graph_choice import EXPORTED, GraphChoice, Workbench, choose_graph, without_control
from compressor.chain.graph_finding import graph_finding
from compressor.chain.stages.export import PARITY_EXAMPLES
from compressor.compare.fastest import Race
from compressor.compare.inputs import MAX_TEXTS, write_inputs
from compressor.compare.settings import Settings, assert_possible
from compressor.deploy.candidates import CANDIDATES
from compressor.engine.artifact import Artifact
from compressor.engine.key import Json
from compressor.engine.stage import Stage
from compressor.events import Events
from compressor.recipe.benchmark import Target
from compressor.recipe.export import ExportSection
from compressor.recipe.quantize import QUANTIZERS, QuantizeSection

if TYPE_CHECKING:
    from compressor.deploy.calibration import Calibration
    from compressor.deploy.tracer import Tracer

__all__ = ["Optimize"]


@dataclass(frozen=True, kw_only=True)
class Optimize(Stage):
    """Writes the same files as the stage `export`, `findings.json` with what was tried, and the raw times (`times/`).

    Inputs: `model`, the student; `export`, its graph, which stays unless a candidate is surely faster; `data` where the
    recipe has some, for texts.
    """

    kind = "optimize"

    task: str
    section: ExportSection
    variants: tuple[QuantizeSection, ...]
    """What will be made of the graph: it must be possible with each candidate."""
    timed: str
    """The variant whose time decides: the one that ships."""
    target: Target | None
    """Where it is timed; None where no target of the recipe is here, so that the exported graph stays."""
    shapes: tuple[str, ...]
    """`texts`, `1x128`."""
    max_length: int
    seed: int
    trust_remote_code: bool = False

    @property
    def libraries(self) -> tuple[str, ...]:  # type: ignore[override]  # packages may bring candidates and methods
        runtimes = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino")
        methods = QUANTIZERS.packages(*(section.method for section in self.variants))
        brought = sorted({*CANDIDATES.packages(*CANDIDATES.names), *methods})
        return ("torch", "transformers", "onnx", "onnx-ir", "onnxscript", *runtimes, "numpy", "tokenizers", *brought)

    @property
    def config(self) -> dict[str, Json]:
        return {
            "task": self.task,
            "export": self.section.model_dump(mode="json", include={"attention", "opset", "tolerance"}),
            "variants": [
                without_control(section).model_dump(mode="json", exclude={"ort_format"}) for section in self.variants
            ],
            "timed": self.timed,
            "candidates": list(CANDIDATES.names),
            "target": self.target and self.target.model_dump(mode="json", exclude={"required"}),
            "shapes": list(self.shapes),
            "max_length": self.max_length,
            "seed": self.seed,
        }

    @property
    def host(self) -> dict[str, str]:
        return host_fingerprint()

    def run(self, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
        from compressor.deploy import graph

        exported = inputs["export"]
        with tempfile.TemporaryDirectory(prefix="graphs-", dir=out) as scratch:
            found, chosen = GraphChoice(), exported.folder
            if self.target is not None:
                assert_possible(Settings(target=self.target))
                bench = self._workbench(inputs, Path(scratch), events)
                fed = self._fed(exported.folder, inputs.get("data"), Path(scratch))
                found = choose_graph(bench, Race(fed, self.target, self.seed, out / "times"))
                chosen = bench.folder(found.name)
            graph.copy_beside(chosen, out)
            shutil.copyfile(chosen / graph.MODEL_FILE, out / graph.MODEL_FILE)
        facts = self._facts(found, exported, out / graph.MODEL_FILE)
        write_findings([graph_finding(facts)], out)
        return facts

    def _workbench(self, inputs: Mapping[str, Artifact], scratch: Path, events: Events) -> Workbench:
        data = inputs.get("data")
        calibrations = {section.name: self._texts(data, section.calibration_examples) for section in self.variants}
        return Workbench(
            tracer=self._tracer(inputs, events),
            section=self.section,
            exported=inputs["export"].folder,
            variants=self.variants,
            calibrations=calibrations,
            timed=self.timed,
            scratch=scratch,
            events=events,
        )

    def _tracer(self, inputs: Mapping[str, Artifact], events: Events) -> Tracer:
        from compressor.deploy.tracer import Tracer
        from compressor.tasks import get_task
        from compressor.tasks.models.checkpoint import load_tokenizer

        task, trusted = get_task(self.task), self.trust_remote_code
        folder = inputs["model"].folder / "model"
        model = task.load_model(folder, None, new_head="never", trust_remote_code=trusted, events=events)
        examples, _ = evaluation_examples(inputs.get("data"), "validation", self.task, limit=PARITY_EXAMPLES)
        return Tracer(
            model,
            load_tokenizer(inputs["export"].folder, trusted),
            task,
            examples=examples,
            max_length=self.max_length,
            opset=self.section.opset,
            events=events,
        )

    def _texts(self, data: Artifact | None, count: int) -> Calibration | None:
        from compressor.deploy.calibration import Calibration

        if data is None or not count:
            return None
        return Calibration(training_examples(data, self.task, count), self.max_length, self.task)

    def _fed(self, exported: Path, data: Artifact | None, scratch: Path) -> dict[str, Path]:
        """Token ids of validation texts, or of test texts where there are no others; else of built-in sentences."""
        splits = (evaluation_examples(data, split, self.task, limit=MAX_TEXTS)[0] for split in ("validation", "test"))
        texts = next(filter(None, splits), [])
        subject = Subject(EXPORTED, "onnxruntime", exported, self.max_length, self.task)
        return {shape: write_inputs(shape, subject, texts, scratch / f"{shape}.npz") for shape in self.shapes}

    def _facts(self, found: GraphChoice, exported: Artifact, file: Path) -> dict[str, Any]:
        import onnx

        from compressor.deploy import graph

        operators = graph.operators(onnx.load(file))
        before = {
            "difference": exported.facts["parity"]["max_abs_difference"],
            "nodes": exported.facts["nodes"],
            "size_mb": exported.facts["size_mb"],
        }
        candidates = {
            built.name: asdict(built) | {"timed": [asdict(one) for one in found.timed.get(built.name, ())]}
            for built in found.built
        }
        return {
            "chosen": found.name,
            "timed": self.timed,
            "target": self.target.name if self.target else None,
            EXPORTED: before,
            "candidates": candidates,
            "nodes": sum(operators.values()),
            "operators": operators,
            "parameters": exported.facts["parameters"],
            "size_mb": graph.size_mb(file),
        }
