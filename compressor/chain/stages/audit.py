"""Ask the variant that ships more than the test split, beside the teacher and the student in PyTorch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compressor.bench import Subject
from compressor.bench.asked import AskedModel
from compressor.bench.placement import Placement
from compressor.chain.assemble import choose
from compressor.chain.examples import evaluation_examples, every_example, planted_texts, training_sample
from compressor.chain.findings import write_findings
from compressor.chain.measurement import read_measurements
from compressor.chain.nodes import ModelNode, variants
from compressor.chain.stages.measure import Measure
from compressor.engine.artifact import Artifact
from compressor.engine.key import Json
from compressor.engine.stage import Stage
from compressor.evaluate import EVALUATIONS, Inquiry, JudgedSplit, Texts, audit_findings, unchecked, unchecked_figures
from compressor.evaluate.membership import MOST
from compressor.evaluate.perturbations import PERTURBATIONS
from compressor.events import Events
from compressor.recipe.audit import AuditSection
from compressor.recipe.benchmark import Target
from compressor.recipe.data import DataSection
from compressor.recipe.recipe import Recipe
from compressor.report.blocks import Finding
from compressor.report.content.card_fields import audit_finding
from compressor.sources import Source, open_source
from compressor.task_specs import task_spec

__all__ = ["MADE", "AuditModel"]

MADE = "texts/"
"""Begins the roles of inputs that hold texts which only the teacher labelled."""


@dataclass(frozen=True, kw_only=True)
class AuditModel(Stage):
    """Writes `findings.json` with one finding, whose figures gates may ask for.

    Inputs: `test`, the prepared data, or with further columns; `train`, where there is a training split; `unsure`,
    where a threshold is chosen; `texts/augment`, `texts/generate` and the like, what the teacher labelled beside it;
    under their own names the measurements that the choice is made by, and every model that may be asked.
    """

    kind = "audit"

    recipe: Recipe
    section: AuditSection
    data: DataSection
    measures: tuple[Measure, ...]
    beside: tuple[ModelNode, ...]
    """Models in PyTorch to compare with; sentences are about the first."""
    target: Target
    """Where the variants are compared: models are asked on its device."""
    max_length: int

    @property
    def libraries(self) -> tuple[str, ...]:  # type: ignore[override]  # a package may bring an evaluation
        runtimes = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino", "torch", "transformers")
        brought = (*EVALUATIONS.packages(*EVALUATIONS.names), *PERTURBATIONS.packages(*PERTURBATIONS.names))
        return tuple(dict.fromkeys((*runtimes, "numpy", "scipy", "tokenizers", *brought)))

    @property
    def config(self) -> dict[str, Json]:
        recipe = self.recipe
        named = recipe.bundle.variant
        return {
            "task": recipe.task,
            "audit": self.section.model_dump(mode="json", exclude={"outside", "synonyms"}),
            "columns": self._text_columns if self.section.outside else {},
            "variant": named,
            # What the choice depends on besides the measurements; figures of the audit have no part in it.
            "gates": {} if named else recipe.gates.model_dump(mode="json", exclude={"audit"}),
            "beside": [node.name for node in self.beside],
            "device": self.target.device,
            "max_length": self.max_length,
            "seed": recipe.seed,
            "examples": recipe.bundle.examples,
            "evaluations": list(EVALUATIONS.names),
            "perturbations": list(PERTURBATIONS.names),
        }

    @property
    def sources(self) -> dict[str, Source]:
        named = {"outside": self.section.outside, "synonyms": self.section.synonyms}
        return {role: open_source(reference, kind="data") for role, reference in named.items() if reference}

    def fetch(self, events: Events) -> dict[str, Path]:
        from compressor.audit.synonyms import read_synonyms

        files = super().fetch(events)
        if "synonyms" in files:
            read_synonyms(files["synonyms"])  # Not after hours of training.
        return files

    def run(self, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
        from compressor.audit.split import judged_split

        chosen = choose(self.recipe, read_measurements(inputs[stage.name] for stage in self.measures))
        node = next(node for node in variants(self.recipe) if node.name == chosen)
        threshold = inputs["unsure"].facts["threshold"] if "unsure" in inputs else None
        models = [
            AskedModel(self._subject(one, inputs[one.stage]), Placement(target.device, target.threads), unsure=unsure)
            for one, target, unsure in (
                (node, self.target, threshold),
                *((other, self.target.reference, None) for other in self.beside),
            )
        ]
        test = Texts(*evaluation_examples(inputs["test"], "test", self.recipe.task))
        inquiry = self._inquiry(models[0], test, inputs, events)
        split = judged_split(models, test, inquiry, show_examples=self.recipe.bundle.examples, events=events)
        finding = _finding(split)
        write_findings([finding], out)
        return {"subject": chosen, "figures": dict(finding.figures), "unchecked": dict(unchecked_figures(split))}

    def _inquiry(self, model: AskedModel, test: Texts, inputs: Mapping[str, Artifact], events: Events) -> Inquiry:
        from compressor.audit.data import read_texts
        from compressor.audit.synonyms import read_synonyms
        from compressor.data import load_split
        from compressor.data.columns import SLICES

        names = self.section.columns
        kept = load_split(inputs["test"].folder, "test") if names else {}
        training = training_sample(inputs["train"], self.recipe.task, MOST) if self.section.membership else None
        files = self.fetch(events)
        file = files.get("outside")
        roles = tuple(test.examples[0]) if test.examples else None
        return Inquiry(
            columns={name: tuple(kept[f"{SLICES}{name}"]) for name in names},
            slices=self.section.slices,
            terms=self.section.terms,
            training=Texts(*training) if training else None,
            corpora=self._corpora(inputs),
            validation=evaluation_examples(inputs.get("train"), "validation", self.recipe.task)[0],
            canaries=planted_texts(inputs["train"]) if self.section.canaries else None,
            outside=read_texts(file, model, self._text_columns, labelled=False, roles=roles).texts if file else None,
            texts=self.section.texts,
            synonyms=read_synonyms(files["synonyms"]) if "synonyms" in files else {},
            attack=self.section.attack,
            attack_queries=self.section.attack_queries,
            seed=self.recipe.seed,
        )

    def _corpora(self, inputs: Mapping[str, Artifact]) -> dict[str, Iterator[dict[str, str]]]:
        """Every text that was trained on, the training split first."""
        from compressor.data.texts import TEXTS_FILE

        files = {"training split": inputs["train"].folder / "train.arrow"} if "train" in inputs else {}
        made = {role.removeprefix(MADE): inputs[role] for role in inputs if role.startswith(MADE)}
        files |= {name: artifact.folder / TEXTS_FILE for name, artifact in made.items()}
        return {name: every_example(file, self.recipe.task) for name, file in files.items()}

    @property
    def _text_columns(self) -> dict[str, Any]:
        """Role -> column of the texts, as the data call them; without a header they are called like their roles."""
        named = self.data.columns if self.data.header else {}
        return {role: named[role] for role in task_spec(self.recipe.task).text_roles if role in named}

    def _subject(self, node: ModelNode, model: Artifact) -> Subject:
        torch = node.engine == "torch"
        return Subject(
            name=node.name,
            engine="torch" if torch else "onnxruntime",
            folder=model.folder / "model" if torch else model.folder,
            max_length=self.max_length,
            task=self.recipe.task,
            trust_remote_code=self.recipe.trusts_teacher if node.role == "teacher" else self.recipe.trusts_student,
        )


def _finding(split: JudgedSplit) -> Finding:
    """Everything the audit found as one section of the report."""
    about = f"{' beside '.join(one.name for one in split.all_models)}, {len(split.examples):,} test texts."
    return audit_finding(about, audit_findings(split), unchecked(split))
