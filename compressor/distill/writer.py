"""Fine-tune the language model that writes more texts on those of the training split."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import DataCollatorForSeq2Seq, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_callback import PrinterCallback

from compressor.data import load_labels, load_split
from compressor.data.generated import Prompts, line_ends, longest_prompt
from compressor.data.language_model import load_language_model
from compressor.data.texts import TrainingTexts
from compressor.disk import disk_full_explained
from compressor.distill.checkpoints import newest_complete, step_of
from compressor.distill.device import choose_device, choose_precision, device_peak, reset_device_peak
from compressor.distill.training import save_model
from compressor.errors import LossCourse, RecipeError, TrainingDiverged
from compressor.events import Events
from compressor.processes import lead, size
from compressor.recipe.augment import GenerateSection, WriterSection
from compressor.task_specs import TaskSpec
from compressor.tasks import quiet_transformers

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = ["finetune_writer"]

_WHAT = "writer"
_TRAINED_ON, _JUDGED_ON = 10_000, 1_000
_UNSCORED = -100
"""The label of a token that PyTorch's cross-entropy leaves out."""


def finetune_writer(
    section: GenerateSection,
    spec: TaskSpec,
    *,
    model_folder: Path,
    data: Path,
    out: Path,
    seed: int,
    events: Events,
) -> dict[str, Any]:
    """Write the language model to `out/model`, fine-tuned to go on from a prompt with a text of the training split.

    Only the tokens of the text and the end of its line count in the loss. The weights are those with the lowest loss
    on validation texts; an interrupted run goes on from its newest checkpoint.

    Returns facts for the report: texts, the step it went on from, epochs, validation loss (nats a token) before and
    after, device, precision, parameters.

    Raises:
        RecipeError: `finetune` is left out. DataError: the data has other than one text a row, or doesn't fit the
            prompt. SourceError: the model can't be used. TrainingDiverged: the loss became NaN or infinite.
    """
    if section.finetune is None:
        raise RecipeError("data.generate.finetune is left out.", hint="Without it the model is only prompted.")
    settings = section.finetune
    training = TrainingTexts.open(data, spec)
    prompts = Prompts(section, training, spec, load_labels(data), seed)
    model, tokenizer = load_language_model(model_folder, trust_remote_code=section.trust_remote_code)
    tokenizer.padding_side = "right"
    room = (longest_prompt(model.config, section.max_new_tokens, model_folder), section.max_new_tokens)
    rows = _Pairs(prompts.pairs(training.sample(_TRAINED_ON, seed)), tokenizer, *room)
    split = load_split(data, "validation")
    judged = _Pairs(prompts.pairs(split.select(range(min(len(split), _JUDGED_ON)))), tokenizer, *room)
    device = choose_device(settings.device)
    precision = choose_precision(settings.precision, device)
    reset_device_peak(device)
    checkpoints = out / "checkpoints"
    with quiet_transformers(), disk_full_explained(out):
        trainer = Trainer(
            model,
            _arguments(settings, checkpoints, use_cpu=device == "cpu", bf16=precision == "bf16", seed=seed),
            train_dataset=rows,
            eval_dataset=judged,
            data_collator=DataCollatorForSeq2Seq(tokenizer, label_pad_token_id=_UNSCORED),
            processing_class=tokenizer,
            callbacks=[_Told(events)],
        )
        trainer.remove_callback(PrinterCallback)
        before = trainer.evaluate()["eval_loss"]
        checkpoint = lead(newest_complete, checkpoints, events)
        trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
        after = trainer.evaluate()["eval_loss"]

    def keep() -> None:
        save_model(model, tokenizer, out / "model")
        shutil.rmtree(checkpoints, ignore_errors=True)

    lead(keep)
    return {
        "texts": len(rows),
        "resumed_from_step": 0 if checkpoint is None else step_of(checkpoint),
        "epochs": settings.epochs,
        "validation_loss_before": before,
        "validation_loss": after,
        "device": device,
        "precision": precision,
        **device_peak(device),
        "parameters": model.num_parameters(),
    }


class _Pairs:
    """Prompts and texts as tokens: what `Trainer` takes as a data set."""

    def __init__(
        self, pairs: Iterable[tuple[str, str]], tokenizer: PreTrainedTokenizerBase, longest: int, most: int
    ) -> None:
        """
        Args:
            longest: tokens of a prompt that are kept, those before the text.
            most: tokens of a text that are kept, as many as the model will write at most.
        """
        ends = [[end] for end in line_ends(tokenizer)]
        self.rows: list[dict[str, list[int]]] = []
        for prompt, text in pairs:
            before = tokenizer(prompt, truncation=True, max_length=longest)["input_ids"]  # loses its beginning
            after = tokenizer(f" {text}\n", add_special_tokens=False)["input_ids"]
            if after[-1:] not in ends and tokenizer.eos_token_id is not None:  # some tokenizers drop line breaks
                after.append(tokenizer.eos_token_id)
            after = after[:most]
            ids = [*before, *after]
            labels = [*[_UNSCORED] * len(before), *after]
            self.rows.append({"input_ids": ids, "attention_mask": [1] * len(ids), "labels": labels})

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, place: int) -> dict[str, list[int]]:
        return self.rows[place]


class _Told(TrainerCallback):  # type: ignore[misc]  # transformers is untyped to mypy
    """Tells how far it is, and ends a training whose loss is no number."""

    def __init__(self, events: Events) -> None:
        self.events = events

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.events.progress(f"{_WHAT}: training", state.global_step, state.max_steps)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any], **kwargs: Any) -> None:
        for name in ("loss", "eval_loss"):
            if not math.isfinite(logs.get(name, 0.0)):
                raise TrainingDiverged(
                    f"{_WHAT}: the loss became {logs[name]} by step {state.global_step} of {state.max_steps}.",
                    step=state.global_step,
                    hint=f"Lower data.generate.finetune.learning_rate (it is {args.learning_rate:g}).",
                    course=_course(state.log_history),
                )


def _course(log: Sequence[Mapping[str, Any]]) -> LossCourse:
    def of(name: str) -> tuple[tuple[int, float], ...]:
        return tuple((int(entry["step"]), float(entry[name])) for entry in log if name in entry)

    return LossCourse(of("loss"), of("eval_loss"))


def _arguments(settings: WriterSection, checkpoints: Path, *, use_cpu: bool, bf16: bool, seed: int) -> Any:
    arguments = TrainingArguments(
        output_dir=str(checkpoints),
        seed=seed,
        use_cpu=use_cpu,
        bf16=bf16,
        num_train_epochs=settings.epochs,
        learning_rate=settings.learning_rate,
        per_device_train_batch_size=max(1, settings.batch_size // size()),
        per_device_eval_batch_size=32,
        warmup_steps=0.1,  # below 1 it is a share of all steps
        weight_decay=0.01,
        max_grad_norm=settings.max_grad_norm,
        optim="adamw_torch_fused",
        eval_strategy="epoch",
        save_strategy="epoch",
        logging_steps=20,
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model="loss",
        greater_is_better=False,
        train_sampling_strategy="group_by_length",
        remove_unused_columns=False,
        label_names=["labels"],
        dataloader_pin_memory=not use_cpu,
        prediction_loss_only=True,
        logging_nan_inf_filter=False,
        disable_tqdm=True,
        report_to="none",
        log_level="error",
        log_level_replica="error",
    )
    if not use_cpu:
        arguments._n_gpu = 1  # one process, one GPU, as for every training here
    return arguments
