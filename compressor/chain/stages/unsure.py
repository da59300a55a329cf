"""Choose how sure the variant that ships must be of an answer, by the validation split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from compressor.bench import Subject
from compressor.bench.asked import AskedModel
from compressor.bench.placement import Placement
from compressor.bench.statistics import bootstrap_mean
from compressor.chain.assemble import choose
from compressor.chain.examples import evaluation_examples
from compressor.chain.findings import write_findings
from compressor.chain.measurement import read_measurements
from compressor.chain.nodes import variants
from compressor.chain.stages.measure import Measure
from compressor.deploy.unsure import Certain, choose_threshold
from compressor.engine.artifact import Artifact
from compressor.engine.key import Json
from compressor.engine.stage import Stage
from compressor.errors import StageError
from compressor.evaluate.base import Answered, scores_of
from compressor.events import Events
from compressor.recipe.benchmark import Target
from compressor.recipe.bundle import UnsureSection
from compressor.recipe.recipe import Recipe
from compressor.report.content.unsure import unsure_finding, unsure_sentence

__all__ = ["ChooseUnsure"]


@dataclass(frozen=True, kw_only=True)
class ChooseUnsure(Stage):
    """Writes `findings.json`; its facts are what the manifest has under `unsure`, with intervals.

    Inputs: `data`; under their own names the measurements that the choice of a variant is made by, and every variant.
    What the threshold comes to on the test split is reported, and nothing is chosen by it.
    """

    kind = "unsure"
    libraries = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino", "numpy", "tokenizers")

    recipe: Recipe
    section: UnsureSection
    measures: tuple[Measure, ...]
    target: Target
    """Where the variants are compared: the shipped one is asked on its device."""
    max_length: int

    @property
    def config(self) -> dict[str, Json]:
        recipe, named = self.recipe, self.recipe.bundle.variant
        return {
            "task": recipe.task,
            "unsure": self.section.model_dump(mode="json"),
            "variant": named,
            # What the choice depends on besides the measurements.
            "gates": {} if named else recipe.gates.model_dump(mode="json", exclude={"audit"}),
            "device": self.target.device,
            "max_length": self.max_length,
            "seed": recipe.seed,
        }

    def run(self, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
        chosen = choose(self.recipe, read_measurements(inputs[stage.name] for stage in self.measures))
        node = next(node for node in variants(self.recipe) if node.name == chosen)
        subject = Subject(chosen, "onnxruntime", inputs[node.stage].folder, self.max_length, self.recipe.task)
        model = AskedModel(subject, Placement(self.target.device, self.target.threads))
        certain = {split: self._asked(model, inputs["data"], split, events) for split in ("validation", "test")}
        validation = certain["validation"]
        if validation is None:
            raise StageError("There are no labelled validation texts by which `bundle.unsure` could be chosen.")
        threshold = choose_threshold(validation, self.section)
        facts: dict[str, Json] = {
            "threshold": threshold,
            "promise": self.section.words,
            "variant": chosen,
            "splits": {name: _at(threshold, one, self.recipe.seed) for name, one in certain.items() if one},
        }
        (events.warn if threshold is None else events.note)(unsure_sentence(facts))
        write_findings([unsure_finding(facts)], out)
        return facts

    def _asked(self, model: AskedModel, data: Artifact, split: str, events: Events) -> Certain | None:
        """How sure the model is of a split, each text alone, as a bundle answers; None without right answers."""
        examples, targets = evaluation_examples(data, split, self.recipe.task)
        if not targets:
            return None
        events.note(f"{model.name} answers {len(examples):,} texts of {split}")
        labels = model.settings.labels
        scores = scores_of(Answered(model.name, model(examples)), labels)
        if scores is None:
            raise StageError("`bundle.unsure` takes answers with a probability for every label.")
        return Certain(scores.max(axis=1), scores.argmax(axis=1) == np.asarray(targets, dtype=np.int64))


def _at(threshold: float | None, found: Certain, seed: int) -> dict[str, Json]:
    """What comes of a threshold on a split, each share with its 95% interval; of none, that all is answered."""
    answered = found.answered(-np.inf if threshold is None else threshold)
    wrong = (~found.right)[answered].astype(np.float64)
    shares = {
        "answered": answered.astype(np.float64),
        "wrong": wrong,
        "wrong_of_all": (~found.right).astype(np.float64),
    }
    told: dict[str, Json] = {"n": len(answered)}
    for name, values in shares.items():
        interval = bootstrap_mean(values, seed=seed) if len(values) else None
        told[name] = float(values.mean()) if len(values) else None
        told[f"{name}_interval"] = [interval.low, interval.high] if interval else None
    return told
