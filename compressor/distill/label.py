"""Compute the teacher's outputs once, for every split."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from compressor.data import load_output_names, load_split, targets_of, tokenize_split
from compressor.disk import disk_full_explained, reserve
from compressor.distill.device import Precision, choose_device, choose_precision, device_peak, reset_device_peak
from compressor.distill.outputs import ANSWERS, model_inputs, rows_of
from compressor.distill.transfer_set import TEXTS
from compressor.errors import StageError
from compressor.events import Events
from compressor.runtime.options import read_options
from compressor.runtime.outputs import Outputs, Ragged, read_outputs, write_outputs
from compressor.runtime.tasks import Settings
from compressor.tasks import load_tokenizer
from compressor.tasks.base import Task
from compressor.tasks.models.checkpoint import encoder_of

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

__all__ = ["ANSWERS", "SPLITS", "STATISTICS", "compute_outputs"]

SPLITS = ("train", "validation", "test")
STATISTICS = "statistics.npz"
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

    A split that an interrupted run finished is kept. Returns the teacher's metrics on validation and test, the number
    of examples, and how it was computed.
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
        if not _is_whole(out / split, len(dataset)):
            start = time.perf_counter()
            what = f"teacher: outputs, {split}"
            exact: Precision = number_format if split in ("train", TEXTS) else "fp32"
            with disk_full_explained(out):
                _write_split(out / split, model, task, tokenizer, dataset, exact, what, events)
            seconds += time.perf_counter() - start
            computed += len(examples)
        facts["examples"][split] = len(examples)
        if split not in ("train", TEXTS):
            facts[split] = _judge(task, tokenizer, examples, max_length, settings, out / split)
    shutil.rmtree(out / "tokens")
    facts["seconds"] = round(seconds, 3)
    facts["texts_per_second"] = round(computed / seconds, 1) if computed else None
    return facts | device_peak(place)


def _is_whole(folder: Path, rows: int) -> bool:
    """Folders are renamed into place when they are full, so one that is there and has the rows is whole."""
    try:
        return all(len(ragged) == rows for ragged in read_outputs(folder, mapped=True).values())
    except (OSError, ValueError):
        return False


def _write_split(
    folder: Path,
    model: PreTrainedModel,
    task: Task,
    tokenizer: PreTrainedTokenizerBase,
    dataset: Dataset,
    precision: Precision,
    what: str,
    events: Events,
) -> None:
    """Fill one folder, batches sorted by length (no padding to speak of), and rename it into place."""
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    counts = {output.name: task.counts(output, dataset) for output in task.spec.outputs}
    offsets = {name: None if count is None else _offsets(count) for name, count in counts.items()}
    written: dict[str, npt.NDArray[np.floating[Any]]] = {}
    order = np.argsort(np.asarray(dataset["length"]), kind="stable")[::-1]  # longest first: memory fails at once
    device = next(model.parameters()).device
    collate = task.collator(tokenizer)
    done = 0
    for ids in np.array_split(order, max(1, -(-len(order) // _BATCH))):
        batch = {name: tensor.to(device) for name, tensor in collate(rows_of(dataset, ids.tolist())).items()}
        with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            reduced = task.reduce(model(**model_inputs(model, batch)), batch, task.options(model))
        for output in task.spec.outputs:
            values = reduced[output.name]
            if not torch.isfinite(values).all():
                raise StageError(f"{what}: the teacher answers NaN or infinity.", hint="Train it again, in fp32.")
            # Numbers have the data's units, and are as large and as fine as these; there are few of them.
            dtype = np.float32 if output.likelihood == "value" else np.float16
            array = (values.clamp(-_MOST, _MOST) if dtype is np.float16 else values).cpu().numpy()
            count, offset = counts[output.name], offsets[output.name]
            pieces = task.pieces(output, array, None if count is None else count[ids])
            if output.name not in written:
                total = len(dataset) if offset is None else int(offset[-1])
                written[output.name] = _open(
                    partial / f"{output.name}.npy", (total, *pieces[0].shape[offset is not None :]), dtype
                )
            _fill(written[output.name], offset, ids, pieces)
        done += len(ids)
        events.progress(what, done, len(dataset))
    _finish({name: Ragged(values, offsets[name]) for name, values in written.items()}, partial, folder)


def _offsets(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _open(file: Path, shape: tuple[int, ...], dtype: type[np.floating[Any]]) -> npt.NDArray[np.floating[Any]]:
    mapped: npt.NDArray[np.floating[Any]] = np.lib.format.open_memmap(file, mode="w+", dtype=dtype, shape=shape)
    reserve(file)
    return mapped


def _fill(
    values: npt.NDArray[np.floating[Any]],
    offsets: npt.NDArray[np.int64] | None,
    ids: npt.NDArray[np.int64],
    pieces: list[npt.NDArray[Any]],
) -> None:
    for row, piece in zip(ids.tolist(), pieces, strict=True):
        if offsets is None:
            values[row] = piece
        else:
            values[offsets[row] : offsets[row + 1]] = piece


def _finish(outputs: Mapping[str, Ragged], partial: Path, folder: Path) -> None:
    """Complete what is mapped already with its index, and rename the folder into place."""
    for ragged in outputs.values():
        ragged.values.flush()  # type: ignore[attr-defined]  # a memory map
    write_outputs(outputs, partial, values=False)
    shutil.rmtree(folder, ignore_errors=True)
    partial.replace(folder)


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
    statistics |= task.runtime.compared(keys, keys)
    np.savez(folder / STATISTICS, allow_pickle=False, **statistics)
    (folder / ANSWERS).write_text(json.dumps(keys, ensure_ascii=False), encoding="utf-8")
    return task.runtime.values(statistics)
