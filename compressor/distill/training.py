"""One training run on `transformers.Trainer`: what fine-tuning a teacher and distilling a student share."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import Sampler, SequentialSampler
from transformers import Trainer, TrainingArguments
from transformers.trainer_callback import PrinterCallback
from transformers.trainer_pt_utils import get_length_grouped_indices

from compressor.data import load_output_names, load_split, tokenize_split
from compressor.disk import disk_full_explained
from compressor.distill.callbacks import EarlyStopping, EvaluationsWithinEpoch, Guessing, Progress, StepClock
from compressor.distill.checkpoints import newest_complete, step_of
from compressor.distill.course import concerns, course, loss_of_a_guess
from compressor.distill.device import (
    Device,
    Precision,
    choose_device,
    choose_precision,
    device_peak,
    reset_device_peak,
)
from compressor.distill.distiller import Distiller
from compressor.distill.trackers import tracker_callbacks
from compressor.distill.validation import Validation
from compressor.errors import TrainingDiverged
from compressor.events import Events
from compressor.recipe.training import FEWEST_STEPS, Schedule, TrainingSection
from compressor.runtime.options import write_options
from compressor.runtime.tasks.base import NO_OPTIONS
from compressor.tasks import quiet_transformers
from compressor.tasks.base import Task

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

__all__ = ["save_model", "train"]

_SCHEDULERS = {"linear": "linear", "cosine": "cosine", "constant": "constant_with_warmup"}


def train(
    distiller: Distiller,
    section: TrainingSection,
    *,
    what: str,
    task: Task,
    tokenizer: PreTrainedTokenizerBase,
    data: Path,
    max_length: int,
    seed: int,
    out: Path,
    events: Events,
    teacher_validation: Path | None = None,
) -> dict[str, Any]:
    """Train the distiller's student and write it to `out/model`, with the weights that scored best on validation.

    Checkpoints go to `out/checkpoints`. Where an interrupted run left some, training goes on from the newest complete
    one, with the order of the data, the dropout and the optimizer as if it had never stopped. They are removed when
    the model is written.

    `teacher_validation` is what `compute_outputs` wrote for the validation split, for metrics that compare with it.

    Returns facts for the report: history of evaluations, best epoch, steps, epochs, batch size, seconds, examples a
    second, device, its peak of memory, precision, and warnings: what of it should be looked at.

    Raises:
        TrainingDiverged: the loss or its gradient became NaN or infinite. Checkpoints stay where they are.
        DiskFull: a checkpoint couldn't be written. Those before it stay.
        MissingExtra: a tracker isn't installed.
    """
    device = choose_device(section.device)
    precision = choose_precision(section.precision, device)
    reset_device_peak(device)
    checkpoints, tokens = out / "checkpoints", out / "tokens"
    names = load_output_names(data, task)
    texts = {
        split: tokenize_split(
            load_split(data, split), task, tokenizer, max_length=max_length, cache=tokens, names=names
        )
        for split in ("train", "validation")
    }
    validation = Validation(
        task, tokenizer, data, texts["validation"], max_length=max_length, teacher=teacher_validation
    )
    schedule = section.schedule(len(texts["train"]))
    guess = loss_of_a_guess(task.spec, distiller.student.config.num_labels)
    first_step = min(FEWEST_STEPS, schedule.steps) if section.epochs == "auto" else 0
    with quiet_transformers(), disk_full_explained(out):
        trainer = _Trainer(
            distiller,
            _arguments(section, schedule, task, device, precision, seed, checkpoints, what),
            what=what,
            lengths=texts["train"]["length"] if section.group_by_length else None,
            together=task.rows_together(texts["train"]),
            train_dataset=texts["train"],
            eval_dataset=texts["validation"],
            data_collator=task.collator(tokenizer),
            processing_class=tokenizer,
            compute_metrics=validation.metrics,
            callbacks=[
                EvaluationsWithinEpoch(section.evaluations_per_epoch, schedule.steps_per_epoch),
                Progress(distiller, what, events),
                Guessing(what, guess, events),
                *([EarlyStopping(section.early_stopping, first_step=first_step)] if section.early_stopping else []),
                *tracker_callbacks(section.track, what),
            ],
        )
        trainer.remove_callback(PrinterCallback)
        if "labels" not in texts["validation"].column_names:
            _judge_by_what_there_is(trainer, task, texts["validation"])
        checkpoint = newest_complete(checkpoints, events)
        if checkpoint is not None:
            events.note(f"{what}: going on from {checkpoint.name}.")
        with task.training(distiller.student, texts["train"]):
            trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
        options = task.options(distiller.student)
        if validation.chooses:
            options |= validation.options(trainer.predict(texts["validation"]))
        save_model(distiller.student, tokenizer, out / "model", options)
    shutil.rmtree(checkpoints)
    shutil.rmtree(tokens)
    found = course(trainer)
    warnings = concerns(found, schedule, learning_rate=section.learning_rate, guess=guess)
    for warning in warnings:
        events.warn(f"{what}: {warning}")
    return {
        **found,
        "batch_size": schedule.batch_size,
        "warnings": warnings,
        "resumed_from_step": 0 if checkpoint is None else step_of(checkpoint),
        "device": device,
        "precision": precision,
        **device_peak(device),
        "parameters": distiller.student.num_parameters(),
    }


def save_model(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path, options: Mapping[str, Any] = NO_OPTIONS
) -> None:
    """Write a model folder: config.json, model.safetensors, tokenizer.json, tokenizer_config.json; and the options of
    answering where there are some."""
    with quiet_transformers(), disk_full_explained(folder):
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        write_options(options, folder)


def _judge_by_what_there_is(trainer: Trainer, task: Task, validation: Dataset) -> None:
    """Choose the best weights by the first metric that data without labels allows, or by the loss."""
    found = {name.removeprefix("test_") for name in trainer.predict(validation).metrics}
    metric = task.runtime.main_metric(found)
    trainer.args.metric_for_best_model = metric.name if metric else "loss"
    trainer.args.greater_is_better = metric is not None and metric.higher_is_better


class _Trainer(Trainer):  # type: ignore[misc]  # transformers is untyped to mypy
    """The Trainer, with a data order that survives a resume, a stop before NaN is learned, and more in its log.

    Each training entry of the log gains the means of the objectives, and the `samples` and `seconds` of the steps
    since the entry before, without evaluations and checkpoints.
    """

    def __init__(
        self, model: Distiller, args: TrainingArguments, *, what: str, lengths: Any, together: int = 1, **others: Any
    ) -> None:
        super().__init__(model, args, **others)
        self.what = what
        self.lengths = lengths
        self.together = together
        self.samples = 0
        self.clock = StepClock()
        self.add_callback(self.clock)

    def _get_train_sampler(self, train_dataset: Dataset | None = None) -> Sampler[int]:
        return _EpochOrder(
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

    def get_batch_samples(self, *args: Any, **kwargs: Any) -> Any:
        self.clock.start()
        return super().get_batch_samples(*args, **kwargs)

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> torch.Tensor:
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


class _EpochOrder(Sampler[int]):
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


def _arguments(
    section: TrainingSection,
    schedule: Schedule,
    task: Task,
    device: Device,
    precision: Precision,
    seed: int,
    checkpoints: Path,
    what: str,
) -> TrainingArguments:
    arguments = TrainingArguments(
        output_dir=str(checkpoints),
        seed=seed,
        use_cpu=device == "cpu",
        bf16=precision == "bf16",
        num_train_epochs=schedule.epochs,
        learning_rate=section.learning_rate,
        per_device_train_batch_size=schedule.batch_size,
        per_device_eval_batch_size=max(64, schedule.batch_size),
        gradient_accumulation_steps=section.gradient_accumulation,
        lr_scheduler_type=_SCHEDULERS[section.scheduler],
        warmup_steps=section.warmup,  # below 1 it is a share of all steps
        weight_decay=section.weight_decay,
        max_grad_norm=section.max_grad_norm,
        optim="adamw_torch_fused",
        eval_strategy="epoch",
        save_strategy="epoch",
        logging_strategy="epoch",
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model=task.spec.main_metric.name,
        greater_is_better=task.spec.main_metric.higher_is_better,
        restore_callback_states_from_checkpoint=True,
        train_sampling_strategy="group_by_length",  # of the evaluation too
        length_column_name="length",
        remove_unused_columns=False,
        label_names=["row_id"],  # the labels stay in the batch; metrics need to know whose outputs they see
        dataloader_pin_memory=device == "cuda",
        logging_nan_inf_filter=False,
        disable_tqdm=True,
        run_name=what,
        report_to="none",  # trackers come as callbacks
        log_level="error",
    )
    if device == "cuda":
        arguments._n_gpu = 1  # one process, one GPU: several would be wrapped in DataParallel, which copies the module
    return arguments
