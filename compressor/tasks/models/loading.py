"""Load a checkpoint with the head a task asks for, and say what of it is new."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compressor.architectures import auto_class
from compressor.errors import DataError, SourceError
from compressor.events import Events
from compressor.tasks.base import NewHead
from compressor.tasks.models import head
from compressor.tasks.models.checkpoint import load_tokenizer, quiet_transformers, refusals_explained

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["check_body", "load_with_head", "prepare_decoder"]


def load_with_head(
    folder: Path,
    auto_name: str,
    names: Sequence[str] | None,
    *,
    problem_type: str | None,
    what: str,
    new_head: NewHead,
    trust_remote_code: bool,
    events: Events,
) -> PreTrainedModel:
    """A model of the Auto class `auto_name` whose head has one output for each of `names`, in their order (fp32, eval
    mode).

    Args:
        names: None takes the names that the model has; it must be finished then.
        what: the finished model in a word, for messages: `classifier`.

    Raises:
        DataError, SourceError, UnsafeSource: as `Task.load_model` does.
    """
    trusted = {"local_files_only": True, "trust_remote_code": trust_remote_code}
    with quiet_transformers(), refusals_explained(folder):
        config = auto_class("AutoConfig").from_pretrained(folder, **trusted)
        known = [str(config.id2label[i]) for i in sorted(config.id2label)]
        if names is None:
            names, new_head = _own_names(folder, known, what, problem_type), "never"
        order = head.label_order(known, names)
        if order is None and new_head == "never":
            raise _unlike_labels(folder, known, names)
        config.id2label = dict(enumerate(names))
        config.label2id = {name: i for i, name in enumerate(names)}
        if problem_type is not None:
            config.problem_type = problem_type
        model, loaded = auto_class(auto_name).from_pretrained(
            folder,
            config=config,
            dtype="float32",
            use_safetensors=True,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
            **trusted,
        )
    fresh = set(loaded["missing_keys"]) | {key for key, *_ in loaded["mismatched_keys"]}
    check_body(folder, model, fresh)
    if fresh and new_head == "never":
        raise SourceError(
            f"{folder} is not a finished {what}: it lacks {', '.join(sorted(fresh))}.",
            hint=f"Fine-tune it on the data first, or take a checkpoint of a {what}.",
        )
    if order is None:
        head.renew(head.output_layer(model), getattr(config, "initializer_range", 0.02))
    elif not fresh and order != sorted(order):
        head.permute_rows(head.output_layer(model), order)
    if order is None or fresh:
        events.note(f"A new head of the {what} for {len(names)} outputs: {_few(names)}.")
    prepare_decoder(model, folder, trust_remote_code)
    return model.eval()


def _own_names(folder: Path, known: Sequence[str], what: str, problem_type: str | None) -> Sequence[str]:
    if len(known) < 2 and problem_type == "single_label_classification":
        raise SourceError(
            f"{folder} is not a finished {what}: its config.json names no labels.",
            hint="Give the recipe data and a teacher to train it, or take a checkpoint that is finished.",
        )
    return known


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")


def _unlike_labels(folder: Path, known: Sequence[str], names: Sequence[str]) -> DataError:
    return DataError(
        f"{folder} answers {_few(known)}; the data's labels are {_few(names)}.",
        hint="Map the data's values to the model's names with data.labels, or fine-tune the model on the data.",
    )


def check_body(folder: Path, model: PreTrainedModel, fresh: set[str]) -> None:
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


def prepare_decoder(model: Any, folder: Path, trust_remote_code: bool) -> None:
    """A decoder classifies at its last token, which it finds by the padding token, and needs no cache for it."""
    if getattr(model.config, "use_cache", False):
        model.config.use_cache = False
    if model.config.pad_token_id is None:
        model.config.pad_token_id = load_tokenizer(folder, trust_remote_code).pad_token_id
