"""The end of a training that goes on until the expected performance is reached."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from compressor.recipe.gates import holds
from compressor.recipe.until import UntilSection
from compressor.task_specs import MetricSpec

__all__ = ["Goal", "unmet"]


class Goal(TrainerCallback):  # type: ignore[misc]  # transformers is untyped to mypy
    """Ends a training at the first validation that meets `until`."""

    def __init__(self, until: UntilSection, metric: MetricSpec, teacher: Mapping[str, float]) -> None:
        """
        Args:
            metric: the task's main one.
            teacher: the teacher's metrics on validation; empty without one.
        """
        self.until = until
        self.metric = metric
        self.teacher = teacher
        self.reached = False

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: dict[str, float], **kwargs: Any) -> None:
        student = {name.removeprefix("eval_"): value for name, value in metrics.items()}
        if not unmet(self.until, self.metric, student, self.teacher):
            self.reached = control.should_training_stop = True

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """The weights that reached it are the ones that count, also where others were better by the main metric."""
        if self.reached:
            state.best_global_step = state.global_step
            state.best_model_checkpoint = str(Path(args.output_dir) / f"checkpoint-{state.global_step}")

    def missed(self, student: Mapping[str, float]) -> str:
        """What to tell of a training that ended without reaching it."""
        lacks = "; ".join(unmet(self.until, self.metric, student, self.teacher))
        return (
            f"What `until` asks for was not reached: the best weights have {lacks}. Train longer (max_epochs, "
            "early_stopping), give the teacher more texts to label, or take a larger student."
        )


def unmet(
    until: UntilSection, metric: MetricSpec, student: Mapping[str, float], teacher: Mapping[str, float]
) -> list[str]:
    """What of `until` the student's metrics on validation don't meet, each as a phrase; none where all is reached."""
    return list(_unmet(until, metric, student, teacher))


def _unmet(
    until: UntilSection, metric: MetricSpec, student: Mapping[str, float], teacher: Mapping[str, float]
) -> Iterator[str]:
    if until.quality_retained is not None:
        mine, theirs = student[metric.name], teacher[metric.name]
        worse, better = (mine, theirs) if metric.higher_is_better else (theirs, mine)
        kept = worse / better if better else float("nan")  # NaN meets nothing
        if not holds(until.quality_retained, kept):
            yield f"{kept:.3f} of the teacher's {metric.title}, not {until.quality_retained}"
    for name, gate in until.metrics.items():
        if not holds(gate, student[name]):
            yield f"{name} {student[name]:.4f}, not {gate}"
