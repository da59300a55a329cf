"""What the teacher computes: kept on disk once for every student, or computed beside the student as it trains."""

from __future__ import annotations

import inspect
import shutil
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from compressor.data import load_labels, load_split, tokenize_split
from compressor.disk import disk_full_explained, reserve
from compressor.distill.device import Precision, choose_device, choose_precision, device_peak, reset_device_peak
from compressor.distill.signals import Batch, Signal, Signals
from compressor.errors import StageError
from compressor.events import Events
from compressor.tasks import load_tokenizer
from compressor.tasks.task import Collator, Task

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedModel

__all__ = ["SPLITS", "CachedOutputs", "LiveOutputs", "TeacherOutputs", "compute_outputs", "model_inputs"]

SPLITS = ("train", "validation", "test")
_BATCH = 64


class TeacherOutputs(ABC):
    """What the teacher says about a training batch, wherever that comes from."""

    provides: frozenset[Signal]

    @abstractmethod
    def read(self, batch: Batch, wanted: frozenset[Signal]) -> Signals:
        """The wanted signals for the batch's examples, on the batch's device, without gradient."""


class CachedOutputs(TeacherOutputs):
    """Logits on disk, memory-mapped: row i belongs to the training example whose `example_id` is i."""

    provides = frozenset({Signal.LOGITS})

    def __init__(self, file: Path, *, examples: int, classes: int) -> None:
        self._logits: npt.NDArray[np.float16] = np.load(file, mmap_mode="r", allow_pickle=False)
        if self._logits.shape != (examples, classes):
            raise StageError(
                f"{file} holds logits of shape {list(self._logits.shape)}; the training split needs "
                f"{[examples, classes]}.",
                hint="Compute the teacher's outputs again for this data.",
            )

    def read(self, batch: Batch, wanted: frozenset[Signal]) -> Signals:
        ids = batch["example_id"]
        return Signals(logits=torch.from_numpy(self._logits[ids.cpu().numpy()]).to(ids.device).float())


class LiveOutputs(TeacherOutputs):
    """The teacher itself, in eval mode, asked about each batch as it comes.

    It isn't a module of anything, so no checkpoint holds it and no optimizer sees it.
    """

    provides = frozenset({Signal.LOGITS, Signal.HIDDEN_STATES})

    def __init__(self, model: PreTrainedModel, tokens: tuple[Dataset, Collator] | None = None) -> None:
        """`tokens`: the training split in the teacher's own tokens, where they aren't the student's."""
        self._model = model.eval().requires_grad_(False)
        self._tokens = tokens

    def read(self, batch: Batch, wanted: frozenset[Signal]) -> Signals:
        device = batch["example_id"].device
        if self._tokens is not None:
            dataset, collate = self._tokens
            rows = _rows(dataset, batch["example_id"].tolist())
            batch = {name: tensor.to(device) for name, tensor in collate(rows).items()}
        self._model.to(device)
        with torch.no_grad():
            output = self._model(
                **model_inputs(self._model, batch), output_hidden_states=Signal.HIDDEN_STATES in wanted
            )
        return Signals(logits=output.logits, hidden_states=output.hidden_states)


def model_inputs(model: PreTrainedModel, batch: Batch) -> dict[str, torch.Tensor]:
    """What of a batch the model takes: no labels (the loss is ours), no `token_type_ids` for a DistilBERT."""
    names = inspect.signature(model.forward).parameters
    return {name: tensor for name, tensor in batch.items() if name in names and name != "labels"}


def compute_outputs(
    *,
    task: Task,
    model_folder: Path,
    data: Path,
    max_length: int,
    out: Path,
    events: Events,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    precision: Literal["auto", "fp32", "bf16"] = "auto",
    trust_remote_code: bool = False,
) -> dict[str, Any]:
    """Write the teacher's logits for every split: `out/<split>.npy`, fp16 [examples, classes], row i for example i.

    `precision` is that of the training split, which bf16 hardly changes (measured on MiniLM-L6: logits of standard
    deviation 1.37 move by 0.003 on average; KL at T=2 is 2e-6). Validation and test are always fp32: up to one answer
    in 400 flips in bf16, and these are compared with exported models.

    A split that an interrupted run finished is kept. Returns the teacher's metrics on validation and test, the number
    of examples, and how it was computed.
    """
    place = choose_device(device)
    number_format = choose_precision(precision, place)
    reset_device_peak(place)
    labels = load_labels(data)
    tokenizer = load_tokenizer(model_folder, trust_remote_code)
    model = task.load_model(model_folder, labels, new_head="never", trust_remote_code=trust_remote_code).to(place)
    facts: dict[str, Any] = {"device": place, "precision": number_format, "examples": {}}
    seconds, computed = 0.0, 0
    for split in SPLITS:
        dataset = tokenize_split(load_split(data, split), task, tokenizer, max_length=max_length, cache=out / "tokens")
        file = out / f"{split}.npy"
        if not _is_whole(file, (len(dataset), len(labels))):
            start = time.perf_counter()
            what = f"teacher: outputs, {split}"
            exact = "fp32" if split != "train" else number_format
            with disk_full_explained(out):
                _write_logits(file, model, dataset, task.collator(tokenizer), len(labels), exact, what, events)
            seconds += time.perf_counter() - start
            computed += len(dataset)
        facts["examples"][split] = len(dataset)
        if split != "train":
            logits = np.load(file, allow_pickle=False).astype(np.float32)
            facts[split] = task.metrics(logits, np.asarray(dataset["labels"]))
    shutil.rmtree(out / "tokens")
    facts["seconds"] = round(seconds, 3)
    facts["texts_per_second"] = round(computed / seconds, 1) if computed else None
    return facts | device_peak(place)


def _is_whole(file: Path, shape: tuple[int, int]) -> bool:
    """Files are renamed into place when they are full, so one that is there and has the shape is whole."""
    return file.is_file() and np.load(file, mmap_mode="r", allow_pickle=False).shape == shape


def _write_logits(
    file: Path,
    model: PreTrainedModel,
    dataset: Dataset,
    collate: Collator,
    classes: int,
    precision: Precision,
    what: str,
    events: Events,
) -> None:
    """Fill one file, batches sorted by length (no padding to speak of), and rename it into place."""
    partial = file.with_suffix(".partial.npy")
    written = np.lib.format.open_memmap(partial, mode="w+", dtype=np.float16, shape=(len(dataset), classes))
    reserve(partial)
    order = np.argsort(np.asarray(dataset["length"]), kind="stable")[::-1]  # longest first: memory fails at once
    device = next(model.parameters()).device
    done = 0
    for ids in np.array_split(order, max(1, -(-len(order) // _BATCH))):
        batch = {name: tensor.to(device) for name, tensor in collate(_rows(dataset, ids.tolist())).items()}
        with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            logits = model(**model_inputs(model, batch)).logits.float()
        if not torch.isfinite(logits).all():
            raise StageError(f"{what}: the teacher answers NaN or infinity.", hint="Train it again, in fp32.")
        written[ids] = logits.clamp(-6e4, 6e4).cpu().numpy()  # fp16 ends at 65504
        done += len(ids)
        events.progress(what, done, len(dataset))
    written.flush()
    del written
    partial.replace(file)


def _rows(dataset: Dataset, ids: list[int]) -> list[dict[str, Any]]:
    columns = dataset[ids]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
