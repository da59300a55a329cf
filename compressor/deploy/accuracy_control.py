"""Accuracy control: which weights of a quantized model stay in float, so that its quality stays within a budget.

Two steps, as NNCF's `quantize_with_accuracy_control` takes them: how much of the error each weight's rounding makes,
with all others rounded; then the worst are left in float, one after another, until the budget holds.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compressor.deploy.named_weights import Weight, weights_of
from compressor.deploy.validation import Validation, error_of
from compressor.events import Events
from compressor.recipe.gates import holds
from compressor.recipe.quantize import ControlSection, QuantizeSection
from compressor.runtime.outputs import Outputs

if TYPE_CHECKING:
    from compressor.deploy.calibration import Calibration

__all__ = ["Step", "control"]


@dataclass(frozen=True)
class Step:
    """A file that was tried."""

    kept: tuple[str, ...]
    """Names of the weights that stayed in float."""
    size_mb: float
    quality: float
    """The metric on validation."""
    lost: float
    """How much worse that is than the graph before: in points for a share, else in the metric's own unit."""
    error: float
    """Of the outputs: root mean square as a share of their spread."""
    holds: bool
    """Whether it is within the budget."""


def control(
    section: QuantizeSection,
    *,
    source: Path,
    target: Path,
    calibration: Calibration | None,
    validation: Validation,
    events: Events,
) -> dict[str, Any]:
    """Write the first file within the budget, with the fewest weights in float; where none is, the one that loses least
    among those small enough.

    Returns the facts of the method, and `control`: the metric, its value before, whether the budget holds, the share of
    the error that each weight makes, and every step.

    Raises:
        StageError: nothing could be quantized, or nothing tells what is lost.
    """
    assert section.control is not None
    with tempfile.TemporaryDirectory(prefix="compressor-") as scratch:
        search = _Search(section, section.control, source, Path(scratch), calibration, validation, events)
        found = search.run()
        config = section.model_copy(update={"keep_float": [*section.keep_float, *found.chosen.kept]})
        facts = config.make(source, target, calibration, events)
    return {**facts, "control": found.facts()}


@dataclass(frozen=True)
class _Found:
    metric: str
    before: float
    steps: Sequence[Step]
    chosen: Step
    removes: dict[str, float]
    n: int

    def facts(self) -> dict[str, Any]:
        return {
            "metric": self.metric,
            "before": self.before,
            "met": self.chosen.holds,
            "n": self.n,
            "chosen": list(self.chosen.kept),
            "removes": self.removes,
            "steps": [asdict(step) for step in self.steps],
        }


class _Search:
    """One search: everything that files are made and judged with."""

    def __init__(
        self,
        section: QuantizeSection,
        budget: ControlSection,
        source: Path,
        scratch: Path,
        calibration: Calibration | None,
        validation: Validation,
        events: Events,
    ) -> None:
        import onnx

        self.section, self.budget, self.source, self.events = section, budget, source, events
        self.calibration = calibration
        self.file = scratch / "candidate.onnx"
        self.texts = validation.first(budget.examples)
        self.sample = validation.first(budget.sensitivity_examples)
        self.always = section.keep_float
        self.weights = weights_of(onnx.load(source, load_external_data=False))
        self.before = self._outputs(source, self.texts)
        self.metric, self.quality = self.texts.quality(self.before, self.before, source.parent)

    def run(self) -> _Found:
        steps = [self._step(())]
        removes: dict[str, float] = {}
        if not steps[0].holds:
            removes = self._sensitivities()
            order = sorted(removes, key=lambda name: self._worth(name, removes[name]), reverse=True)
            for count in _counts(len(order) - 1):  # With all in float it would be the graph before.
                steps.append(self._step(tuple(order[:count])))
                if steps[-1].holds or self._too_large(steps[-1]):
                    break
        chosen = next((step for step in steps if step.holds), None) or self._least_lost(steps)
        self._tell(chosen, len(steps))
        return _Found(self.metric.name, self.quality, steps, chosen, removes, len(self.texts.examples))

    def _sensitivities(self) -> dict[str, float]:
        """Name of each weight -> the share of the squared error that goes when it alone stays in float."""
        reference = self._outputs(self.source, self.sample)
        whole = self._error(self._made(()), reference) ** 2
        found: dict[str, float] = {}
        names = [weight.name for weight in self.weights if not self._stays(weight)]
        if len(names) < 2:
            return {}
        for number, name in enumerate(names, start=1):
            found[name] = 1 - self._error(self._made((name,)), reference) ** 2 / whole if whole else 0.0
            self.events.progress(f"quantize: {self.section.name}, sensitivity", number, len(names))
        return found

    def _worth(self, name: str, removes: float) -> float:
        """What leaving a weight in float brings; of each byte, where size has a bound."""
        elements = next(weight.elements for weight in self.weights if weight.name == name)
        return removes / max(elements, 1) if self.budget.size_mb is not None else removes

    def _step(self, kept: tuple[str, ...]) -> Step:
        file = self._made(kept)
        outputs = self._outputs(file, self.texts)
        _, quality = self.texts.quality(outputs, self.before, self.source.parent)
        worse = self.quality - quality if self.metric.higher_is_better else quality - self.quality
        lost = round(100 * worse if self.metric.unit == "share" else worse, 9)
        size_mb = file.stat().st_size / 1e6
        within = holds(self.budget.quality_lost, lost) and (
            self.budget.size_mb is None or holds(self.budget.size_mb, size_mb)
        )
        return Step(kept, round(size_mb, 3), quality, lost, error_of(outputs, self.before), within)

    def _made(self, kept: tuple[str, ...]) -> Path:
        """The file with these weights in float."""
        config = self.section.model_copy(update={"keep_float": [*self.always, *kept]})
        self.file.unlink(missing_ok=True)
        config.make(self.source, self.file, self.calibration, self.events)
        return self.file

    def _outputs(self, file: Path, texts: Validation) -> Outputs:
        return texts.outputs(file, self.source.parent)

    def _error(self, file: Path, reference: Outputs) -> float:
        return error_of(self._outputs(file, self.sample), reference)

    def _stays(self, weight: Weight) -> bool:
        return any(fnmatchcase(weight.name, pattern) for pattern in self.always)

    def _too_large(self, step: Step) -> bool:
        return self.budget.size_mb is not None and not holds(self.budget.size_mb, step.size_mb)

    def _least_lost(self, steps: Sequence[Step]) -> Step:
        small = [step for step in steps if not self._too_large(step)] or [steps[0]]
        return min(small, key=lambda step: (step.lost, step.size_mb))

    def _tell(self, chosen: Step, tried: int) -> None:
        unit = " points" if self.metric.unit == "share" else ""
        what = (
            f"{self.section.name}: {len(chosen.kept)} of {len(self.weights)} weights stay in float; on "
            f"{len(self.texts.examples)} validation texts {chosen.lost:+.3g}{unit} of {self.metric.title} are lost, in "
            f"{chosen.size_mb:.1f} MB ({tried} files tried)."
        )
        if chosen.holds:
            self.events.note(what)
        else:
            self.events.warn(f"No file keeps the budget of quantize.control. The best: {what}")


def _counts(most: int) -> Iterator[int]:
    """1, 2, 3, 4, 6, 8, 12 ...: how many weights are left in float, each time about a third or a half more."""
    count = 1
    while count < most:
        yield count
        count += max(1, 2 ** (count.bit_length() - 2))
    if most > 0:
        yield most
