"""Put a faster student in front of the one that ships."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compressor.chain.examples import evaluation_examples
from compressor.engine.artifact import Artifact
from compressor.engine.key import Json
from compressor.engine.stage import Stage
from compressor.errors import StageError
from compressor.events import Events
from compressor.recipe.cascade import CascadeSection

if TYPE_CHECKING:
    from compressor.deploy.threshold import Answered

__all__ = ["Cascade"]

_PROMISES = (0.9, 0.95, 0.97, 0.98, 0.99, 0.995)
"""Agreements whose thresholds the report shows beside the chosen one."""
_ALL, _NONE = 0.0, 1.1
"""Thresholds at which the first student answers every text, and none."""


@dataclass(frozen=True, kw_only=True)
class Cascade(Stage):
    """Writes `model.onnx` with the same files beside it as the second student's export has.

    What other thresholds would bring is among its facts (`curve`); `chain/cascade_finding.py` adds what was measured.
    Inputs: `first` and `second`, an export or a quantized variant each; `data`. The threshold is chosen on the
    validation split; what it comes to on the test split is reported, and nothing is chosen by it.
    """

    kind = "cascade"
    version = 2  # 2: the curve of thresholds, with accuracy
    libraries = ("onnx", "onnx-ir", "onnxruntime", "numpy", "tokenizers")

    task: str
    section: CascadeSection
    max_length: int

    @property
    def config(self) -> dict[str, Json]:
        return {"task": self.task, "agreement": self.section.agreement, "max_length": self.max_length}

    def run(self, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
        from compressor.deploy import graph
        from compressor.deploy.cascade import join
        from compressor.deploy.smoke_test import smoke_test
        from compressor.deploy.threshold import choose_threshold

        first, second = inputs["first"].folder, inputs["second"].folder
        _refuse_unlike_tokenizers(first, second)
        found = {
            split: self._answered(first, second, inputs["data"], split, events) for split in ("validation", "test")
        }
        validation = found["validation"]
        if validation is None:
            raise StageError("There are no validation texts by which the threshold of a cascade could be chosen.")
        chosen = choose_threshold(validation, self.section.agreement)
        graph.copy_beside(second, out)
        joined = out / graph.MODEL_FILE
        operators = join(first / graph.MODEL_FILE, second / graph.MODEL_FILE, chosen.threshold, joined)
        tested = smoke_test(joined, reference=second / graph.MODEL_FILE)
        tested_on = {split: asdict(one.at(chosen.threshold)) for split, one in found.items() if one}
        events.note(
            f"The first student answers {chosen.share:.0%} of the validation texts, at a probability of "
            f"{chosen.threshold:.3f} or more; {chosen.agreement:.1%} are answered as by the second alone."
        )
        return {
            "threshold": chosen.threshold,
            "splits": tested_on,
            "curve": _curve(found, self.section.agreement),
            "size_mb": graph.size_mb(joined),
            "operators": operators,
            "smoke_test": tested,
        }

    def _answered(self, first: Path, second: Path, data: Artifact, split: str, events: Events) -> Answered | None:
        """What both students say of a split, one text at a time, as a bundle answers."""
        from compressor.deploy.threshold import answered, logits

        examples, labels = evaluation_examples(data, split, self.task)
        if not examples:
            return None
        quick, thorough = (
            logits(folder, examples, task=self.task, max_length=self.max_length, events=events)
            for folder in (first, second)
        )
        return answered(quick, thorough, labels)


def _refuse_unlike_tokenizers(first: Path, second: Path) -> None:
    """Raises StageError: a text isn't the same tokens for both."""
    if _tokens(first) != _tokens(second):
        raise StageError(
            "The students of a cascade read the same tokens, and their tokenizers differ.",
            hint="Give both recipes the same student.init, and the same builder `vocabulary` if one of them has it.",
        )


def _tokens(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    return {name: value for name, value in content.items() if name not in ("truncation", "padding")}


def _curve(found: Mapping[str, Answered | None], agreement: float) -> list[dict[str, Json]]:
    """What each promised agreement comes to on each split, from the first student alone to the second alone: its
    threshold is chosen by validation, as that of the recipe."""
    from compressor.deploy.threshold import choose_threshold

    validation = found["validation"]
    assert validation is not None
    promises = sorted({*_PROMISES, agreement})
    thresholds = [(one, choose_threshold(validation, one).threshold) for one in promises]
    return [
        {
            "agreement": promise,
            "threshold": threshold,
            "splits": {split: asdict(one.at(threshold)) for split, one in found.items() if one is not None},
        }
        for promise, threshold in ((None, _ALL), *thresholds, (None, _NONE))
    ]
