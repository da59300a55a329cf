"""Putting a finished download into place."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest

from compressor.errors import DiskFull, SourceError
from compressor.sources.disk import partial_folder, publish, writing


def folder(path: Path, content: str) -> Path:
    path.mkdir(parents=True)
    (path / "file").write_text(content)
    return path


def is_good(path: Path) -> bool:
    return (path / "file").read_text() == "good"


def test_the_folder_of_a_faster_process_stays(tmp_path: Path) -> None:
    new, final = folder(tmp_path / "partial" / "new", "mine"), folder(tmp_path / "final", "good")
    publish(new, final, is_good)
    assert (final / "file").read_text() == "good"


def test_a_damaged_folder_is_replaced(tmp_path: Path) -> None:
    new, final = folder(tmp_path / "partial" / "new", "mine"), folder(tmp_path / "final", "damaged")
    publish(new, final, is_good)
    assert (final / "file").read_text() == "mine"


def test_a_damaged_folder_that_another_process_clears_away_first_is_no_error(tmp_path: Path) -> None:
    new, final = folder(tmp_path / "partial" / "new", "mine"), folder(tmp_path / "final", "damaged")

    def cleared_meanwhile(path: Path) -> bool:
        path.rename(tmp_path / "by-the-other")
        return False

    publish(new, final, cleared_meanwhile)
    assert (final / "file").read_text() == "mine"


def test_what_a_killed_process_left_is_cleared_after_a_day_and_not_before(tmp_path: Path) -> None:
    old, fresh = folder(tmp_path / ".partial-old", ""), folder(tmp_path / ".partial-fresh", "")
    os.utime(old, (time.time() - 25 * 3600,) * 2)
    with partial_folder(tmp_path) as temporary:
        assert temporary.parent == tmp_path
    assert sorted(tmp_path.iterdir()) == [fresh]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_or_quota_has_its_own_error(tmp_path: Path, code: int) -> None:
    with pytest.raises(DiskFull, match=str(tmp_path)), writing(tmp_path):
        raise OSError(code, os.strerror(code))


def test_other_trouble_with_the_folder_is_a_source_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"x can't be written: Permission denied"), writing(tmp_path):
        raise OSError(errno.EACCES, "Permission denied", str(tmp_path / "x"))
