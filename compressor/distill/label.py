"""Compute the teacher's outputs once, for every split."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from compressor.data import lengths_of, load_output_names, load_split, targets_of, tokenize_split
from compressor.disk import disk_full_explained
from compressor.distill.architecture import Layout
from compressor.distill.device import (
    Precision,
    choose_device,
    choose_precision,
    device_peak,
    number_of_processes,
    reset_device_peak,
)
from compressor.distill.output_folder import OutputFolder, is_whole, join_folders
from compressor.distill.outputs import ANSWERS, model_inputs, rows_of
from compressor.distill.signals import POOLED, Batch, Signal, run_model
from compressor.distill.transfer_set import TEXTS
from compressor.errors import StageError
from compressor.events import Events
from compressor.processes import lead, rank, size, total
from compressor.runtime.options import read_options
from compressor.runtime.outputs import Outputs, Ragged, read_outputs
from compressor.runtime.tasks import Replies, Settings
from compressor.tasks import load_tokenizer
from compressor.tasks.base import Task
from compressor.tasks.models.checkpoint import encoder_of

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

__all__ = ["ANSWERS", "SPLITS", "STATISTICS", "compute_outputs"]

SPLITS = ("train", "validation", "test")
STATISTICS = "statistics.npz"
PARTS = "parts"
"""Folder with what each of several processes computed, until it is put together."""
_BATCH = 64
_MOST = 6e4
"""fp16 ends at 65504."""


def compute_outputs(
    *,
    task: Task,
    model_folder: Path,
    data: Path,
    texts: Path | None = None,
    max_length: int,
    keeps: Sequence[str] = (),
    out: Path,
    events: Events,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    precision: Literal["auto", "fp32", "bf16"] = "auto",
    trust_remote_code: bool = False,
) -> dict[str, Any]:
    """Write what the task keeps of the teacher's outputs, fp16, a folder a split: entry i for row i of the split.

    With `texts`, a folder of texts without labels, outputs are computed for these alone.

    `precision` is that of the training split, which bf16 hardly changes (measured on MiniLM-L6: logits of standard
    deviation 1.37 move by 0.003 on average; KL at T=2 is 2e-6). Validation and test are always fp32: up to one answer
    in 400 flips in bf16, and these are compared with exported models. For these two, the keys of the teacher's answers
    (`answers.json`) and the statistics of every metric (`statistics.npz`) lie beside the outputs.

    Args:
        keeps: names of signals that are kept for training texts, beside the outputs: `Signal.file`.

    A split that an interrupted run finished is kept, and of one that it broke off in what was safe on disk. Returns the
    teacher's metrics on validation and test, the number of examples, and how it was computed.
    """
    place = choose_device(device)
    number_format = choose_precision(precision, place)
    reset_device_peak(place)
    names = load_output_names(data, task)
    tokenizer = load_tokenizer(model_folder, trust_remote_code)
    model = task.load_model(model_folder, names, new_head="never", trust_remote_code=trust_remote_code).to(place)
    settings = Settings(tuple(names), read_options(model_folder))
    facts: dict[str, Any] = {"device": place, "precision": number_format, "examples": {}}
    seconds, computed = 0.0, 0
    folders = dict.fromkeys(SPLITS, data) if texts is None else {TEXTS: texts}
    for split, folder in folders.items():
        if not (folder / f"{split}.arrow").is_file():
            continue
        examples = load_split(folder, split)
        dataset = tokenize_split(examples, task, tokenizer, max_length=max_length, cache=out / "tokens", names=names)
        if not lead(is_whole, out / split, len(dataset)):
            start = time.perf_counter()
            what = f"teacher: outputs, {split}"
            exact: Precision = number_format if split in ("train", TEXTS) else "fp32"
            kept = [signal for signal in POOLED.values() if signal.file in keeps and split in ("train", TEXTS)]
            if kept:
                megabytes = len(kept) * len(dataset) * _state_bytes(model.config) / 1e6
                events.note(f"The teacher's states for {len(dataset):,} texts take {megabytes:,.0f} MB.")
                facts["states_mb"] = round(megabytes, 1)
            asked = Asked(model, task, tokenizer, kept, exact)
            with disk_full_explained(out):
                kept_rows = _write_split(out / split, asked, dataset, what, events)
            seconds += time.perf_counter() - start
            computed += round(len(examples) * (1 - kept_rows / max(1, len(dataset))))
            if kept_rows:
                facts["kept_rows"] = facts.get("kept_rows", 0) + kept_rows
        facts["examples"][split] = len(examples)
        if split not in ("train", TEXTS):
            facts[split] = lead(_judge, task, tokenizer, examples, max_length, settings, out / split)
    lead(_tidy_up, out)
    facts["seconds"] = round(seconds, 3)
    facts["texts_per_second"] = round(computed / seconds, 1) if computed else None
    return facts | device_peak(place) | number_of_processes()


def _state_bytes(config: Any) -> int:
    """What one vector a layer takes in fp16, with that of the embeddings."""
    layout = Layout.of(config)
    return 2 * (1 + layout.layers) * layout.hidden_size


def _tidy_up(out: Path) -> None:
    shutil.rmtree(out / "tokens")
    shutil.rmtree(out / PARTS, ignore_errors=True)  # also what other processes, more or fewer, left


@dataclass(frozen=True)
class Asked:
    """A teacher, and what is wanted of it."""

    model: PreTrainedModel
    task: Task
    tokenizer: PreTrainedTokenizerBase
    kept: Sequence[Signal]
    """Signals that are kept beside the outputs."""
    precision: Precision

    def inputs(self, dataset: Dataset) -> str:
        """A digest of the tokens that it is asked about, and of how: the folder that a resume finds is of one
        teacher."""
        said = [dataset._fingerprint, len(dataset), self.precision, *(signal.file for signal in self.kept), _BATCH]
        return blake2b(json.dumps(said).encode(), digest_size=16).hexdigest()

    @torch.no_grad()
    def about(self, batch: Batch) -> tuple[Mapping[str, torch.Tensor], dict[str, torch.Tensor]]:
        """What the task keeps of its outputs for a batch, and the signals by the names of their files."""
        with torch.autocast(self.model.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            output, signals = run_model(self.model, model_inputs(self.model, batch), self.kept)
            reduced = self.task.reduce(output, batch, self.task.options(self.model))
        return reduced, {signal.file: value for signal, value in signals.items()}


def _write_split(folder: Path, asked: Asked, dataset: Dataset, what: str, events: Events) -> int:
    """Fill one folder. Of several processes each fills one with its part, which is kept where the others break off,
    and the first makes one of them all.

    Returns how many rows an interrupted run had computed, which weren't computed again.
    """
    batches = _batches(dataset)
    counts = {output.name: asked.task.counts(output, dataset) for output in asked.task.spec.outputs}
    counts |= {signal.file: None for signal in asked.kept}
    parts = [
        (folder.parent / PARTS / f"{folder.name}.{number + 1}-of-{size()}", np.sort(np.concatenate(own)))
        for number in range(size())
        if (own := batches[number :: size()])
    ]
    if size() == 1:
        parts = [(folder, parts[0][1])]
    kept = 0
    if rank() < len(parts) and is_whole(parts[rank()][0], len(parts[rank()][1])):
        kept = len(parts[rank()][1])
    elif rank() < len(parts):
        into = OutputFolder(*parts[rank()], counts, inputs=asked.inputs(dataset))
        kept = _write(into, asked, dataset, batches[rank() :: size()], counts, what, events)
    (kept_by_all,) = total([kept])
    if size() > 1:
        lead(join_folders, parts, folder, counts)
    return round(kept_by_all)


def _batches(dataset: Dataset) -> list[npt.NDArray[np.int64]]:
    """Numbers of rows, sorted by length (no padding to speak of), longest first: memory fails at once."""
    order = np.argsort(lengths_of(dataset), kind="stable")[::-1]
    return np.array_split(order, max(1, -(-len(order) // _BATCH)))


def _write(
    out: OutputFolder,
    asked: Asked,
    dataset: Dataset,
    batches: Sequence[npt.NDArray[np.int64]],
    counts: Mapping[str, npt.NDArray[np.int64] | None],
    what: str,
    events: Events,
) -> int:
    """Fill one folder with the outputs for these batches, and return how many rows of them it held before."""
    collate = asked.task.collator(asked.tokenizer)
    kept = done = sum(map(len, batches[: out.kept]))
    rows = sum(map(len, batches))
    if kept:
        events.note(f"{what}: going on after {kept:,} of {rows:,} rows.")
    for number, ids in enumerate(batches[out.kept :], start=out.kept + 1):
        batch = {
            name: tensor.to(asked.model.device) for name, tensor in collate(rows_of(dataset, ids.tolist())).items()
        }
        reduced, signals = asked.about(batch)
        for output in asked.task.spec.outputs:
            # Numbers have the data's units, and are as large and as fine as these; there are few of them.
            dtype = np.float32 if output.likelihood == "value" else np.float16
            array, count = _array(reduced[output.name], dtype, what), counts[output.name]
            pieces = asked.task.pieces(output, array, None if count is None else count[ids])
            out.add(output.name, ids, pieces, dtype)
        for name, value in signals.items():
            out.add(name, ids, list(_array(value, np.float16, what)), np.float16)
        out.keep(number)
        done += len(ids)
        events.progress(what, done, rows)
    out.finish()
    return kept


def _array(values: torch.Tensor, dtype: type[np.floating[Any]], what: str) -> npt.NDArray[Any]:
    if not torch.isfinite(values).all():
        raise StageError(f"{what}: the teacher answers NaN or infinity.", hint="Train it again, in fp32.")
    return (values.clamp(-_MOST, _MOST) if dtype is np.float16 else values).float().cpu().numpy()


def _judge(
    task: Task,
    tokenizer: PreTrainedTokenizerBase,
    examples: Dataset,
    max_length: int,
    settings: Settings,
    folder: Path,
) -> dict[str, float]:
    """Metrics of the stored outputs; leaves the keys of the answers and the statistics beside them."""
    rows = list(examples)
    encoded = task.runtime.encode(encoder_of(tokenizer, max_length), rows)
    outputs: Outputs = {
        name: Ragged(np.asarray(ragged.values, dtype=np.float32), ragged.offsets)
        for name, ragged in read_outputs(folder).items()
    }
    keys = task.runtime.keys(task.runtime.decode(outputs, encoded, settings))
    statistics = task.runtime.statistics(outputs, encoded, targets_of(examples, task), settings)
    replies = Replies(outputs, keys)
    statistics |= task.runtime.compared(replies, replies)
    np.savez(folder / STATISTICS, allow_pickle=False, **statistics)
    (folder / ANSWERS).write_text(json.dumps(keys, ensure_ascii=False), encoding="utf-8")
    return task.runtime.values(statistics)
