from __future__ import annotations

import sys
from pathlib import Path

import pytest
from huggingface_hub import constants

from compressor.errors import BundleError, HubError, MissingExtra, RecipeError
from compressor.push import Destination, Sent, make_upload, send
from tests.push.fake_hub import READER, FakeHub, Repository

REPOSITORY = "me/reviews"


def push(bundle: Path, destination: Destination | None = None) -> Sent:
    return send(make_upload(bundle), destination or Destination(REPOSITORY), message="A bundle")


def contents(bundle: Path) -> dict[str, bytes]:
    return {path.relative_to(bundle).as_posix(): path.read_bytes() for path in bundle.rglob("*") if path.is_file()}


def test_a_private_repository_is_made_and_holds_the_bundle(bundle: Path, hub: FakeHub) -> None:
    sent = push(bundle)
    repository = hub.repositories[REPOSITORY]
    assert repository.private
    assert repository.branches["main"] == {".gitattributes": b"", **contents(bundle)}
    assert repository.messages == ["A bundle"]
    assert sent == Sent(f"{hub.url}/me/reviews/commit/{'1' * 40}", created=True)


def test_a_public_one_only_where_that_is_asked_for(bundle: Path, hub: FakeHub) -> None:
    push(bundle, Destination(REPOSITORY, private=False))
    assert not hub.repositories[REPOSITORY].private


def test_a_repository_in_use_is_not_written_over_by_itself(bundle: Path, hub: FakeHub) -> None:
    push(bundle)
    with pytest.raises(RecipeError, match=r"is there already and holds files") as caught:
        push(bundle)
    for way in ("--overwrite", "--pull-request", "--revision"):
        assert way in str(caught.value)
    hub.repositories[REPOSITORY].branches["main"] = {"notes.txt": b"mine", "config.json": b"{}"}
    push(bundle, Destination(REPOSITORY, overwrite=True))
    assert hub.repositories[REPOSITORY].branches["main"] == {"notes.txt": b"mine", **contents(bundle)}


def test_an_empty_repository_may_be_filled(bundle: Path, hub: FakeHub) -> None:
    hub.repositories[REPOSITORY] = Repository(private=True)
    assert push(bundle).created is False
    assert "manifest.json" in hub.repositories[REPOSITORY].branches["main"]


def test_a_pull_request_changes_nothing_that_is_there(bundle: Path, hub: FakeHub) -> None:
    with pytest.raises(RecipeError, match=r"no .*/me/reviews to propose a change to"):
        push(bundle, Destination(REPOSITORY, pull_request=True))
    hub.repositories[REPOSITORY] = held = Repository(private=True, branches={"main": {"config.json": b"{}"}})
    sent = push(bundle, Destination(REPOSITORY, pull_request=True))
    assert held.branches == {"main": {"config.json": b"{}"}}
    assert held.proposed == contents(bundle)
    assert sent.url.endswith("/discussions/1")


@pytest.mark.parametrize("exists", [True, False])
def test_a_branch_is_made_where_there_is_none(bundle: Path, hub: FakeHub, exists: bool) -> None:
    if exists:
        hub.repositories[REPOSITORY] = Repository(private=True, branches={"main": {"config.json": b"{}"}})
    push(bundle, Destination(REPOSITORY, revision="v2"))
    branches = hub.repositories[REPOSITORY].branches
    assert branches["v2"].items() >= contents(bundle).items()
    assert "manifest.json" not in branches["main"]
    with pytest.raises(RecipeError, match="on v2"):
        push(bundle, Destination(REPOSITORY, revision="v2"))


@pytest.mark.parametrize("private", [True, False])
def test_what_others_may_see_is_never_a_surprise(bundle: Path, hub: FakeHub, private: bool) -> None:
    hub.repositories[REPOSITORY] = held = Repository(private=not private)
    there, asked = ("public", "private") if private else ("private", "public")
    with pytest.raises(RecipeError, match=f"is {there}, and --{asked} is asked for"):
        push(bundle, Destination(REPOSITORY, private=private))
    assert "manifest.json" not in held.branches["main"]


def test_without_a_token_nothing_is_asked_of_the_hub(
    bundle: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(HubError, match="There is no token for http://127") as caught:
        push(bundle)
    assert "hf auth login" in str(caught.value) and caught.value.exit_code == 3
    assert hub.requests == []


@pytest.mark.parametrize(
    ("token", "repository", "says"),
    [
        ("outdated", REPOSITORY, "doesn't know the token"),
        (READER, REPOSITORY, "may not write to"),
        (None, "somebody/reviews", "may not write to"),
    ],
)
def test_a_token_that_may_not_says_what_it_lacks(
    bundle: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch, token: str | None, repository: str, says: str
) -> None:
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(HubError, match=says) as caught:
        push(bundle, Destination(repository))
    assert "HF_TOKEN" in str(caught.value.hint)
    assert token is None or token not in str(caught.value)


def test_a_card_that_the_hub_can_not_read_is_told_before_anything_is_sent(bundle: Path, hub: FakeHub) -> None:
    hub.wrong_card = '"license" must be a string'
    with pytest.raises(BundleError, match='"license" must be a string'):
        push(bundle)
    assert "manifest.json" not in hub.repositories[REPOSITORY].branches["main"]


@pytest.mark.parametrize(
    ("broken", "says"), [((500, b"{}"), "doesn't take it"), ((200, b"<html>"), "doesn't answer as a hub does")]
)
def test_a_hub_that_fails_is_told(bundle: Path, hub: FakeHub, broken: tuple[int, bytes], says: str) -> None:
    hub.broken = broken
    with pytest.raises(HubError, match=says):
        push(bundle)


def test_an_unreachable_hub_is_told(bundle: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(HubError, match=r"http://127\.0\.0\.1:9 can't be reached"):
        push(bundle)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubError, match="HF_HUB_OFFLINE is set"):
        push(bundle)


def test_without_the_hub_client_the_extra_is_named(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingExtra, match=r"compressor\[toolkit\]"):
        push(bundle)


@pytest.mark.parametrize(
    "repository", ["reviews", "me/", "/reviews", "me/reviews/x", "https://hub/me/reviews", "me/a--b"]
)
def test_what_is_no_repository_is_a_wrong_call(repository: str) -> None:
    with pytest.raises(RecipeError, match="Not a repository"):
        Destination(repository)


def test_a_pull_request_goes_to_main() -> None:
    with pytest.raises(RecipeError, match="--pull-request or --revision"):
        Destination(REPOSITORY, revision="v2", pull_request=True)
