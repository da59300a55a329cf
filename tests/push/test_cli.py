"""`compressor push`, as a user calls it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.command import compressor
from tests.push.fake_hub import FakeHub


def test_nothing_is_sent_unless_it_is_asked_for(bundle: Path, hub: FakeHub) -> None:
    shown = compressor("push", bundle, "me/reviews").succeeds()
    assert "onnx/model.onnx" in shown.out and "(private)" in shown.out and "texts of the data" in shown.out
    assert "Nothing was sent" in shown.err
    assert hub.requests == []


def test_showing_needs_no_network_and_no_token(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    found = compressor("push", bundle, "me/reviews", "--format", "json").succeeds().json
    assert found["url"] == "https://huggingface.co/me/reviews"
    assert found["sent"] is None and found["private"] is True
    assert {"name": "manifest.json", "bytes": (bundle / "manifest.json").stat().st_size} in found["files"]


def test_it_is_sent_when_it_is(bundle: Path, hub: FakeHub) -> None:
    done = compressor("push", bundle, "me/reviews", "--execute", "--public", "--message", "First", "--format", "json")
    assert done.succeeds().json["sent"] == f"{hub.url}/me/reviews/commit/{'1' * 40}"
    assert hub.repositories["me/reviews"].messages == ["First"]
    assert not hub.repositories["me/reviews"].private


def test_wrong_calls_and_refusals_have_their_exit_codes(
    bundle: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    compressor("push", bundle, "reviews").fails(2, "owner/name")
    compressor("push", bundle.parent, "me/reviews").fails(2, "is not a bundle")
    monkeypatch.delenv("HF_TOKEN")
    compressor("push", bundle, "me/reviews", "--execute").fails(3, "hf auth login")
    (bundle / "config.json").unlink()
    compressor("push", bundle, "me/reviews").fails(1, "config.json is missing")
