"""The Trainer of `transformers`, with an order that survives a resume and each objective in its log."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from contextlib import nullcontext
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.utils import parametrize
from torch.optim import Optimizer
from torch.utils.data import DataLoader, Sampler, SequentialSampler
from transformers import EvalPrediction, Trainer, TrainingArguments, set_seed
from transformers.trainer_pt_utils import nested_concat, nested_numpify
from transformers.trainer_utils import EvalLoopOutput

from compressor.distill.average import Averaging, WeightAverage
from compressor.distill.batches import EpochOrder, PartOfEachBatch, WholeBatches, loader
from compressor.distill.callbacks import StepClock
from compressor.distill.distiller import Distiller
from compressor.distill.optimizer import layer_groups
from compressor.errors import LossCourse, TrainingDiverged
from compressor.processes import gather, lead, rank, size, total

if TYPE_CHECKING:
    from datasets import Dataset

__all__ = ["DistillationTrainer"]

LAST_STEPS = 30
"""So many steps' losses are held, to be told where a training breaks off."""


class DistillationTrainer(Trainer):  # type: ignore[misc]  # transformers is untyped to mypy
    """The Trainer, with a data order that survives a resume, a stop before NaN is learned, and more in its log.

    Several processes take each step together, on the batch that one would take: each computes a part of it. They
    validate together too, and what they decide by (losses, metrics) is the same number in each.

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
        weights: Any = None,
        layer_decay: float | None = None,
        average: float | None = None,
        **others: Any,
    ) -> None:
        super().__init__(model, args, **others)
        self.average = None if average is None else WeightAverage(model.student, average)
        self.what = what
        self.lengths = lengths
        self.together = together
        self.weights = weights
        self.layer_decay = layer_decay
        self.samples = 0
        self.step_loss = 0.0
        self.last_losses: deque[tuple[int, float]] = deque(maxlen=LAST_STEPS)
        self.clock = StepClock()
        self.add_callback(self.clock)
        if rank() > 0:
            set_seed(args.seed + rank())  # other dropout for other texts
        if self.average is not None:
            self.add_callback(Averaging(self.average))

    def train(self, *args: Any, **kwargs: Any) -> Any:
        found = super().train(*args, **kwargs)
        self.average = None  # the best weights were read, and those were averaged
        return found

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        with self._averaged():
            super().save_model(output_dir, _internal_call)
        if self.average is not None and output_dir is not None and self.args.should_save:
            self.average.save(Path(output_dir))

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        if self.average is not None:
            self.average.resume(Path(resume_from_checkpoint))

    def _averaged(self) -> Any:
        return nullcontext() if self.average is None else self.average.in_place()

    def get_train_dataloader(self) -> DataLoader[Any]:
        order = EpochOrder(
            len(self.train_dataset),
            self.lengths,
            self.args.train_batch_size * self.args.gradient_accumulation_steps,
            self.args.seed,
            self.together,
            self.weights,
        )
        return self._load(
            self.train_dataset, PartOfEachBatch(order, self.args.train_batch_size, rank=rank(), size=size())
        )

    def get_eval_dataloader(self, eval_dataset: Dataset | None = None) -> DataLoader[Any]:
        return self.get_test_dataloader(self.eval_dataset if eval_dataset is None else eval_dataset)

    def get_test_dataloader(self, test_dataset: Dataset) -> DataLoader[Any]:
        order: Sampler[int] = (
            SequentialSampler(test_dataset) if self.together > 1 else self._get_eval_sampler(test_dataset)
        )
        return self._load(test_dataset, WholeBatches(order, self.args.eval_batch_size, rank=rank(), size=size()))

    def _load(self, dataset: Dataset, batches: PartOfEachBatch | WholeBatches) -> DataLoader[Any]:
        found: DataLoader[Any] = loader(
            dataset, batches, self.data_collator, self.args.device, pin_memory=self.args.dataloader_pin_memory
        )
        return found

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

    def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **others: Any) -> Any:
        found = super().compute_loss(model, inputs, return_outputs, **others)
        if return_outputs:
            return found
        # Gradients become the mean over the processes; parts of a batch need not be of one size.
        rows = len(inputs["input_ids"])
        summed, everyone = total([rows * found.item(), rows])
        self.step_loss = summed / everyone
        return found * (rows * size() / everyone)

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> torch.Tensor:
        self.model.progress = self.state.global_step / self.state.max_steps
        loss = self.learn(model, inputs, num_items_in_batch)
        self.last_losses.append((self.state.global_step + 1, self.step_loss))
        if not math.isfinite(self.step_loss):
            raise self._diverged(f"the loss became {self.step_loss}", self.state.global_step + 1)
        if self.accelerator.sync_gradients:  # else those of other processes aren't in them yet
            norm = torch.nn.utils.get_total_norm(self.gradients(model))
            if not torch.isfinite(norm) and not self._leaves_out_step():
                raise self._diverged(f"the gradient became {norm.item()}", self.state.global_step + 1)
        return loss

    def learn(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> torch.Tensor:
        """Add the gradient of a batch to those of the step; returns its part of the step's loss."""
        loss: torch.Tensor = super().training_step(model, inputs, num_items_in_batch)
        self.samples += len(inputs["input_ids"])
        return loss

    def gradients(self, model: Any) -> list[torch.Tensor]:
        """Those of the step, once all its batches are in them."""
        return [parameter.grad for parameter in model.parameters() if parameter.grad is not None]

    def _leaves_out_step(self) -> bool:
        """Whether gradients that aren't finite are no fault: in fp16 the loss is scaled up, and where that is too much
        the step is left out and the scale halved. At 1 and below, it is the gradient itself."""
        scaler = self.accelerator.scaler
        return scaler is not None and bool(scaler.get_scale() > 1)

    def evaluation_loop(
        self, dataloader: DataLoader[Any], description: str, *_: Any, metric_key_prefix: str = "eval", **__: Any
    ) -> EvalLoopOutput:
        """Each process predicts its batches. Only the first gets the predictions of all, and finds the metrics."""
        # Weights don't change in here: where they are rounded, once is enough.
        with self._averaged(), parametrize.cached():
            own = self._predicted(dataloader)
        predicted = _joined(gather(own))

        def metrics() -> dict[str, float]:
            found = {"loss": float(np.mean(predicted.losses)), **self.compute_metrics(predicted)}
            return {f"{metric_key_prefix}_{name}": float(value) for name, value in found.items()}

        rows = len(dataloader.dataset)  # type: ignore[arg-type]  # a data set of rows
        return EvalLoopOutput(predicted.predictions, predicted.label_ids, lead(metrics), rows)

    def _predicted(self, dataloader: DataLoader[Any]) -> list[tuple[float, Any, Any]]:
        """Of each batch of this process the loss, the outputs and the numbers of the rows."""
        model = self.model
        if not self.accelerator._models:  # not trained yet
            model = self.accelerator.prepare_model(model, evaluation_mode=True)
        model.eval()
        self.callback_handler.eval_dataloader = dataloader
        found = []
        for batch in dataloader:
            loss, outputs, rows = self.prediction_step(model, batch, prediction_loss_only=False)
            found.append((loss.item(), nested_numpify(outputs), nested_numpify(rows)))
            self.callback_handler.on_prediction_step(self.args, self.state, self.control)
        return found

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        metrics: dict[str, float] = super().evaluate(*args, **kwargs)
        if not math.isfinite(metrics["eval_loss"]):
            raise self._diverged(f"the validation loss became {metrics['eval_loss']}", self.state.global_step)
        return metrics

    def log(self, logs: dict[str, Any], start_time: float | None = None) -> None:
        if "loss" in logs:
            means, seconds = self.model.means(), self.clock.read_and_reset()
            samples, *sums = total([self.samples, *means.values()])
            objectives = {name: summed / size() for name, summed in zip(means, sums, strict=True)}
            logs |= {"objectives": objectives, "samples": round(samples), "seconds": seconds}
            self.model.forget()
            self.samples = 0
        super().log(logs, start_time)

    def _diverged(self, what: str, step: int) -> TrainingDiverged:
        return TrainingDiverged(
            f"{self.what}: {what} at step {step} of {self.state.max_steps}.",
            step=step,
            hint=f"Lower its learning_rate (it is {self.args.learning_rate:g}), or raise its warmup.",
            course=self._course(),
        )

    def _course(self) -> LossCourse:
        """The losses so far: means up to each validation, then those of the last steps."""
        log = self.state.log_history
        means = [(entry["step"], float(entry["loss"])) for entry in log if "loss" in entry]
        since = [(step, loss) for step, loss in self.last_losses if not means or step > means[-1][0]]
        judged = [(entry["step"], float(entry["eval_loss"])) for entry in log if "eval_loss" in entry]
        return LossCourse((*means, *since), tuple(judged))


def _joined(parts: Sequence[Sequence[tuple[float, Any, Any]]]) -> EvalPrediction:
    """What all processes predicted, in the order in which one would have; nothing where there are no parts."""
    if not parts:
        return EvalPrediction(None, None)
    batches = [parts[number % len(parts)][number // len(parts)] for number in range(sum(map(len, parts)))]
    losses, outputs, rows = zip(*batches, strict=True)
    return EvalPrediction(reduce(nested_concat, outputs), reduce(nested_concat, rows), losses=np.array(losses))
