"""Text classification: one label for a text or a pair of texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from compressor.errors import DataError, SourceError
from compressor.events import Events, Silent
from compressor.tasks import head
from compressor.tasks.checkpoint import load_tokenizer, quiet_transformers, refusals_explained
from compressor.tasks.task import Collator, FloatArray, Roles, Supervised, Task

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

__all__ = ["TextClassification"]


class TextClassification(Task):
    """A sequence classifier of `transformers`, encoder or decoder: logits [batch, labels]."""

    name: ClassVar[str] = "text-classification"
    roles: ClassVar[Roles] = Roles(required=("text", "label"), optional=("text_pair",))
    outputs: ClassVar[tuple[str, ...]] = ("logits",)
    main_metric: ClassVar[str] = "accuracy"

    def load_model(
        self,
        folder: Path,
        labels: Sequence[str],
        *,
        new_head: Literal["if-needed", "never"] = "if-needed",
        trust_remote_code: bool = False,
        events: Events = Silent(),  # noqa: B008  # stateless
    ) -> PreTrainedModel:
        from transformers import AutoConfig, AutoModelForSequenceClassification

        trusted = {"local_files_only": True, "trust_remote_code": trust_remote_code}
        with quiet_transformers(), refusals_explained(folder):
            config = AutoConfig.from_pretrained(folder, **trusted)
            names = [str(config.id2label[i]) for i in sorted(config.id2label)]
            order = head.label_order(names, labels)
            if order is None and new_head == "never":
                raise _unlike_labels(folder, names, labels)
            config.id2label = dict(enumerate(labels))
            config.label2id = {label: i for i, label in enumerate(labels)}
            config.problem_type = "single_label_classification"
            model, loaded = AutoModelForSequenceClassification.from_pretrained(
                folder,
                config=config,
                dtype="float32",
                use_safetensors=True,
                ignore_mismatched_sizes=True,
                output_loading_info=True,
                **trusted,
            )
        fresh = set(loaded["missing_keys"]) | {key for key, *_ in loaded["mismatched_keys"]}
        _check_body(folder, model, fresh)
        if fresh and new_head == "never":
            raise SourceError(
                f"{folder} is not a finished classifier: it lacks {', '.join(sorted(fresh))}.",
                hint="Fine-tune it on the data first, or take a checkpoint that has a classification head.",
            )
        if order is None:
            head.renew(head.output_layer(model), getattr(config, "initializer_range", 0.02))
        elif not fresh and order != sorted(order):
            head.permute_rows(head.output_layer(model), order)
        if order is None or fresh:
            events.note(f"A new classification head for {len(labels)} labels: {', '.join(labels)}.")
        _prepare_decoder(model, folder, trust_remote_code)
        return model.eval()

    def tokenize(
        self, tokenizer: PreTrainedTokenizerBase, columns: Mapping[str, Sequence[Any]], max_length: int
    ) -> dict[str, list[Any]]:
        if max_length > tokenizer.model_max_length:
            raise DataError(
                f"max_length is {max_length}, and the model takes at most {tokenizer.model_max_length} tokens.",
                hint=f"Set data.max_length (without data, export.max_length) to {tokenizer.model_max_length} or less.",
            )
        pairs = columns.get("text_pair")
        encoded = tokenizer(
            list(columns["text"]),
            list(pairs) if pairs is not None else None,
            truncation=True,
            max_length=max_length,
            padding=False,
        )
        features: dict[str, list[Any]] = dict(encoded)
        features["length"] = [len(ids) for ids in features["input_ids"]]
        if "label" in columns:
            features["labels"] = list(columns["label"])
        return features

    def collator(self, tokenizer: PreTrainedTokenizerBase) -> Collator:
        from transformers import DataCollatorWithPadding

        return DataCollatorWithPadding(tokenizer, padding="longest", return_tensors="pt")  # type: ignore[no-any-return]

    def supervised(
        self, student: torch.Tensor, batch: Mapping[str, torch.Tensor], teacher: torch.Tensor | None = None
    ) -> Supervised:
        """Every example is one row. Logits become fp32, whatever precision they were computed or stored in."""
        return Supervised(
            student=student.float(),
            labels=batch["labels"],
            teacher=None if teacher is None else teacher.to(student.device).float(),
        )

    def metrics(self, logits: FloatArray, labels: npt.NDArray[np.int64]) -> dict[str, float]:
        """Accuracy, and F1 averaged over the classes without weights: a class counts the same however rare it is."""
        from sklearn.metrics import accuracy_score, f1_score

        answers = np.argmax(logits, axis=-1)
        return {
            "accuracy": float(accuracy_score(labels, answers)),
            "f1_macro": float(f1_score(labels, answers, average="macro", zero_division=0.0)),
        }

    def scores(self, logits: FloatArray, labels: npt.NDArray[np.int64]) -> FloatArray:
        """1 where the answer is right, else 0 [examples]."""
        return np.asarray(np.argmax(logits, axis=-1) == labels, dtype=np.float64)

    def agreement(self, logits: FloatArray, reference: FloatArray) -> float:
        return float(np.mean(np.argmax(logits, axis=-1) == np.argmax(reference, axis=-1)))


def _unlike_labels(folder: Path, names: Sequence[str], labels: Sequence[str]) -> DataError:
    return DataError(
        f"{folder} answers {', '.join(names)}; the data's labels are {', '.join(labels)}.",
        hint="Map the data's values to the model's names with data.labels, or fine-tune the model on the data.",
    )


def _check_body(folder: Path, model: PreTrainedModel, fresh: set[str]) -> None:
    """A head may be new, and a pooler, which is part of it in all but name; the rest must come from the checkpoint."""
    body = {key for key, _ in model.base_model.named_parameters(prefix=model.base_model_prefix)}
    missing = sorted(key for key in fresh & body if "pooler" not in key)
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise SourceError(
            f"{folder} lacks weights that its config.json describes: {', '.join(missing[:3])}{more}.",
            hint="The checkpoint is incomplete, or belongs to another config.json. Training never starts from "
            "random weights.",
        )


def _prepare_decoder(model: PreTrainedModel, folder: Path, trust_remote_code: bool) -> None:
    """A decoder classifies at its last token, which it finds by the padding token, and needs no cache for it."""
    if getattr(model.config, "use_cache", False):
        model.config.use_cache = False
    if model.config.pad_token_id is None:
        model.config.pad_token_id = load_tokenizer(folder, trust_remote_code).pad_token_id
