"""One training run on `transformers.Trainer`: what fine-tuning a teacher and distilling a student share."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback, TrainingArguments
from transformers.trainer_callback import PrinterCallback

from compressor.data import column_of, lengths_of, load_output_names, load_split, tokenize_split
from compressor.disk import disk_full_explained
from compressor.distill.callbacks import EarlyStopping, EvaluationsWithinEpoch, Guessing, Progress
from compressor.distill.checkpoints import newest_complete, step_of
from compressor.distill.course import concerns, course, loss_of_a_guess, no_better_than_constant
from compressor.distill.device import (
    Device,
    Precision,
    choose_device,
    choose_precision,
    device_peak,
    number_of_processes,
    reset_device_peak,
)
from compressor.distill.distiller import Distiller
from compressor.distill.dropout import set_dropout
from compressor.distill.execution import assert_executable, executed
from compressor.distill.goal import Goal
from compressor.distill.privacy import Privacy, plan_privacy, refuse_what_leaks
from compressor.distill.quantization_aware import rounded_as
from compressor.distill.trackers import tracker_callbacks
from compressor.distill.trainer import DistillationTrainer
from compressor.distill.transfer_set import WEIGHT, TransferSet
from compressor.distill.validation import Validation
from compressor.errors import RecipeError
from compressor.events import Events
from compressor.processes import lead, size
from compressor.recipe.distill import DistillSection, PhaseSection
from compressor.recipe.quantize import QuantizeSection
from compressor.recipe.training import FEWEST_STEPS, Schedule, TrainingSection
from compressor.runtime.options import write_options
from compressor.runtime.tasks.base import NO_OPTIONS
from compressor.tasks import quiet_transformers
from compressor.tasks.base import Task

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

__all__ = ["save_model", "train"]

NOTHING_KNOWN: Mapping[str, float] = {}
"""Metrics of a teacher that isn't there."""

_SCHEDULERS = {"linear": "linear", "cosine": "cosine", "constant": "constant_with_warmup"}


def train(
    distiller: Distiller,
    section: TrainingSection,
    *,
    what: str,
    task: Task,
    tokenizer: PreTrainedTokenizerBase,
    transfer_set: TransferSet,
    max_length: int,
    seed: int,
    out: Path,
    events: Events,
    teacher_metrics: Mapping[str, float] = NOTHING_KNOWN,
    variant: QuantizeSection | None = None,
) -> dict[str, Any]:
    """Train the distiller's student and write it to `out/model`, with the weights that scored best on validation.

    Checkpoints go to `out/checkpoints`. Where an interrupted run left some, training goes on from the newest complete
    one, with the order of the data, the dropout and the optimizer as if it had never stopped. They are removed when
    the model is written.

    `teacher_metrics` are the teacher's on the validation split, for `section.until`. With a `variant` the student
    computes as that one will, in training and in validation; what is written is an ordinary fp32 model.

    Returns facts for the report: history of evaluations, best epoch, steps, epochs, batch size, seconds, examples a
    second, device, its peak of memory, precision, what was rounded for a variant, what privacy was spent, and warnings:
    what of it should be looked at.

    Raises:
        RecipeError, TargetUnavailable: the device or the model can't be trained as the section asks; nothing was.
        TrainingDiverged: the loss or its gradient became NaN or infinite. Checkpoints stay where they are.
        DiskFull: a checkpoint couldn't be written. Those before it stay.
        StageError: the variant keeps weights in float that the student doesn't have.
        MissingExtra: a tracker isn't installed, or what `section.privacy` needs.
    """
    device = choose_device(section.device)
    precision = choose_precision(section.precision, device)
    assert_executable(section, distiller.student)
    reset_device_peak(device)
    checkpoints, tokens = out / "checkpoints", out / "tokens"
    names = load_output_names(transfer_set.data, task)
    whole = distiller.whole_examples
    rows = transfer_set.rows(task, tokenizer, max_length=max_length, cache=tokens, whole_examples=whole)
    together = task.rows_together(rows, whole_examples=whole)
    judged = tokenize_split(
        load_split(transfer_set.data, "validation"), task, tokenizer, max_length=max_length, cache=tokens, names=names
    )
    validation = Validation(
        task,
        tokenizer,
        transfer_set.data,
        judged,
        max_length=max_length,
        teacher=None if transfer_set.outputs is None else transfer_set.outputs / "validation",
    )
    schedule = section.schedule(len(rows))
    guess = loss_of_a_guess(task.spec, distiller.student.config.num_labels)
    goal = _goal(section, task, teacher_metrics)
    privacy = _privacy(section, schedule, task, distiller, rows)
    facts: dict[str, Any] = {} if privacy is None else {"privacy": privacy.facts()}
    _refuse_small_batches(schedule, together, what)
    with quiet_transformers(), disk_full_explained(out), rounded_as(variant, distiller.student) as rounded:
        trainer = _trainer(privacy, section)(
            distiller,
            _arguments(section, schedule, task, device, precision, seed, checkpoints, what),
            what=what,
            layer_decay=section.layer_decay,
            average=section.average,
            lengths=lengths_of(rows) if section.group_by_length and privacy is None else None,
            together=together,
            weights=column_of(rows, WEIGHT) if WEIGHT in rows.column_names else None,
            train_dataset=rows,
            eval_dataset=judged,
            data_collator=task.collator(tokenizer),
            processing_class=tokenizer,
            compute_metrics=validation.metrics,
            callbacks=[
                Progress(distiller, what, events),
                Guessing(what, guess, events),
                *_endings(section, schedule, goal),
                *tracker_callbacks(section.track, what),
            ],
        )
        trainer.remove_callback(PrinterCallback)
        if "labels" not in judged.column_names:
            _judge_by_what_there_is(trainer, task, judged)
        checkpoint = lead(newest_complete, checkpoints, events)
        if checkpoint is not None:
            events.note(f"{what}: going on from {checkpoint.name}.")
        if section.dropout is not None:
            set_dropout(distiller.student, section.dropout)
        longest = int(lengths_of(rows).max())
        with task.training(distiller.student, rows), executed(section, distiller.student, device, longest):
            trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
        options = task.options(distiller.student)
        if validation.chooses or section.calibrate:
            predicted = trainer.predict(judged)
            options |= lead(validation.options, predicted)
        facts |= rounded()
    if section.calibrate:
        facts["calibration"] = lead(validation.calibrated, distiller.student, predicted)
        events.note(f"{what}: logits are divided by the temperature {facts['calibration']['temperature']:g}.")

    def keep() -> None:
        save_model(distiller.student, tokenizer, out / "model", options)
        shutil.rmtree(checkpoints)
        shutil.rmtree(tokens)

    lead(keep)
    found = course(trainer)
    if goal is not None:
        found |= {"reached_goal": goal.reached, "stopped_early": found["stopped_early"] and not goal.reached}
    constant = no_better_than_constant(found["validation"], validation.guess(), task.spec)
    warnings = concerns(found, schedule, learning_rate=section.learning_rate, guess=guess, constant=constant)
    if goal is not None and not goal.reached:
        warnings.append(goal.missed(found["validation"]))
    for warning in warnings:
        events.warn(f"{what}: {warning}")
    return {
        **found,
        **facts,
        "batch_size": schedule.batch_size,
        "warnings": warnings,
        "resumed_from_step": 0 if checkpoint is None else step_of(checkpoint),
        "device": device,
        "precision": precision,
        **device_peak(device),
        **number_of_processes(),
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


def _refuse_small_batches(schedule: Schedule, together: int, what: str) -> None:
    if schedule.batch_size // together < size():
        raise RecipeError(
            f"{what}: a batch of {schedule.batch_size} can't be parted among {size()} processes.",
            hint="Start fewer processes, or raise its batch_size.",
        )


def _privacy(
    section: TrainingSection, schedule: Schedule, task: Task, distiller: Distiller, rows: Dataset
) -> Privacy | None:
    wanted = section.privacy if isinstance(section, DistillSection) else None
    if wanted is None:
        return None
    refuse_what_leaks(task, distiller)
    return plan_privacy(wanted, schedule, section.gradient_accumulation, rows)


def _trainer(privacy: Privacy | None, section: TrainingSection) -> Callable[..., DistillationTrainer]:
    if privacy is None:
        return DistillationTrainer
    from compressor.distill.private_trainer import PrivateTrainer  # imports opacus

    return partial(PrivateTrainer, privacy=privacy, parts=section.gradient_accumulation)


def _goal(section: TrainingSection, task: Task, teacher: Mapping[str, float]) -> Goal | None:
    until = section.until if isinstance(section, PhaseSection) else None
    if until is not None and until.quality_retained is not None and task.spec.main_metric.name not in teacher:
        raise RecipeError(
            "distill.until.quality_retained compares with the teacher on validation, and not every text there has "
            "both a label and an answer.",
            hint="Set until.metrics, or epochs.",
        )
    return None if until is None else Goal(until, task.spec.main_metric, teacher)


def _endings(section: TrainingSection, schedule: Schedule, goal: Goal | None) -> Iterator[TrainerCallback]:
    """When it is validated, and what of that may end the training."""
    yield EvaluationsWithinEpoch(section.evaluations_per_epoch, schedule.steps_per_epoch)
    if goal is not None:
        yield goal
    if section.early_stopping:
        first_step = min(FEWEST_STEPS, schedule.steps) if section.epochs == "auto" else 0
        yield EarlyStopping(section.early_stopping, first_step=first_step)


def _judge_by_what_there_is(trainer: DistillationTrainer, task: Task, validation: Dataset) -> None:
    """Choose the best weights by the first metric that data without labels allows, or by the loss."""
    found = {name.removeprefix("test_") for name in trainer.predict(validation).metrics}
    metric = task.runtime.main_metric(found)
    trainer.args.metric_for_best_model = metric.name if metric else "loss"
    trainer.args.greater_is_better = metric is not None and metric.higher_is_better


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
        fp16=precision == "fp16",
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
        log_level_replica="error",
    )
    if device == "cuda":
        arguments._n_gpu = 1  # one process, one GPU: several would be wrapped in DataParallel, which copies the module
    return arguments
