"""Where a training has what its teacher says from: what is stored, or the teacher itself, or both."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from compressor.data import load_output_names
from compressor.distill.alignment import Alignment, settings_of
from compressor.distill.counterparts import Counterparts
from compressor.distill.outputs import CachedOutputs, LiveOutputs, PartlyCached, TeacherOutputs, assert_same_parts
from compressor.distill.signals import LOGITS, Signal
from compressor.distill.transfer_set import TransferSet
from compressor.events import Events
from compressor.tasks import load_tokenizer
from compressor.tasks.base import Task

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = ["open_alignment", "open_teacher"]


def open_teacher(
    needs: frozenset[Signal],
    *,
    transfer_set: TransferSet,
    folder: Path | None,
    task: Task,
    tokenizer: PreTrainedTokenizerBase,
    alignment: Alignment | None,
    max_length: int,
    cache: Path,
    events: Events,
    trust_remote_code: bool,
) -> TeacherOutputs | None:
    """The cheapest source that has what the objectives need: what is kept of the teacher, and the teacher itself for
    what isn't. None where they need nothing, or there is none."""
    if not needs:
        return None

    def cached() -> CachedOutputs:
        rows = transfer_set.rows(task, tokenizer, max_length=max_length, cache=cache)
        return CachedOutputs(transfer_set.teacher_outputs(alignment), task=task, rows=rows)

    if transfer_set.is_labelled and (folder is None or needs <= transfer_set.signals):
        return cached()
    if folder is None:
        return None
    theirs = load_tokenizer(folder, trust_remote_code)
    names = load_output_names(transfer_set.data, task)
    model = task.load_model(folder, names, new_head="never", trust_remote_code=trust_remote_code)
    if settings_of(theirs) == settings_of(tokenizer):
        live = LiveOutputs(model, task)
        return PartlyCached(cached(), live) if transfer_set.is_labelled else live
    tokens, own = (transfer_set.rows(task, one, max_length=max_length, cache=cache) for one in (theirs, tokenizer))
    counterparts = None
    if any(signal.per_token for signal in needs):
        found = Counterparts(task, theirs, tokenizer, max_length, cache, events)
        counterparts = transfer_set.counterparts(found)
    live = LiveOutputs(model, task, (tokens, task.collator(theirs)), counterparts)
    if LOGITS in needs and transfer_set.is_labelled:
        return PartlyCached(cached(), live)
    if LOGITS in needs:
        assert_same_parts(task, tokens, own)
    return live


def open_alignment(
    task: Task,
    folder: Path | None,
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    cache: Path,
    events: Events,
    *,
    trust_remote_code: bool,
) -> Alignment | None:
    """How outputs for the teacher's tokens become those for the student's; None where both are the same, or outputs are
    for whole texts.

    Args:
        folder: a model with the tokenizer of the outputs; None where it isn't known.
    """
    if folder is None or not any(output.per_token for output in task.spec.outputs):
        return None
    theirs = load_tokenizer(folder, trust_remote_code)
    if settings_of(theirs) == settings_of(tokenizer):
        return None
    return Alignment(task, theirs, tokenizer, max_length, cache, events)
