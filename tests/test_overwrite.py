from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from compressor.errors import DiskFull, RecipeError
from compressor.overwrite import BENCHMARK, COMPARISON, MARKER, RUN, FolderKind, claim_file, claim_folder, is_ours
from tests.command import compressor
from tests.tiny_run import TinyRun

KINDS = [RUN, BENCHMARK, COMPARISON]


def tree(folder: Path) -> dict[str, bytes]:
    """Every file and what it holds."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A folder of somebody who has a bundle and reports of their own."""
    folder = tmp_path / "theirs"
    (folder / "bundle").mkdir(parents=True)
    for name in ("bundle/model.onnx", "report.html", "report.md", "comparison.html", "run.json", "measurements.json"):
        (folder / name).write_text('{"mine": true}', encoding="utf-8")
    return folder


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_folder_of_somebody_else_is_refused_unless_it_is_to_be_overwritten(kind: FolderKind, theirs: Path) -> None:
    before = tree(theirs)
    with pytest.raises(RecipeError, match="--overwrite"):
        claim_folder(theirs, kind)
    assert tree(theirs) == before
    claim_folder(theirs, kind, overwrite=True)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_missing_or_empty_folder_is_made_ready(kind: FolderKind, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", tmp_path / "deep" / "missing"):
        claim_folder(folder, kind)
        assert folder.is_dir()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("left", ["", '{"compr'])
def test_a_command_that_was_killed_at_its_very_start_finds_its_folder_again(
    kind: FolderKind, left: str, tmp_path: Path
) -> None:
    (tmp_path / (MARKER if kind.marked else f".{kind.document}")).write_text(left, encoding="utf-8")
    claim_folder(tmp_path, kind)


@pytest.mark.parametrize("kind", [BENCHMARK, COMPARISON], ids=lambda kind: kind.name)
def test_a_command_that_broke_off_finds_its_folder_again(kind: FolderKind, tmp_path: Path) -> None:
    claim_folder(tmp_path / "out", kind)
    (tmp_path / "out" / "raw").mkdir()
    claim_folder(tmp_path / "out", kind)
    others = [other for other in KINDS if other is not kind]
    assert not is_ours(tmp_path / "out", *others)


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        (RUN, {"status": "finished", "at": "2026-01-01T00:00:00+00:00", "passed": True}),
        (BENCHMARK, [{"subject": "int8", "engine": "onnxruntime", "target": "cpu-1"}]),
        (COMPARISON, {"rows": [], "verdict": "pass"}),
    ],
)
def test_a_folder_of_an_earlier_version_is_known_by_its_document(
    kind: FolderKind, document: Any, tmp_path: Path
) -> None:
    (tmp_path / kind.document).write_text(json.dumps(document), encoding="utf-8")
    claim_folder(tmp_path, kind)


@pytest.mark.parametrize("text", ["", "[]", "[1]", '"run"', "[" * 100_000, "\udcff"])
def test_a_document_that_cannot_be_read_is_nobodys(text: str, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(text, encoding="utf-8", errors="surrogateescape")
    assert not is_ours(tmp_path, *KINDS)


def test_a_full_disk_is_explained_with_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, *args: Any, **options: Any) -> None:
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "mkdir", full)
    with pytest.raises(DiskFull, match="--out"):
        claim_folder(tmp_path / "out", RUN)


def test_a_file_is_overwritten_only_where_that_is_asked_for(tmp_path: Path) -> None:
    claim_file(tmp_path / "new.html")
    (tmp_path / "old.html").write_text("mine", encoding="utf-8")
    with pytest.raises(RecipeError, match="--overwrite"):
        claim_file(tmp_path / "old.html")
    claim_file(tmp_path / "old.html", overwrite=True)


def test_every_command_refuses_a_folder_of_somebody_else_before_anything_is_run(
    theirs: Path, tiny_run: TinyRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPRESSOR_HOME", str(tiny_run.home))
    before = tree(theirs)
    commands = [("run", tiny_run.recipe), ("bench", tiny_run.bundle), ("compare", tiny_run.bundle, tiny_run.bundle)]
    for command in commands:
        compressor(*command, "--out", theirs).fails(2, "nothing in it is overwritten", "--overwrite")
    compressor("report", tiny_run.out, "--out", theirs / "report.html").fails(2, "is there already", "--overwrite")
    assert tree(theirs) == before
    compressor("report", tiny_run.out, "--out", theirs / "report.html", "--overwrite").succeeds()
    assert b"<html" in (theirs / "report.html").read_bytes()
