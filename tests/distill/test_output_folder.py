from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from compressor.distill.output_folder import OutputFolder, is_whole, join_folders

ROWS = 7
COUNTS = {"dense": None, "ragged": np.array([2, 0, 3, 1, 1, 4, 2])}
DENSE = np.arange(ROWS * 2, dtype=np.float16).reshape(ROWS, 2)
RAGGED = [np.full((count, 3), row, dtype=np.float16) for row, count in enumerate(COUNTS["ragged"])]  # type: ignore[arg-type]


def fill(folder: Path, rows: npt.NDArray[np.int64], batches: list[list[int]]) -> None:
    out = OutputFolder(folder, rows, COUNTS)
    for batch in map(np.array, batches):
        out.add("dense", batch, [DENSE[row] for row in batch], np.float16)
        out.add("ragged", batch, [RAGGED[row] for row in batch], np.float16)
    assert not is_whole(folder, len(rows)), "nobody may take it for finished"
    out.finish()


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_folders_of_parts_become_byte_for_byte_that_of_one_process(tmp_path: Path) -> None:
    fill(tmp_path / "one", np.arange(ROWS), [[5, 2], [0, 6], [3, 4, 1]])
    parts = [(tmp_path / "parts" / "1", np.array([2, 3, 4, 5])), (tmp_path / "parts" / "2", np.array([0, 1, 6]))]
    fill(*parts[0], [[5, 2], [3, 4]])
    fill(*parts[1], [[6, 0], [1]])
    join_folders(parts, tmp_path / "joined", COUNTS)
    assert content(tmp_path / "joined") == content(tmp_path / "one")
    assert is_whole(tmp_path / "joined", ROWS)
    assert not is_whole(tmp_path / "joined", ROWS + 1)
    assert list((tmp_path / "parts").iterdir()) == []


def test_what_a_killed_process_left_is_begun_anew(tmp_path: Path) -> None:
    OutputFolder(tmp_path / "one", np.arange(ROWS), COUNTS).add("dense", np.array([0]), [DENSE[0]], np.float16)
    fill(tmp_path / "one", np.arange(ROWS), [[0, 1, 2, 3, 4, 5, 6]])
    assert is_whole(tmp_path / "one", ROWS)
    assert [path.name for path in tmp_path.iterdir()] == ["one"]
