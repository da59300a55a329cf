"""What happens beside the Trainer's loop: when to evaluate, and telling how far it is."""

from __future__ import annotations

import time
from typing import Any

from transformers import TrainerCallback

from compressor.distill.distiller import Distiller
from compressor.events import Events

__all__ = ["EvaluationsWithinEpoch", "Progress", "StepClock"]


class EvaluationsWithinEpoch(TrainerCallback):  # type: ignore[misc]  # transformers is untyped to mypy
    """Evaluates, and saves a checkpoint, `count` times an epoch at even distances.

    The last of them is the end of the epoch, which the Trainer's own `eval_strategy="epoch"` takes care of. Its
    `eval_steps` would drift away from the ends of epochs.
    """

    def __init__(self, count: int, steps_per_epoch: int) -> None:
        self.count = count
        self.steps_per_epoch = steps_per_epoch

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        step, whole = state.global_step % self.steps_per_epoch, self.steps_per_epoch
        due = step * self.count // whole > (step - 1) * self.count // whole
        if step and due and state.global_step < state.max_steps:
            control.should_log = control.should_evaluate = control.should_save = True


class StepClock(TrainerCallback):  # type: ignore[misc]  # transformers is untyped to mypy
    """Adds up the seconds of training steps, from drawing their texts to the update of the weights.

    Evaluations and checkpoints come between steps, and so aren't in it.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.started = 0.0

    def start(self) -> None:
        """The next step's texts are about to be drawn; no event of the Trainer tells that."""
        self.started = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.seconds += time.perf_counter() - self.started

    def read_and_reset(self) -> float:
        """Seconds since the last time this was called."""
        seconds, self.seconds = self.seconds, 0.0
        return seconds


class Progress(TrainerCallback):  # type: ignore[misc]  # transformers is untyped to mypy
    """Tells `events` how far training and evaluation are, with the loss since the last evaluation and its score."""

    def __init__(self, distiller: Distiller, what: str, metric: str, events: Events) -> None:
        self.distiller = distiller
        self.what = what
        self.metric = metric
        self.events = events
        self.score = ""
        self.evaluated = 0

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        detail = f"loss {self.distiller.mean_loss():.4f}{self.score}"
        self.events.progress(f"{self.what}: training", state.global_step, state.max_steps, detail)

    def on_prediction_step(self, args: Any, state: Any, control: Any, eval_dataloader: Any, **kwargs: Any) -> None:
        self.evaluated += 1
        self.events.progress(f"{self.what}: validation", self.evaluated, len(eval_dataloader))

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: dict[str, float], **kwargs: Any) -> None:
        self.evaluated = 0
        self.score = f", {self.metric.replace('_', ' ')} {metrics[f'eval_{self.metric}']:.4f}"
