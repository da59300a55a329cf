"""Find a source distribution at the package indexes that pip is set to, and download it: nothing is built or run.

unearth reads the indexes (PEP 503 and PEP 691) and has pip's rules for credentials: in the address, netrc, keyring.
"""

from __future__ import annotations

import logging
import os
import re
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compressor.errors import HashMismatch, MissingExtra, SourceError, listed, shortened
from compressor.sources.archive import ARCHIVES
from compressor.sources.pip import pip_settings

if TYPE_CHECKING:
    from unearth import Link, Package, PackageFinder
    from unearth.fetchers import PyPIClient

__all__ = ["download_sdist"]

_TIMEOUT_S = 15.0
"""pip's own."""


def download_sdist(
    name: str,
    version: str,
    folder: Path,
    *,
    sha256: str | None = None,
    progress: Callable[[float, float | None], None],
) -> Path:
    """Download the source distribution of `name==version` into `folder`, and compare it with the digest that the index
    states. One that lies in a local folder of `--find-links` stays there.

    Args:
        sha256: where there are several, the one with this digest is taken.
        progress: told how many bytes are there, and of how many.

    Raises:
        SourceError: there is none, or it can't be had. HashMismatch: it isn't what the index says.
        MissingExtra: unearth isn't installed.
    """
    try:
        import httpx2
        from unearth.errors import HashMismatchError, UnpackError
    except ImportError as error:
        raise MissingExtra(f"sdist://{name}=={version}", "toolkit", "unearth") from error
    settings = pip_settings(f"{name}=={version}")
    with _client(settings) as client, _said() as reasons:
        finders = list(_finders(settings, client))
        link = _choose(_found(finders, name, reasons), name, version, sha256, reasons)
        stated = link.hash_option or {}
        if "sha256" in stated:  # of several digests unearth is content with any
            stated = {"sha256": stated["sha256"]}
        try:
            return finders[0].download(link, folder, stated, lambda _, done, total: progress(done, total))
        except HashMismatchError as error:
            raise HashMismatch(
                f"{link.filename} is not what the index says it is: {_redacted(str(error))}",
                hint="Nothing of it was kept. Run again; if it stays so, ask who keeps the index.",
            ) from error
        except (httpx2.HTTPError, httpx2.InvalidURL, UnpackError, ValueError) as error:
            raise SourceError(
                f"{link.filename} can't be downloaded: {_redacted(str(error) or type(error).__name__)}",
                hint="Check the network, and run again.",
            ) from error


def _client(settings: Mapping[str, str]) -> PyPIClient:
    """What asks the indexes, with pip's own settings for the network."""
    from unearth.auth import MultiDomainBasicAuth
    from unearth.fetchers import PyPIClient

    options: dict[str, Any] = {}
    if "cert" in settings:
        try:
            options["verify"] = ssl.create_default_context(cafile=settings["cert"])
        except OSError as error:
            raise SourceError(
                f"pip's setting `cert`, {settings['cert']}, can't be read: {error}.", hint="Mend or unset it."
            ) from error
    if "client-cert" in settings:
        options["cert"] = settings["client-cert"]
    if "proxy" in settings:
        options["proxy"] = settings["proxy"]
    client = PyPIClient(
        trusted_hosts=settings.get("trusted-host", "").split(),
        timeout=float(settings.get("timeout") or settings.get("default-timeout") or _TIMEOUT_S),
        follow_redirects=True,
        **options,
    )
    client.auth = MultiDomainBasicAuth(prompting=False, index_urls=_indexes(settings))
    return client


def _finders(settings: Mapping[str, str], client: PyPIClient) -> Iterator[PackageFinder]:
    """One for each place to look in, so that one that doesn't answer spares the others."""
    from unearth import PackageFinder

    places: list[dict[str, Any]] = [{"index_urls": [url]} for url in _indexes(settings)]
    places += [{"find_links": [link]} for link in map(_place, settings.get("find-links", "").split())]
    if not places:
        raise SourceError(
            "pip is set to look nowhere: `no-index`, without `find-links`.",
            hint="Unset PIP_NO_INDEX, or set PIP_FIND_LINKS.",
        )
    for place in places:
        # Nothing is installed, so that the package need not fit this Python. The client is unearth's own, whatever its
        # types say.
        yield PackageFinder(client, **place, no_binary=[":all:"], ignore_compatibility=True)  # type: ignore[arg-type]


def _indexes(settings: Mapping[str, str]) -> list[str]:
    from unearth import PackageFinder

    if settings.get("no-index", "").lower() in ("1", "true", "t", "yes", "y", "on"):
        return []
    usual = PackageFinder().sources[0]["url"]
    urls = [settings.get("index-url", usual), *settings.get("extra-index-url", "").split()]
    return [_place(url) for url in urls]


def _place(said: str) -> str:
    """An address; of a folder of this machine too."""
    # os.path.expanduser, because Path.expanduser raises for a user that isn't there.
    return said if "://" in said else Path(os.path.expanduser(said)).absolute().as_uri()  # noqa: PTH111


def _found(finders: Sequence[PackageFinder], name: str, reasons: list[str]) -> list[Package]:
    """Every source distribution of a package. Why a place could not be asked joins `reasons`."""
    import httpx2

    found: list[Package] = []
    for finder in finders:
        try:
            packages = finder.find_all_packages(name, allow_yanked=True)
            found += [package for package in packages if package.link.filename.lower().endswith(ARCHIVES)]
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            reasons.append(f"{finder.sources[0]['url']}: {str(error) or type(error).__name__}")
    return found


def _choose(found: Sequence[Package], name: str, version: str, sha256: str | None, reasons: Sequence[str]) -> Link:
    """The file of one version: the pinned one, else a tar.gz before a zip.

    Raises:
        SourceError: there is none.
    """
    from packaging.specifiers import SpecifierSet

    wanted = SpecifierSet(f"=={version}")
    links = [one.link for one in found if one.version and wanted.contains(one.version, prereleases=True)]
    if links:
        pinned = [link for link in links if sha256 in (link.hash_option or {}).get("sha256", ())]
        return min(pinned or links, key=lambda link: link.filename.lower().endswith(".zip"))
    message = f"There is no source distribution of {name}=={version} where pip looks."
    versions = list(dict.fromkeys(one.version for one in found if one.version))[:5]
    if versions:
        raise SourceError(message, hint=f"There are those of other versions: {listed(versions[::-1])}.")
    said = "; ".join(shortened(_redacted(reason), 200) for reason in reasons[:3])
    hint = "Check the name and the version, and that it has one. PIP_INDEX_URL and PIP_FIND_LINKS say where pip looks."
    raise SourceError(f"{message} ({said})" if said else message, hint=hint)


@contextmanager
def _said() -> Iterator[list[str]]:
    """What unearth has to say of places that it left out, which it only logs."""
    said: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    listener = Listener(logging.WARNING)
    logger = logging.getLogger("unearth")
    logger.addHandler(listener)
    try:
        yield said
    finally:
        logger.removeHandler(listener)


def _redacted(text: str) -> str:
    """Without the credentials that an address may hold."""
    return re.sub(r"//[^/\s]*@", "//***@", text)
