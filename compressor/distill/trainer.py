"""The Trainer of `transformers`, with an order that survives a resume and each objective in its log."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.optim import Optimizer
from torch.utils.data import Sampler, SequentialSampler
from transformers import Trainer, TrainingArguments
from transformers.trainer_pt_utils import get_length_grouped_indices

from compressor.distill.average import Averaging, WeightAverage
from compressor.distill.callbacks import StepClock
from compressor.distill.distiller import Distiller
from compressor.distill.optimizer import layer_groups
from compressor.errors import TrainingDiverged

if TYPE_CHECKING:
    from datasets import Dataset

__all__ = ["DistillationTrainer", "EpochOrder"]


class DistillationTrainer(Trainer):  # type: ignore[misc]  # transformers is untyped to mypy
    """The Trainer, with a data order that survives a resume, a stop before NaN is learned, and more in its log.

    Each training entry of the log gains the means of the objectives, and the `samples` and `seconds` of the steps
    since the entry before, without evaluations and checkpoints.

    With an `average`, what is validated and what checkpoints hold as the model are the averaged weights of the student.
    """

    def __init__(
        self,
        model: Distiller,
        args: TrainingArguments,
        *,
        what: str,
        lengths: Any,
        together: int = 1,
        layer_decay: float | None = None,
        average: float | None = None,
        **others: Any,
    ) -> None:
        super().__init__(model, args, **others)
        self.average = None if average is None else WeightAverage(model.student, average)
        self.what = what
        self.lengths = lengths
        self.together = together
        self.layer_decay = layer_decay
        self.samples = 0
        self.clock = StepClock()
        self.add_callback(self.clock)
        if self.average is not None:
            self.add_callback(Averaging(self.average))

    def train(self, *args: Any, **kwargs: Any) -> Any:
        found = super().train(*args, **kwargs)
        self.average = None  # the best weights were read, and those were averaged
        return found

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        with self._averaged():
            super().save_model(output_dir, _internal_call)
        if self.average is not None and output_dir is not None:
            self.average.save(Path(output_dir))

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        if self.average is not None:
            self.average.resume(Path(resume_from_checkpoint))

    def _averaged(self) -> Any:
        return nullcontext() if self.average is None else self.average.in_place()

    def _get_train_sampler(self, train_dataset: Dataset | None = None) -> Sampler[int]:
        return EpochOrder(
            len(self.train_dataset),
            None if self.lengths is None else list(self.lengths),
            self.args.train_batch_size * self.args.gradient_accumulation_steps,
            self.args.seed,
            self.together,
        )

    def _get_eval_sampler(self, eval_dataset: Dataset) -> Sampler[int] | None:
        sampler: Sampler[int] | None = (
            SequentialSampler(eval_dataset) if self.together > 1 else super()._get_eval_sampler(eval_dataset)
        )
        return sampler

    def create_optimizer(self, model: Any = None) -> Optimizer:
        if self.layer_decay is not None and getattr(self, "optimizer", None) is None:
            decayed = set(self.get_decay_parameter_names(self.model))
            groups = layer_groups(
                [(name, one, name in decayed) for name, one in self.model.named_parameters() if one.requires_grad],
                learning_rate=self.args.learning_rate,
                layer_decay=self.layer_decay,
                weight_decay=self.args.weight_decay,
            )
            kind, settings = self.get_optimizer_cls_and_kwargs(self.args)
            self.optimizer = kind(groups, **settings)
        optimizer: Optimizer = super().create_optimizer(model)
        return optimizer

    def get_batch_samples(self, *args: Any, **kwargs: Any) -> Any:
        self.clock.start()
        return super().get_batch_samples(*args, **kwargs)

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> torch.Tensor:
        self.model.progress = self.state.global_step / self.state.max_steps
        loss: torch.Tensor = super().training_step(model, inputs, num_items_in_batch)
        gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        for name, value in (("loss", loss), ("gradient", norm)):
            if not torch.isfinite(value):
                raise self._diverged(f"the {name} became {value.item()}", self.state.global_step + 1)
        self.samples += len(inputs["input_ids"])
        return loss

    def evaluation_loop(self, *args: Any, **kwargs: Any) -> Any:
        # `gather_for_metrics` cuts the last batch's outputs to its number of texts, and a tagger has one a word. It is
        # for several processes, whose last batches are filled up with copies; this is one.
        self.gather_function = self.accelerator.gather
        with self._averaged():
            return super().evaluation_loop(*args, **kwargs)

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        metrics: dict[str, float] = super().evaluate(*args, **kwargs)
        if not math.isfinite(metrics["eval_loss"]):
            raise self._diverged(f"the validation loss became {metrics['eval_loss']}", self.state.global_step)
        return metrics

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        if "loss" in logs:
            seconds = self.clock.read_and_reset()
            logs |= {"objectives": self.model.means(), "samples": self.samples, "seconds": seconds}
            self.model.forget()
            self.samples = 0
        super().log(logs, start_time)

    def _diverged(self, what: str, step: int) -> TrainingDiverged:
        return TrainingDiverged(
            f"{self.what}: {what} at step {step} of {self.state.max_steps}.",
            step=step,
            hint=f"Lower its learning_rate (it is {self.args.learning_rate:g}), or raise its warmup.",
        )


class EpochOrder(Sampler[int]):
    """The order of the training examples, made of the seed and the epoch alone: a resumed epoch has the same."""

    def __init__(self, size: int, lengths: list[int] | None, batch: int, seed: int, together: int = 1) -> None:
        """`together`: how many rows, one behind the other, stay so."""
        self.size = size
        self.together = together
        self.lengths = lengths
        self.batch = batch
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the Trainer's data loader before each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        rows = self.together
        if self.lengths is None:
            order = torch.randperm(self.size // rows, generator=generator).tolist()
        else:
            lengths = [max(self.lengths[start : start + rows]) for start in range(0, self.size, rows)]
            order = get_length_grouped_indices(lengths, max(1, self.batch // rows), generator=generator)
        return (rows * place + row for place in order for row in range(rows))
