from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from compressor.data import column_of, examples_of, load_split
from compressor.data.arrow import write_arrow
from compressor.distill.transfer_set import TEXTS, WEIGHT, Joined, TextSource, TransferSet
from compressor.errors import DataError
from compressor.runtime.outputs import Ragged, write_outputs
from compressor.tasks import load_tokenizer
from compressor.tasks.base import IGNORED, Task
from tests.distill.conftest import MAX_LENGTH, Finished

MADE = ["good film", "bad film", "a good bad film"]


def write_texts(
    folder: Path, data: Path, texts: Sequence[str] = MADE, parents: Sequence[int | None] | None = None
) -> Path:
    """A folder of texts without labels, with the columns of the training split; with `parents`, which rows of it they
    are made of, too."""
    schema = load_split(data, "train").features.arrow_schema.remove_metadata()
    columns = {"text": texts, "label": [None] * len(texts), "example_id": list(range(len(texts)))}
    if parents is not None:
        schema, columns = schema.append(pa.field("parent", pa.int64())), {**columns, "parent": parents}
    folder.mkdir(parents=True)
    batch = pa.RecordBatch.from_pydict({name: columns[name] for name in schema.names}, schema=schema)
    write_arrow(folder / f"{TEXTS}.arrow", schema, iter([batch]))
    return folder


@pytest.fixture
def made(tmp_path: Path, data: Path) -> TextSource:
    outputs = tmp_path / "made-outputs"
    write_outputs({"logits": Ragged(np.arange(6, dtype=np.float16).reshape(3, 2))}, outputs / TEXTS)
    return TextSource("augment", write_texts(tmp_path / "made", data), outputs)


def test_made_texts_follow_the_training_split_and_have_no_label(
    task: Task, encoder_folder: Path, data: Path, made: TextSource, tmp_path: Path
) -> None:
    transfer_set = TransferSet(data, more=(made,))
    rows = transfer_set.rows(task, load_tokenizer(encoder_folder), max_length=MAX_LENGTH, cache=tmp_path / "cache")
    assert rows["row_id"] == list(range(163))
    assert examples_of(rows).tolist() == list(range(163)), "texts of different sources are told apart"
    assert set(rows["labels"][:160]) == {0, 1} and rows["labels"][160:] == [IGNORED] * 3
    alone = TransferSet(data).rows(
        task, load_tokenizer(encoder_folder), max_length=MAX_LENGTH, cache=tmp_path / "cache"
    )
    assert rows["input_ids"][:160] == alone["input_ids"]


def test_only_chosen_texts_are_used_with_what_the_teacher_said_of_them(
    task: Task, encoder_folder: Path, data: Path, outputs: Finished, made: TextSource, tmp_path: Path
) -> None:
    np.save(tmp_path / "chosen.npy", np.array([0, 2]))
    chosen = TextSource("augment", made.folder, made.outputs, tmp_path / "chosen.npy")
    transfer_set = TransferSet(data, outputs.folder, (chosen,))
    tokenizer = load_tokenizer(encoder_folder)
    rows = transfer_set.rows(task, tokenizer, max_length=MAX_LENGTH, cache=tmp_path / "cache")
    said = transfer_set.teacher_outputs()["logits"]
    assert len(rows) == len(said) == 162
    assert tokenizer.decode(rows[161]["input_ids"], skip_special_tokens=True) == MADE[2]
    assert np.array_equal(said[160], [0, 1]) and np.array_equal(said[161], [4, 5])


def test_what_the_teacher_said_is_kept_of_all_texts_or_it_must_run(
    outputs: Finished, data: Path, made: TextSource
) -> None:
    assert TransferSet(data, outputs.folder, (made,)).is_labelled
    assert not TransferSet(data, outputs.folder, (TextSource("augment", made.folder),)).is_labelled


def test_rows_that_belong_together_are_not_parted(
    task: Task, encoder_folder: Path, data: Path, made: TextSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(task), "rows_together", lambda self, dataset, **_: 2)
    with pytest.raises(DataError, match="aren't pairs"):
        TransferSet(data, more=(made,)).rows(
            task, load_tokenizer(encoder_folder), max_length=MAX_LENGTH, cache=tmp_path
        )


def test_joined_rows_are_those_of_the_parts_in_order() -> None:
    parts = [Ragged(np.arange(4).reshape(4, 1)), Ragged(np.arange(4, 6).reshape(2, 1))]
    joined = Joined(parts)
    assert len(joined) == 6 and [int(row[0]) for row in joined] == [int(joined[i][0]) for i in range(6)] == list(
        range(6)
    )


@pytest.mark.parametrize("inherits", [True, False])
def test_a_copy_weighs_what_its_original_does_unless_heavier_texts_were_copied_more_often(
    task: Task, encoder_folder: Path, data: Path, tmp_path: Path, inherits: bool
) -> None:
    np.save(tmp_path / "weights.npy", np.linspace(0.5, 1.5, 160))
    folder = write_texts(tmp_path / "made", data, parents=[159, None, 0])
    np.save(tmp_path / "chosen.npy", np.array([0, 1]))
    source = TextSource("augment", folder, inherits_weights=inherits)
    for chosen, copies in ((None, [1.5, 1, 0.5] if inherits else [1, 1, 1]), (tmp_path / "chosen.npy", None)):
        transfer_set = TransferSet(data, more=(replace(source, chosen=chosen),), weights=tmp_path / "weights.npy")
        rows = transfer_set.rows(task, load_tokenizer(encoder_folder), max_length=MAX_LENGTH, cache=tmp_path / "cache")
        found = column_of(rows, WEIGHT).tolist()
        assert found[:160] == np.linspace(0.5, 1.5, 160).tolist()
        assert found[160:] == (copies or ([1.5, 1] if inherits else [1, 1]))
