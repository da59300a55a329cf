"""Taking files out of an archive that may be hostile or damaged."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest

from compressor.errors import SourceError
from compressor.sources.archive import extract
from tests.sources.wheels import write_wheel


@pytest.mark.parametrize("name", ["m/../../out", "m/..\\out", "m//out", "m/./out", "m/C:out"])
def test_a_name_that_leads_out_is_refused_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    archive = write_wheel(tmp_path, {"m/first.txt": b"x", name: b"x"})
    with pytest.raises(SourceError, match="leads out of its folder"):
        extract(archive, "m", tmp_path / "into")
    assert not (tmp_path / "into").exists()


def test_a_link_in_the_archive_becomes_a_plain_file(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("m/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    extract(tmp_path / "a.whl", "m", tmp_path / "into")
    assert not (tmp_path / "into" / "m" / "link").is_symlink()
    assert (tmp_path / "into" / "m" / "link").read_text() == "/etc/passwd"


def test_a_folder_is_not_mistaken_for_one_whose_name_begins_alike(tmp_path: Path) -> None:
    archive = write_wheel(tmp_path, {"m/model/a": b"1", "m/model-large/a": b"2", "m/model.txt": b"3"})
    assert set(extract(archive, "m/model", tmp_path / "into")) == {"m/model/a"}


@pytest.mark.parametrize(
    ("asked", "hinted"),
    [
        ("m/data/revews.csv", "Did you mean m/data/reviews.csv"),
        ("reviews.csv", "Did you mean m/data/reviews.csv"),
        ("zzzz", "At its top are m, "),
    ],
)
def test_a_path_that_is_not_there_leads_to_those_that_are(tmp_path: Path, asked: str, hinted: str) -> None:
    archive = write_wheel(tmp_path, {"m/data/reviews.csv": b"", "m/data/other.bin": b""})
    with pytest.raises(SourceError) as caught:
        extract(archive, asked, tmp_path / "into")
    assert hinted in str(caught.value.hint)


def test_a_flipped_byte_is_damage(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.whl", "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("m/a", b"precious contents")
    content = (tmp_path / "a.whl").read_bytes().replace(b"precious", b"previous")
    (tmp_path / "a.whl").write_bytes(content)
    with pytest.raises(SourceError, match=r"a\.whl is damaged"):
        extract(tmp_path / "a.whl", "m/a", tmp_path / "into")


def test_a_file_that_is_no_archive_is_damage(tmp_path: Path) -> None:
    (tmp_path / "a.whl").write_bytes(b"not a zip")
    with pytest.raises(SourceError, match=r"a\.whl is damaged"):
        extract(tmp_path / "a.whl", "m", tmp_path / "into")
