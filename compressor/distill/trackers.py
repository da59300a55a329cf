"""Trackers of trainings: TensorBoard, MLflow and Weights & Biases, by the Trainer's own integrations.

They change nothing of what is trained, and nothing is sent unless the recipe names one.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from compressor.errors import MissingExtra
from compressor.recipe.training import Tracker

__all__ = ["FOLDER_VARIABLE", "assert_trackers", "tracker_callbacks"]

FOLDER_VARIABLE = "TENSORBOARD_LOGGING_DIR"
FOLDER = "tensorboard"
"""Where TensorBoard's files go, from the working directory, unless the environment says otherwise."""


def assert_trackers(trackers: Sequence[Tracker]) -> None:
    """Refuse what is not installed, before anything is trained.

    Raises:
        MissingExtra: naming the extra of the first tracker that is missing.
    """
    for tracker in trackers:
        if find_spec(tracker) is None:
            raise MissingExtra(f"track: [{tracker}]", tracker, tracker)


def tracker_callbacks(trackers: Sequence[Tracker], what: str) -> list[Any]:
    """Callbacks for the Trainer, in this order.

    Args:
        what: the name of the training, `teacher` for example: it begins the name of TensorBoard's folder.

    Raises:
        MissingExtra: a tracker isn't installed.
    """
    if not trackers:
        return []
    assert_trackers(trackers)
    opened = {"tensorboard": lambda: _tensorboard(what), "mlflow": _mlflow, "wandb": _wandb}
    return [_numbers_only(), *(opened[tracker]() for tracker in trackers)]


def _numbers_only() -> Any:
    """Trackers take numbers: the losses of the objectives become `objectives/soft-targets` and so on for them."""
    from transformers import TrainerCallback

    class NumbersOnly(TrainerCallback):  # type: ignore[misc]  # transformers is untyped to mypy
        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any], **kwargs: Any) -> None:
            objectives = logs.pop("objectives", {})
            logs |= {f"objectives/{name}": value for name, value in objectives.items()}

    return NumbersOnly()


def _tensorboard(what: str) -> Any:
    """In a folder of its own for every training: the Trainer would put it among the checkpoints, which are removed."""
    from torch.utils.tensorboard import SummaryWriter
    from transformers.integrations import TensorBoardCallback

    folder = Path(os.environ.get(FOLDER_VARIABLE, FOLDER))
    return TensorBoardCallback(SummaryWriter(log_dir=str(folder / f"{what}-{datetime.now(UTC):%Y%m%d-%H%M%S}")))


def _mlflow() -> Any:
    from transformers.integrations import MLflowCallback

    return MLflowCallback()


def _wandb() -> Any:
    from transformers.integrations import WandbCallback

    class OneRunATraining(WandbCallback):  # type: ignore[misc]  # transformers is untyped to mypy
        """Left open, the teacher's run would take in what the student logs."""

        def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            super().on_train_end(args, state, control, **kwargs)
            self._wandb.finish()

    return OneRunATraining()
