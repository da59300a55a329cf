"""Hub ids, against a local cache and a hub client that is told what to answer."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import huggingface_hub
import pytest
from huggingface_hub import constants, errors
from huggingface_hub.utils import filter_repo_objects

from compressor.errors import CompressorError, DiskFull, MissingExtra, SourceError, UnsafeSource
from compressor.events import Silent
from compressor.sources.hub import HubSource
from tests.sources.conftest import Heard

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub client's cache, holding org/model and the data set org/data, each at COMMIT, `main` pointing to it."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    for repository, file in (("models--org--model", "config.json"), ("datasets--org--data", "train.csv")):
        snapshot = tmp_path / repository / "snapshots" / COMMIT
        snapshot.mkdir(parents=True)
        (snapshot / file).write_text("{}")
        (tmp_path / repository / "refs").mkdir()
        (tmp_path / repository / "refs" / "main").write_text(COMMIT)
    return tmp_path


@pytest.fixture
def online(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub client believes it may use the network."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)


def hub_answers(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    """Let the hub answer every look-up of a repository with `answer`, raised if it is an exception."""

    def repo_info(*_: Any, **__: Any) -> Any:
        if isinstance(answer, BaseException):
            raise answer
        return answer

    monkeypatch.setattr(huggingface_hub.HfApi, "repo_info", repo_info)


def http(kind: type[errors.HfHubHTTPError], status: int) -> errors.HfHubHTTPError:
    return kind("said the hub", response=httpx2.Response(status, request=httpx2.Request("GET", "https://hub")))


def model(reference: str = "org/model", revision: str | None = None, *, code: bool = False) -> HubSource:
    return HubSource(reference, reference.removeprefix("hub://"), "model", revision, code)


def test_a_commit_is_its_own_identity_even_without_the_hub_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert model(revision=COMMIT).identity() == {"hub": "org/model", "revision": COMMIT}


def test_without_the_hub_client_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    for call in (model().identity, lambda: model(revision=COMMIT).fetch(Silent())):
        with pytest.raises(MissingExtra, match=r"pip install 'compressor\[toolkit\]'"):
            call()


@pytest.mark.parametrize("revision", [None, "main"])
def test_offline_a_branch_is_what_the_local_cache_has(cache: Path, revision: str | None) -> None:
    assert model(revision=revision).identity()["revision"] == COMMIT


def test_offline_a_cached_model_is_fetched_and_its_commit_told(cache: Path, heard: Heard) -> None:
    assert model().fetch(heard) == cache / "models--org--model" / "snapshots" / COMMIT
    assert COMMIT in heard.notes[0]


def test_a_pinned_commit_needs_no_note(cache: Path, heard: Heard) -> None:
    model(revision=COMMIT).fetch(heard)
    assert heard.notes == []


def test_a_data_set_is_looked_up_among_data_sets(cache: Path) -> None:
    source = HubSource("org/data", "org/data", "data")
    assert source.identity() == {"hub": "org/data", "revision": COMMIT}
    assert (source.fetch(Silent()) / "train.csv").exists()


@pytest.mark.parametrize("revision", [None, "v2", "f" * 40])
def test_offline_and_not_in_the_cache_says_what_to_do(cache: Path, revision: str | None) -> None:
    with pytest.raises(SourceError) as caught:
        model("org/absent", revision).fetch(Silent())
    assert "HF_HUB_OFFLINE is set" in caught.value.message
    assert f"no file or folder 'org/absent' in {Path.cwd()}" in caught.value.message
    for way in ("Unset HF_HUB_OFFLINE", "local folder", "wheel://"):
        assert way in str(caught.value.hint)


def test_what_can_only_be_a_hub_id_is_not_called_a_missing_path(cache: Path) -> None:
    with pytest.raises(SourceError) as caught:
        model("hub://org/absent").identity()
    assert "file or folder" not in caught.value.message


def test_online_the_hub_says_which_commit_a_branch_is(online: None, monkeypatch: pytest.MonkeyPatch) -> None:
    hub_answers(monkeypatch, SimpleNamespace(sha="f" * 40))
    assert model(revision="v2").identity() == {"hub": "org/model", "revision": "f" * 40}


def test_an_unreachable_hub_falls_back_to_the_cache(online: None, monkeypatch: pytest.MonkeyPatch) -> None:
    hub_answers(monkeypatch, httpx2.ConnectError("no route"))
    assert model().identity()["revision"] == COMMIT


@pytest.mark.parametrize(
    ("answer", "says", "hint"),
    [
        (httpx2.ConnectError("no route"), "can't be had from the hub", "HF_HUB_OFFLINE=1"),
        (httpx2.ProxyError("bad proxy"), "bad proxy", "Check the network"),
        (http(errors.HfHubHTTPError, 503), "can't be had from the hub", "Check the network"),
        (http(errors.GatedRepoError, 403), "is gated", "hf auth login"),
        (http(errors.RepositoryNotFoundError, 404), "The hub has no model 'org/absent'", "Check the id"),
        (http(errors.RevisionNotFoundError, 404), "has no revision 'v9'", "a tag or a branch"),
    ],
)
def test_every_answer_of_the_hub_has_its_explanation(
    online: None, monkeypatch: pytest.MonkeyPatch, answer: Exception, says: str, hint: str
) -> None:
    hub_answers(monkeypatch, answer)
    with pytest.raises(SourceError) as caught:
        model("org/absent", "v9").identity()
    assert says in caught.value.message
    assert hint in str(caught.value.hint)


def snapshot_calls(monkeypatch: pytest.MonkeyPatch, act: Callable[..., str]) -> None:
    monkeypatch.setattr(huggingface_hub, "snapshot_download", act)


def test_a_full_disk_while_downloading_says_where(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    snapshot_calls(monkeypatch, full)
    with pytest.raises(DiskFull, match=str(cache)):
        model(revision=COMMIT).fetch(Silent())


REPOSITORY = [
    "README.md",
    "config.json",
    "model.safetensors",
    "model-00001-of-00002.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "tf_model.h5",
    "flax_model.msgpack",
    "training_args.bin",
    "onnx/model.onnx",
    "onnx/model.safetensors",
    "openvino/openvino_model.bin",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
    "merges.txt",
    "sentencepiece.bpe.model",
    "spiece.model",
    "modeling_custom.py",
    "1_Pooling/config.json",
    "modules.json",
]
WANTED = {
    "config.json",
    "model.safetensors",
    "model-00001-of-00002.safetensors",
    "model.safetensors.index.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
    "merges.txt",
    "sentencepiece.bpe.model",
    "spiece.model",
    "1_Pooling/config.json",
    "modules.json",
    "README.md",
}


@pytest.mark.parametrize(("code", "wanted"), [(False, WANTED), (True, WANTED | {"modeling_custom.py"})])
def test_only_safetensors_configuration_tokenizer_and_card_are_downloaded(
    cache: Path, monkeypatch: pytest.MonkeyPatch, code: bool, wanted: set[str]
) -> None:
    downloaded: set[str] = set()

    def download(_: str, *, allow_patterns: list[str], ignore_patterns: list[str], **settings: Any) -> str:
        assert settings["revision"] == COMMIT
        chosen = filter_repo_objects(REPOSITORY, allow_patterns=allow_patterns, ignore_patterns=ignore_patterns)
        downloaded.update(chosen)
        return str(cache / "models--org--model" / "snapshots" / COMMIT)

    snapshot_calls(monkeypatch, download)
    model(revision=COMMIT, code=code).fetch(Silent())
    assert downloaded == wanted


def test_a_repository_with_pickle_alone_is_refused(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listing = [SimpleNamespace(path=name) for name in ("config.json", "pytorch_model.bin")]
    monkeypatch.setattr(huggingface_hub, "get_cached_repo_tree", lambda *_, **__: listing)
    with pytest.raises(UnsafeSource, match=r"pytorch_model\.bin") as caught:
        model(revision=COMMIT).fetch(Silent())
    assert "Convert it" in str(caught.value.hint)


def test_bytes_on_disk_are_told_in_mb_and_nothing_is_drawn(
    cache: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def download(*_: Any, tqdm_class: Any, **__: Any) -> str:
        files = tqdm_class(desc="Fetching 2 files", total=2)
        wire = tqdm_class(desc="Downloading bytes", unit="B", total=0)
        disk = tqdm_class(desc="Reconstructing", unit="B", total=4_000_000)
        for bar, amount in ((files, 2), (wire, 1_000_000), (disk, 4_000_000)):
            bar.update(amount)
            bar.refresh()
            bar.close()
        return str(cache / "models--org--model" / "snapshots" / COMMIT)

    snapshot_calls(monkeypatch, download)
    model(revision=COMMIT).fetch(heard)
    assert heard.steps == [("download org/model", 4.0, 4.0)]
    assert capsys.readouterr() == ("", "")


def test_telemetry_is_off_even_if_the_client_was_imported_before(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "0")
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", False)
    model().identity()
    assert constants.HF_HUB_DISABLE_TELEMETRY is True


def test_errors_of_a_library_that_loads_from_the_hub_are_explained_too(cache: Path) -> None:
    source = HubSource("org/data", "org/data", "data")
    with pytest.raises(CompressorError, match="data set 'org/data'"), source.explained():
        raise ConnectionError("Couldn't reach 'org/data' on the Hub")
