"""What would go to a hub: the files of a verified bundle, and what they give away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from compressor.errors import BundleError, GatesFailed, listed
from compressor.push.scan import find_paths, find_secrets
from compressor.runtime import Manifest, verify
from compressor.runtime.golden import GOLDEN, Golden
from compressor.runtime.manifest import MANIFEST, SIGNATURE

__all__ = ["REPORT", "Upload", "make_upload"]

REPORT = "report.html"
"""Beside the bundle in a run directory."""
_CARD = "README.md"


@dataclass(frozen=True)
class Upload:
    """Files that go, and what whoever sends them should know."""

    manifest: Manifest
    files: Mapping[str, Path]
    """Name in the repository -> file; the manifest and its signature last."""
    carries: tuple[str, ...]
    """What they give away, a sentence each."""
    left: tuple[str, ...]
    """Files of the folder that aren't of the bundle and stay here."""

    @property
    def sizes(self) -> dict[str, int]:
        """Name -> bytes."""
        return {name: path.stat().st_size for name, path in self.files.items()}


def make_upload(folder: Path, *, report: bool = False, force: bool = False) -> Upload:
    """Look through a bundle before it is sent. Needs no network.

    Args:
        report: send the report of the run too.
        force: send it though gates failed, it seems to hold secrets, or random texts were planted in its training.

    Raises:
        VerificationFailed: its files or answers aren't those it was sealed with.
        GatesFailed: gates of its recipe failed.
        BundleError: it is no bundle, seems to hold secrets, was trained with planted texts, or has no report beside it.
    """
    folder = Path(folder)
    verify(folder)
    manifest = Manifest.read(folder)
    files = {name: folder / name for name in (*manifest.files, MANIFEST)}
    if (folder / SIGNATURE).is_file():
        files[SIGNATURE] = folder / SIGNATURE
    if report:
        files[REPORT] = _report_of(folder)
    secrets = [f"{name} seems to hold {found}" for name, path in files.items() for found in find_secrets(path)]
    if not force:
        _refuse(manifest, secrets)
    own = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    carries = [f"{secret}." for secret in secrets] + list(_carried(folder, manifest, files))
    return Upload(manifest, files, tuple(carries), tuple(sorted(own - files.keys())))


def _report_of(folder: Path) -> Path:
    file = folder.resolve().parent / REPORT
    if not file.is_file():
        raise BundleError(f"There is no {REPORT} beside {folder}.", hint="Give the bundle in its run directory.")
    return file


def _refuse(manifest: Manifest, secrets: Sequence[str]) -> None:
    """Raise where a bundle had better not leave."""
    if manifest.planted:
        raise BundleError(
            f"{manifest.planted} random texts were planted among the training texts of {manifest.name}: it was made to "
            "be measured.",
            hint="Run the recipe without audit.canaries, or push it all the same with --force.",
        )
    if not manifest.passed:
        failed = [f"{gate.get('name')} {gate.get('expression')}" for gate in manifest.gates if not gate.get("passed")]
        raise GatesFailed(
            f"The bundle {manifest.name} doesn't hold what its recipe asks for: {listed(failed)}.",
            hint="Push it all the same with --force.",
        )
    if secrets:
        raise BundleError(
            f"{'; '.join(secrets)}.", hint="Make the bundle without it, or push it all the same with --force."
        )


def _carried(folder: Path, manifest: Manifest, files: Mapping[str, Path]) -> Iterator[str]:
    if manifest.planted:
        yield f"The model was trained with {manifest.planted} planted random texts, to be measured."
    if texts := Golden.read(folder, manifest).texts_of_data(manifest):
        yield (
            f"{GOLDEN} holds {len(texts)} texts of the data. Without: `bundle: {{examples: false}}` in the "
            "recipe, then run it again (all but the last stages are kept)."
        )
        if REPORT in files:
            yield f"{REPORT} shows texts of the data, those that teacher and shipped variant answer otherwise."
    for name, path in files.items():
        if paths := find_paths(path):
            yield f"{name} names folders of a machine: {listed(paths, most=3)}."
    if "\nlicense:" not in (folder / _CARD).read_text(encoding="utf-8").partition("\n---")[0]:
        yield f"{_CARD} names no license. With one: `bundle: {{license: apache-2.0}}` in the recipe."
