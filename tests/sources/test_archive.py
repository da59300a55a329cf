"""Taking files out of an archive that may be hostile or damaged."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compressor.errors import SourceError
from compressor.sources.archive import extract
from tests.sources.sdists import write_sdist
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


@pytest.mark.parametrize("suffix", [".tar.gz", ".zip"])
def test_names_in_a_source_distribution_begin_below_its_one_folder(tmp_path: Path, suffix: str) -> None:
    archive = write_sdist(tmp_path, {"data/a.csv": b"1", "data/b.csv": b"2", "setup.py": b"3"}, suffix=suffix)
    assert set(extract(archive, "data", tmp_path / "into", without_top=True)) == {"data/a.csv", "data/b.csv"}
    assert (tmp_path / "into" / "data" / "b.csv").read_bytes() == b"2"
    with pytest.raises(SourceError, match=r"no 'a\.csv'") as caught:
        extract(archive, "a.csv", tmp_path / "into", without_top=True)
    assert str(caught.value.hint).startswith("Did you mean data/a.csv")


def test_names_are_whole_where_no_folder_holds_everything(tmp_path: Path) -> None:
    archive = write_sdist(tmp_path, {"a/c.csv": b"1", "./b/c.csv": b"2"}, top="")
    assert set(extract(archive, "b", tmp_path / "into", without_top=True)) == {"b/c.csv"}


def tar_of(path: Path, *members: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type, found.linkname, found.size = kind, link, int(kind == tarfile.REGTYPE)
    return found


@pytest.mark.parametrize("name", ["p/d/../../../out", "p/d//out", "p/d/C:out", "p/d/..\\out"])
def test_a_name_in_a_tar_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    archive = tar_of(tmp_path / "a.tar.gz", member("p/d/first"), member(name))
    with pytest.raises(SourceError, match="leads out of its folder"):
        extract(archive, "d", tmp_path / "into", without_top=True)
    assert not (tmp_path / "into").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_what_is_no_plain_file_in_a_tar_is_refused(tmp_path: Path, kind: bytes) -> None:
    archive = tar_of(tmp_path / "a.tar.gz", member("p/other"), member("p/d/link", kind, "/etc/passwd"))
    with pytest.raises(SourceError, match="a link or a device"):
        extract(archive, "d", tmp_path / "into", without_top=True)
    assert not list(tmp_path.glob("into/**/link"))
    assert extract(archive, "other", tmp_path / "into", without_top=True)  # what isn't asked for doesn't matter


def test_what_unpacks_beyond_all_measure_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compressor.sources.archive.MIN_BOMB_BYTES", 1 << 20)
    for suffix in (".tar.gz", ".zip"):
        archive = write_sdist(tmp_path, {"a.txt": bytes(2 << 20), "b.txt": b"1"}, suffix=suffix)
        with pytest.raises(SourceError, match="unpacks to more than 200 times its size"):
            extract(archive, "a.txt", tmp_path / "into", without_top=True)
        assert extract(archive, "b.txt", tmp_path / "into", without_top=True)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10_000), byte=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_tar_is_said_to_be_damaged(tmp_path: Path, place: int, byte: int, cut: bool) -> None:
    content = bytearray(write_sdist(tmp_path, {f"d/{i}.csv": b"text %d" % i for i in range(5)}).read_bytes())
    place %= len(content)
    content[place] = byte
    damaged = tmp_path / "damaged.tar.gz"
    damaged.write_bytes(content[:place] if cut else content)
    try:
        extract(damaged, "d", tmp_path / "into", without_top=True)
    except SourceError as error:
        assert "damaged.tar.gz" in error.message
