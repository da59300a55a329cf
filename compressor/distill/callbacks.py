"""What happens beside the Trainer's loop: when to evaluate, and telling how far it is."""

from __future__ import annotations

import time
from typing import Any

from transformers import EarlyStoppingCallback, TrainerCallback

from compressor.distill.course import is_guess
from compressor.distill.distiller import Distiller
from compressor.events import Events
from compressor.processes import lead
from compressor.recipe.training import FEWEST_STEPS

__all__ = ["EarlyStopping", "EvaluationsWithinEpoch", "Guessing", "Progress", "StepClock"]


class EarlyStopping(EarlyStoppingCallback):  # type: ignore[misc]  # transformers is untyped to mypy
    """Ends a training after so many validations without a better score; those before `first_step` don't count.

    At the pace of small data the first epochs hold a few steps each, and a score that doesn't move yet says nothing.
    """

    # Names and state are those of the Trainer, which makes this anew from them on a resume.
    def __init__(
        self, early_stopping_patience: int = 1, early_stopping_threshold: float = 0.0, first_step: int = 0
    ) -> None:
        super().__init__(early_stopping_patience, early_stopping_threshold)
        self.first_step = first_step

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: dict[str, float], **kwargs: Any) -> None:
        if state.global_step >= self.first_step:
            super().on_evaluate(args, state, control, metrics, **kwargs)

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        kept: dict[str, Any] = super().state()
        return {**kept, "args": {**kept["args"], "first_step": self.first_step}}


class Guessing(TrainerCallback):  # type: ignore[misc]  # transformers is untyped to mypy
    """Says once, while there is time to stop, that the loss is still that of a guess after `FEWEST_STEPS` steps."""

    def __init__(self, what: str, guess: float | None, events: Events) -> None:
        self.what = what
        self.guess = guess
        self.events = events
        self.said = False

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: dict[str, float], **kwargs: Any) -> None:
        begun = FEWEST_STEPS <= state.global_step < state.max_steps
        if begun and not self.said and is_guess(metrics["eval_loss"], self.guess):
            self.said = True
            self.events.warn(
                f"{self.what}: after {state.global_step} of {state.max_steps} steps the loss on validation is "
                f"{metrics['eval_loss']:.3f}, still that of a guess ({self.guess:.3f}). If it stays there, change "
                "learning_rate, and look whether labels fit their texts."
            )


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

    def __init__(self, distiller: Distiller, what: str, events: Events) -> None:
        self.distiller = distiller
        self.what = what
        self.events = events
        self.score = ""
        self.evaluated = 0

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.evaluated = 0
        detail = f"loss {self.distiller.mean_loss():.4f}{self.score}"
        self.events.progress(f"{self.what}: training", state.global_step, state.max_steps, detail)

    def on_prediction_step(self, args: Any, state: Any, control: Any, eval_dataloader: Any, **kwargs: Any) -> None:
        self.evaluated += 1
        self.events.progress(f"{self.what}: validation", self.evaluated, len(eval_dataloader))

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: dict[str, float], **kwargs: Any) -> None:
        self.evaluated = 0
        metric = args.metric_for_best_model
        self.score = f", {metric.replace('_', ' ')} {metrics[f'eval_{metric}']:.4f}"
        found = {name.removeprefix("eval_"): value for name, value in metrics.items() if name.startswith("eval_")}
        lead(self.events.validated, self.what, state.epoch, found)  # it may end the training: for all
