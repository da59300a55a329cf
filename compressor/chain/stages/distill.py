"""Train the student on labels and teacher outputs. The baseline is the same stage without a teacher."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from compressor.chain.findings import write_findings
from compressor.chain.models import TRAINING_LIBRARIES
from compressor.chain.rounding_finding import rounding_finding
from compressor.chain.stages.augment import COPIED_BY_WEIGHT
from compressor.chain.stages.balance import weights_file
from compressor.chain.stages.select import CHOSEN
from compressor.distill.privacy import assert_privacy
from compressor.distill.trackers import assert_trackers
from compressor.engine.artifact import Artifact
from compressor.engine.key import Json
from compressor.engine.stage import Stage
from compressor.events import Events
from compressor.processes import lead
from compressor.recipe.distill import OBJECTIVES, DistillSection, PhaseSection
from compressor.recipe.privacy import PrivacySection
from compressor.recipe.quantize import QUANTIZERS, QuantizeSection
from compressor.tasks import get_task

if TYPE_CHECKING:
    from compressor.distill.transfer_set import TransferSet

__all__ = ["Distill"]


@dataclass(frozen=True, kw_only=True)
class Distill(Stage):
    """Writes `model/`, and `findings.json` where it was trained for a variant.

    Inputs: `data`; `balance`, the weights of its texts, where they have some; `student`, what training starts from;
    `teacher` and `outputs` where an objective asks the teacher; `tokenizer` in place of `teacher` where that is no
    single model, one with the tokens that its outputs are of; for further texts `texts/NAME`, `outputs/NAME` and, where
    some of them were chosen, `chosen/NAME`.
    """

    kind = "distill"
    resumable = True

    task: str
    section: PhaseSection
    variant: QuantizeSection | None = None
    """The one that `section.quantization_aware` names."""
    max_length: int
    seed: int
    more: tuple[str, ...] = ()
    """Names of the further texts that it trains on."""
    trust_student_code: bool = False
    trust_teacher_code: bool = False

    @property
    def libraries(self) -> tuple[str, ...]:  # type: ignore[override]  # a package may bring an objective
        packages = OBJECTIVES.packages(*(objective.kind for objective in self.section.objectives))
        rounding = QUANTIZERS.packages(self.variant.method) if self.variant else ()
        private = ("opacus",) if self._privacy else ()
        return (*TRAINING_LIBRARIES, *packages, *rounding, *private)

    @property
    def config(self) -> dict[str, Json]:
        # What a variant is called, and which of its weights are kept in float afterwards, changes no training.
        rounding = (
            {"rounding": self.variant.model_dump(mode="json", exclude={"name", "control"})} if self.variant else {}
        )
        left_out = {"baseline", "track", "phases", "quantization_aware"}
        return {
            "task": self.task,
            "distill": self.section.model_dump(mode="json", exclude=left_out),
            "max_length": self.max_length,
            "seed": self.seed,
            **rounding,
        }

    def fetch(self, events: Events) -> dict[str, Path]:
        assert_trackers(self.section.track)
        assert_privacy(self._privacy)
        return super().fetch(events)

    @property
    def _privacy(self) -> PrivacySection | None:
        return self.section.privacy if isinstance(self.section, DistillSection) else None

    @property
    def distributed(self) -> bool:
        return True

    def run(self, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
        from compressor.distill.distill import distill

        name = re.sub(r"/(\d+)$", r", phase \1", self.name.replace(self.kind, "student"))
        facts = distill(
            self.section,
            task=get_task(self.task),
            student_folder=inputs["student"].folder / "model",
            transfer_set=self._transfer_set(inputs),
            teacher_folder=inputs["teacher"].folder / "model" if "teacher" in inputs else None,
            tokenizer_folder=inputs["tokenizer"].folder / "model" if "tokenizer" in inputs else None,
            max_length=self.max_length,
            seed=self.seed,
            out=out,
            events=events,
            trust_student_code=self.trust_student_code,
            trust_teacher_code=self.trust_teacher_code,
            teacher_metrics=inputs["outputs"].facts.get("validation", {}) if "outputs" in inputs else {},
            name=name,
            variant=self.variant,
        )
        if "quantization_aware" in facts:
            lead(write_findings, [rounding_finding(name, facts)], out)
        return facts

    def _transfer_set(self, inputs: Mapping[str, Artifact]) -> TransferSet:
        from compressor.distill.transfer_set import TextSource, TransferSet

        folders = {role: artifact.folder for role, artifact in inputs.items()}
        return TransferSet(
            folders["data"],
            folders.get("outputs"),
            tuple(
                TextSource(
                    name,
                    folders[f"texts/{name}"],
                    folders.get(f"outputs/{name}"),
                    folders[f"chosen/{name}"] / CHOSEN if f"chosen/{name}" in folders else None,
                    inherits_weights=COPIED_BY_WEIGHT not in inputs[f"texts/{name}"].facts,
                )
                for name in self.more
            ),
            weights_file(inputs),
        )
