"""Look closer at what the variant that ships answered to the test split, beside the reference model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from compressor.bench.judged import judge
from compressor.chain.assemble import choose
from compressor.chain.examples import evaluation_examples
from compressor.chain.findings import write_findings
from compressor.chain.labels import labels_of
from compressor.chain.measurement import read_measurements
from compressor.chain.nodes import reference_node
from compressor.chain.stages.measure import Measure, read_test_outputs
from compressor.engine.artifact import Artifact
from compressor.engine.key import Json
from compressor.engine.stage import Stage
from compressor.evaluate import EVALUATIONS, Answered, JudgedSplit, evaluate
from compressor.events import Events
from compressor.recipe.recipe import Recipe
from compressor.report.blocks import Finding
from compressor.report.models import colours, model_name
from compressor.runtime.tasks import runtime_task
from compressor.task_specs import task_spec

__all__ = ["Evaluate"]


@dataclass(frozen=True, kw_only=True)
class Evaluate(Stage):
    """Writes `findings.json`.

    Inputs, under their own names: `prepare`, `export` (for the labels), the measurements and the models they are of.
    """

    kind = "evaluate"

    recipe: Recipe
    measures: tuple[Measure, ...]
    """Of the models among which one is chosen, and of those they compare with, on the deciding target."""

    @property
    def libraries(self) -> tuple[str, ...]:  # type: ignore[override]  # a package may bring an evaluation
        return ("numpy", "tokenizers", *EVALUATIONS.packages(*EVALUATIONS.names))

    @property
    def config(self) -> dict[str, Json]:
        # What the choice of the shipped variant depends on besides the measurements.
        recipe = self.recipe
        return {
            "task": recipe.task,
            "gates": recipe.gates.model_dump(mode="json", exclude={"audit"}),
            "variants": [
                *(section.name for section in recipe.quantize),
                *([recipe.cascade.name] if recipe.cascade else []),
            ],
            "variant": recipe.bundle.variant,
            "examples": recipe.bundle.examples,
            "evaluations": list(EVALUATIONS.names),
        }

    def run(self, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
        measurements = read_measurements(inputs[stage.name] for stage in self.measures)
        chosen = choose(self.recipe, measurements)
        examples, targets = evaluation_examples(inputs["prepare"], "test", self.recipe.task)
        colour = colours(measurements)

        def answered(name: str) -> Answered | None:
            """None where it is not among those measured, or turned out not to be measurable here."""
            stage = next((stage for stage in self.measures if stage.subject == name), None)
            outputs = read_test_outputs(inputs[stage.name]) if stage else None
            if stage is None or outputs is None:
                return None
            stored = stage.engine == "stored"
            # Of answers that are there, the bundle's tokenizer tells where in the text they are.
            subject = stage.described(inputs["export"] if stored else inputs[stage.inputs["model"]])
            judged = judge(subject, outputs, examples, targets)
            shown = next(model_name(found) for found in measurements if found.subject == name)
            return Answered(shown, judged, colour[name])

        findings: list[Finding] = []
        if model := answered(chosen):
            named = task_spec(self.recipe.task).named_outputs
            findings = evaluate(
                JudgedSplit(
                    task=runtime_task(self.recipe.task),
                    labels=tuple(labels_of(inputs, self.recipe.task)) if named else (),
                    examples=examples,
                    targets=targets,
                    model=model,
                    reference=answered(reference_node(self.recipe).name),
                    show_examples=self.recipe.bundle.examples,
                )
            )
        write_findings(findings, out)
        return {"subject": chosen, "findings": [finding.title for finding in findings]}
