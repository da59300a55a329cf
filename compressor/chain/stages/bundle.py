"""Choose the variant that ships and put it into a folder with its tokenizer and its proof."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from compressor import __version__
from compressor.chain.assemble import assemble, choose
from compressor.chain.examples import evaluation_examples
from compressor.chain.labels import labels_of
from compressor.chain.measurement import read_measurements
from compressor.chain.models import hub_origins
from compressor.chain.nodes import teacher_model, variants
from compressor.chain.origins import Origins, make_build, stated_licenses
from compressor.engine.artifact import Artifact
from compressor.engine.key import Json, versions
from compressor.engine.stage import Stage
from compressor.events import Events
from compressor.recipe import dump_recipe
from compressor.recipe.recipe import Recipe
from compressor.report.model_card import model_card
from compressor.runtime.manifest import Unsure
from compressor.runtime.options import read_options
from compressor.runtime.session import extensions_library

__all__ = ["Bundle"]


@dataclass(frozen=True, kw_only=True)
class Bundle(Stage):
    """Writes `bundle/`. Reads every stage before it: the model card tells how the bundle was made.

    The golden texts come from the validation split.
    """

    kind = "bundle"
    # 2: the temperature is in the manifest and the model card; 3: provenance and licences;
    # 4: files for sentence-transformers; 5: what the audit found is on the card
    version = 5

    recipe: Recipe
    skipped: Mapping[str, str]
    max_length: int
    origins: Origins = field(default_factory=dict)
    """What the stages before it read from outside: they have it in their keys."""

    @property
    def config(self) -> dict[str, Json]:
        trackers: Any = {"teacher": {"finetune": {"track"}}, "distill": {"track"}}  # they change nothing
        recipe = self.recipe.alone.model_dump(mode="json", exclude=trackers)
        return {"recipe": recipe, "skipped": dict(self.skipped)}

    @property
    def libraries(self) -> tuple[str, ...]:  # type: ignore[override]  # one more where it is used
        extensions = ("onnxruntime-extensions",) if self.recipe.bundle.tokenizer_in_graph else ()
        return ("onnxruntime", "tokenizers", "numpy", "compressor", *extensions)

    def fetch(self, events: Events) -> dict[str, Path]:
        if self.recipe.bundle.tokenizer_in_graph:
            extensions_library()  # Not hours later.
        return super().fetch(events)

    def run(self, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
        from compressor.deploy.bundle import BundlePlan, bundle_files, write_bundle
        from compressor.deploy.clients import dtype_of

        chosen = choose(self.recipe, read_measurements(inputs.values()))
        report = assemble(
            self.recipe, dict(inputs), chosen=chosen, labels=labels_of(inputs, self.recipe.task), skipped=self.skipped
        )
        section, calibration = self.recipe.bundle, _calibration(self.recipe, inputs)
        made_with = versions(("torch", "transformers", "onnx", "onnxruntime", "tokenizers"))
        build = make_build(
            self.origins, inputs, made_with | versions(self.libraries), report.environment.get("git_revision")
        )
        examples, _ = evaluation_examples(inputs.get("prepare"), "validation", self.recipe.task, limit=section.golden)
        plan = BundlePlan(
            name=self.recipe.name,
            task=self.recipe.task,
            labels=report.labels,
            max_length=self.max_length,
            roles=tuple(examples[0]) if examples else (),
            options=read_options(inputs["export"].folder),
            variants={node.name: inputs[node.stage].folder for node in variants(self.recipe)},
            precisions=_precisions(self.recipe),
            chosen=report.chosen,
            calibration={"applied": True, **calibration} if calibration else {},
            unsure=_unsure(inputs),
            include=self.recipe.bundle.include,
            tokenizer_in_graph=self.recipe.bundle.tokenizer_in_graph,
            ort_format=[section.name for section in self.recipe.quantize if section.ort_format],
            examples=examples if section.examples else [],
            gates=tuple(asdict(gate) for gate in report.gates),
            passed=report.passed,
            planted=self.recipe.audit.canaries.count if self.recipe.audit and self.recipe.audit.canaries else 0,
            versions={"compressor": __version__, **made_with},
            recipe=dump_recipe(self.recipe),
            build=build,
        )
        file = bundle_files(plan)[report.chosen]
        card = model_card(
            report,
            license_name=section.license,
            file=file,
            dtype=dtype_of(file),
            calibration=calibration,
            unsure=inputs["unsure"].facts if "unsure" in inputs else None,
            licenses=stated_licenses(build),
            **hub_origins(self.recipe),
        )
        facts = write_bundle(plan, out / "bundle", card=card)
        return {"chosen": report.chosen, **facts}


def _calibration(recipe: Recipe, artifacts: Mapping[str, Artifact]) -> dict[str, Any]:
    """The temperature in the weights of the student, which are the teacher's where it is a copy that nothing trains."""
    made = teacher_model(recipe) if recipe.distill is None and recipe.student.copies_teacher else "distill"
    found = artifacts.get(made or "")
    return dict(found.facts.get("calibration", {})) if found else {}


def _unsure(artifacts: Mapping[str, Artifact]) -> Unsure | None:
    """What the manifest says of it: intervals are for the report."""
    if "unsure" not in artifacts:
        return None
    facts = artifacts["unsure"].facts
    splits = {name: {key: found[key] for key in ("n", "answered", "wrong")} for name, found in facts["splits"].items()}
    return Unsure(facts["threshold"], facts["promise"], facts["variant"], splits)


def _precisions(recipe: Recipe) -> dict[str, str]:
    """Variant -> what its weights are."""
    found = {section.name: section.precision for section in recipe.quantize}
    if recipe.cascade:
        found[recipe.cascade.name] = found.get(recipe.cascade.variant, "fp32")
    return found
