"""Trainings of hopeless trials are ended early, by what they find on validation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from compressor.chain.plan import RecipePlan
from compressor.events import RunEvents
from compressor.recipe import Recipe
from compressor.study.storage import storage_explained
from compressor.study.trial import quality_metric
from compressor.study.watch import Watch

if TYPE_CHECKING:
    import optuna

__all__ = ["Pruned", "Pruning"]

STUDENT = "student"
"""How events call the training that is judged, in its last phase."""


class Pruned(Exception):  # named for what happened, like the errors
    """The trial is ended: others were better at this point. Never seen by users."""


class Pruning(Watch):
    """A listener that tells a trial how its training goes, and ends it where the trial should be pruned."""

    def __init__(self, listener: RunEvents, trial: optuna.Trial | None, task: str, storage: str) -> None:
        """`trial`: None where nothing is pruned; `storage`: where it is kept, for messages."""
        super().__init__({}, listener)
        self._storage = storage
        self._trial = trial
        self._task = task
        self._each_epoch = 1

    def follow(self, plan: RecipePlan, recipe: Recipe) -> None:
        """Before its stages run: what the trial will do."""
        self.keys = plan.keys
        self._each_epoch = recipe.distill.parts[-1].evaluations_per_epoch if recipe.distill else 1

    def validated(self, what: str, epoch: float, metrics: Mapping[str, float]) -> None:
        """Raises Pruned."""
        super().validated(what, epoch, metrics)
        if self._trial is None or what != STUDENT:
            return
        value = metrics[quality_metric(self._task, metrics).name]
        with storage_explained(self._storage):
            # Trials are compared at the same validation, whatever their batches.
            self._trial.report(value, step=round(epoch * self._each_epoch))
            hopeless = self._trial.should_prune()
        if hopeless:
            self.note(f"Trial {self._trial.number} is ended: others were better at this point.")
            raise Pruned
