from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from safetensors import SafetensorError

from compressor.disk import disk_full_explained, reserve
from compressor.errors import DiskFull


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)),
        SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
        Exception("No space left on device (os error 28)"),  # tokenizers
        RuntimeError("basic_ios::clear: iostream error"),  # torch.save
        RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 66240 vs 66132"),  # torch.save
    ],
)
def test_a_full_disk_is_told_whoever_met_it(error: Exception, tmp_path: Path) -> None:
    with pytest.raises(DiskFull, match="run the same command again"), disk_full_explained(tmp_path):
        raise error


def test_other_errors_go_on_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="shape"), disk_full_explained(tmp_path):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")


def test_space_for_a_memory_map_is_claimed_before_it_is_filled(tmp_path: Path) -> None:
    file = tmp_path / "logits.npy"
    np.lib.format.open_memmap(file, mode="w+", dtype=np.float16, shape=(300_000, 2))
    size = file.stat().st_size
    reserve(file)
    assert file.stat().st_size == size
    assert file.stat().st_blocks * 512 >= size
