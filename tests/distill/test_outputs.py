from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from compressor.data import load_split, tokenize_split
from compressor.distill.label import SPLITS, compute_outputs
from compressor.distill.mixup import Mixture
from compressor.distill.outputs import CachedOutputs, LiveOutputs, PartlyCached
from compressor.distill.signals import HIDDEN_STATES, LOGITS
from compressor.errors import StageError
from compressor.events import Silent
from compressor.runtime.outputs import Ragged, read_outputs, write_outputs
from compressor.tasks import load_tokenizer
from compressor.tasks.base import Task
from tests.distill.conftest import MAX_LENGTH, Finished, Recorder


def stored(folder: Path, split: str) -> Any:
    return read_outputs(folder / split)["logits"].values


def test_row_i_holds_the_logits_of_example_i(outputs: Finished, teacher: Finished, data: Path) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(teacher.model).eval()
    tokenizer = AutoTokenizer.from_pretrained(teacher.model)
    for split in SPLITS:
        written = stored(outputs.folder, split)
        texts = load_split(data, split)
        assert written.dtype == np.float16 and written.shape == (len(texts), 2)
        for example in list(texts)[:12]:
            inputs = tokenizer(example["text"], truncation=True, max_length=MAX_LENGTH, return_tensors="pt")
            with torch.no_grad():
                expected = model(**inputs).logits[0].numpy()
            assert np.allclose(written[example["example_id"]], expected, atol=5e-3)


def test_facts_hold_the_teachers_metrics(outputs: Finished, data: Path) -> None:
    logits = stored(outputs.folder, "test")
    right = np.mean(logits.argmax(axis=1) == np.asarray(load_split(data, "test")["label"]))
    assert outputs.facts["test"]["accuracy"] == pytest.approx(right)
    assert outputs.facts["examples"] == {"train": 160, "validation": 20, "test": 20}
    assert outputs.facts["texts_per_second"] > 0
    assert {path.name for path in outputs.folder.iterdir()} == set(SPLITS)


def test_progress_counts_examples(outputs: Finished) -> None:
    calls = [call[:3] for call in outputs.events.calls if call[0] == "teacher: outputs, train"]
    assert calls[-1] == ("teacher: outputs, train", 160, 160)
    assert len(calls) > 1


def test_finished_splits_are_kept_and_a_broken_one_is_computed_again(
    outputs: Finished, teacher: Finished, task: Task, data: Path, tmp_path: Path
) -> None:
    kept = np.full((160, 2), 7, dtype=np.float16)
    write_outputs({"logits": Ragged(kept)}, tmp_path / "train")
    (tmp_path / "validation.partial").mkdir()
    write_outputs({"logits": Ragged(kept[:3])}, tmp_path / "test")
    events = Recorder()
    compute_outputs(
        task=task,
        model_folder=teacher.model,
        data=data,
        max_length=MAX_LENGTH,
        out=tmp_path,
        events=events,
        device="cpu",
        precision="fp32",
    )
    assert {call[0].rpartition(" ")[2] for call in events.calls} == {"validation", "test"}
    assert np.array_equal(stored(tmp_path, "train"), kept)
    for split in ("validation", "test"):
        assert np.array_equal(stored(tmp_path, split), stored(outputs.folder, split))
    assert not list(tmp_path.glob("*.partial*"))


def test_bf16_is_for_the_training_split_alone(
    outputs: Finished, teacher: Finished, task: Task, data: Path, tmp_path: Path
) -> None:
    facts = compute_outputs(
        task=task,
        model_folder=teacher.model,
        data=data,
        max_length=MAX_LENGTH,
        out=tmp_path,
        events=Silent(),
        device="cpu",
        precision="bf16",
    )
    assert facts["precision"] == "bf16"
    exact, rounded = (stored(folder, "train").astype(np.float32) for folder in (outputs.folder, tmp_path))
    assert 0 < np.abs(exact - rounded).mean() < 0.02 * exact.std()
    for split in ("validation", "test"):
        assert np.array_equal(stored(tmp_path, split), stored(outputs.folder, split))


def test_a_teacher_that_answers_nan_is_refused(teacher: Finished, task: Task, data: Path, tmp_path: Path) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(teacher.model)
    model.classifier.weight.data[0, 0] = torch.nan
    model.save_pretrained(tmp_path / "model")
    load_tokenizer(teacher.model).save_pretrained(tmp_path / "model")
    with pytest.raises(StageError, match="NaN"):
        compute_outputs(
            task=task,
            model_folder=tmp_path / "model",
            data=data,
            max_length=MAX_LENGTH,
            out=tmp_path / "out",
            events=Silent(),
            device="cpu",
        )


def tokens_of(task: Task, folder: Path, data: Path, cache: Path) -> Any:
    return tokenize_split(load_split(data, "train"), task, load_tokenizer(folder), max_length=MAX_LENGTH, cache=cache)


def batch_of(task: Task, folder: Path, data: Path, ids: list[int], cache: Path) -> dict[str, Any]:
    dataset = tokens_of(task, folder, data, cache)
    return task.collator(load_tokenizer(folder))([dataset[i] for i in ids])


def test_cached_and_live_outputs_agree(
    outputs: Finished, teacher: Finished, task: Task, data: Path, tmp_path: Path
) -> None:
    batch = batch_of(task, teacher.model, data, [9, 2, 140], tmp_path)
    rows = tokens_of(task, teacher.model, data, tmp_path)
    cached = CachedOutputs(read_outputs(outputs.folder / "train"), task=task, rows=rows).read(
        batch, frozenset({LOGITS})
    )
    model = task.load_model(teacher.model, ["bad", "good"])
    live = LiveOutputs(model, task).read(batch, frozenset({LOGITS, HIDDEN_STATES}))
    assert set(cached) == {LOGITS} and cached[LOGITS]["logits"].dtype == torch.float32
    assert torch.allclose(cached[LOGITS]["logits"], live[LOGITS]["logits"], atol=5e-3)
    assert [state.shape for state in live[HIDDEN_STATES]] == [(3, batch["input_ids"].shape[1], 32)] * 3
    assert not live[LOGITS]["logits"].requires_grad


def test_the_teacher_computes_only_what_is_not_kept(
    outputs: Finished, teacher: Finished, task: Task, data: Path, tmp_path: Path
) -> None:
    batch = batch_of(task, teacher.model, data, [9, 2, 140], tmp_path)
    rows = tokens_of(task, teacher.model, data, tmp_path)
    cached = CachedOutputs(read_outputs(outputs.folder / "train"), task=task, rows=rows)
    model = task.load_model(teacher.model, ["bad", "good"])
    runs: list[int] = []
    model.register_forward_hook(lambda *_: runs.append(1))
    source = PartlyCached(cached, LiveOutputs(model, task))
    kept = source.read(batch, frozenset({LOGITS}))
    assert not runs, "stored outputs were all that was asked for"
    both = source.read(batch, frozenset({LOGITS, HIDDEN_STATES}))
    assert len(runs) == 1 and len(both[HIDDEN_STATES]) == 3
    for found in (kept, both):
        assert np.array_equal(found[LOGITS]["logits"], stored(outputs.folder, "train")[[9, 2, 140]].astype(np.float32))


def test_a_live_teacher_with_another_tokenizer_reads_the_same_examples_in_its_own_tokens(
    outputs: Finished, teacher: Finished, task: Task, data: Path, tmp_path: Path, decoder_folder: Path
) -> None:
    tokenizer = load_tokenizer(teacher.model)
    dataset = tokenize_split(load_split(data, "train"), task, tokenizer, max_length=MAX_LENGTH, cache=tmp_path)
    source = LiveOutputs(task.load_model(teacher.model, ["bad", "good"]), task, (dataset, task.collator(tokenizer)))
    foreign = {"input_ids": torch.ones(3, 4, dtype=torch.long), "row_id": torch.tensor([9, 2, 140])}
    expected = stored(outputs.folder, "train")[[9, 2, 140]]
    assert np.allclose(source.read(foreign, frozenset({LOGITS}))[LOGITS]["logits"], expected, atol=5e-3)


def test_a_live_teacher_mixes_its_own_tokens_of_the_same_examples(
    teacher: Finished, task: Task, data: Path, tmp_path: Path, decoder_folder: Path
) -> None:
    tokenizer, dataset = load_tokenizer(teacher.model), tokens_of(task, teacher.model, data, tmp_path)
    model, ids = task.load_model(teacher.model, ["bad", "good"]), [30, 4, 7]
    mixture = Mixture(torch.tensor([2, 0, 1]), torch.tensor([0.3, 0.9, 0.5]))
    own = LiveOutputs(model, task).read_mixed(batch_of(task, teacher.model, data, ids, tmp_path), mixture)
    other = LiveOutputs(model, task, (dataset, task.collator(tokenizer)))
    found = other.read_mixed(batch_of(task, decoder_folder, data, ids, tmp_path / "students"), mixture)
    assert torch.allclose(found["logits"], own["logits"], atol=1e-5)
    assert not found["logits"].requires_grad


def test_a_cache_of_other_data_is_refused(
    outputs: Finished, teacher: Finished, task: Task, data: Path, tmp_path: Path
) -> None:
    rows = tokens_of(task, teacher.model, data, tmp_path).select(range(159))
    with pytest.raises(StageError, match=r"logits are there for 160 rows; the split has 159"):
        CachedOutputs(read_outputs(outputs.folder / "train"), task=task, rows=rows)
