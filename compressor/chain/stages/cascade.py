"""Put a faster student in front of the one that ships."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compressor.chain.examples import evaluation_examples
from compressor.chain.findings import write_findings
from compressor.engine.artifact import Artifact
from compressor.engine.key import Json
from compressor.engine.stage import Stage
from compressor.errors import StageError
from compressor.events import Events
from compressor.recipe.cascade import CascadeSection
from compressor.report import format as fmt
from compressor.report.blocks import Finding, Prose, table

if TYPE_CHECKING:
    from compressor.deploy.threshold import Answered, Choice

__all__ = ["Cascade"]

_PROMISES = (0.9, 0.95, 0.97, 0.98, 0.99, 0.995)
"""Agreements whose thresholds the report shows beside the chosen one."""


@dataclass(frozen=True, kw_only=True)
class Cascade(Stage):
    """Writes `model.onnx` with the same files beside it as the second student's export has, and `findings.json`.

    Inputs: `first` and `second`, an export or a quantized variant each; `data`. The threshold is chosen on the
    validation split; what it comes to on the test split is reported, and nothing is chosen by it.
    """

    kind = "cascade"
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
        write_findings([_finding(found, chosen, self.section)], out)
        return {
            "threshold": chosen.threshold,
            "splits": tested_on,
            "size_mb": graph.size_mb(joined),
            "operators": operators,
            "smoke_test": tested,
        }

    def _answered(self, first: Path, second: Path, data: Artifact, split: str, events: Events) -> Answered | None:
        """What both students say of a split, one text at a time, as a bundle answers."""
        from compressor.deploy.threshold import answered, logits

        examples, _ = evaluation_examples(data, split, self.task)
        if not examples:
            return None
        said = [
            logits(folder, examples, task=self.task, max_length=self.max_length, events=events)
            for folder in (first, second)
        ]
        return answered(*said)


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


def _finding(found: Mapping[str, Answered | None], chosen: Choice, section: CascadeSection) -> Finding:
    from compressor.deploy.threshold import choose_threshold

    validation = found["validation"]
    assert validation is not None
    promises = sorted({*_PROMISES, section.agreement})
    choices = [(promise, choose_threshold(validation, promise)) for promise in promises]
    splits = {split: one for split, one in found.items() if one is not None}
    rows = [
        (
            f"{fmt.percent(promise)}{' (chosen)' if promise == section.agreement else ''}",
            f"{choice.threshold:.3f}",
            *(text for one in splits.values() for text in _shares(one.at(choice.threshold))),
        )
        for promise, choice in choices
    ]
    columns = [f"{what}, {split}" for split in splits for what in ("first answers", "as the second")]
    return Finding(
        "Cascade",
        (
            Prose(
                f"The first student answers by itself where its probability is at least {chosen.threshold:.3f}: "
                f"{fmt.percent(chosen.share)} of {chosen.n} validation texts, by which the threshold was chosen, so "
                f"that {fmt.percent(section.agreement)} are answered as by the second student alone. "
                "The mean of its latency tells what that saves, not the median."
            ),
            table(("agreement asked for", "threshold", *columns), rows),
        ),
    )


def _shares(choice: Choice) -> tuple[str, str]:
    return fmt.percent(choice.share), fmt.percent(choice.agreement)
