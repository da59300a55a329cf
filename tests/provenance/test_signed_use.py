"""With a key, commands use a bundle only if its holder signed all of it, as `verify` has it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from compressor.errors import VerificationFailed
from compressor.provenance import check_signed, sign
from compressor.runtime.manifest import MANIFEST, SIGNATURE
from tests.command import Result, compressor
from tests.provenance.keys import Keys
from tests.runtime.bundles import edit, seal_again

Use = Callable[[Path, Path], Result]


def verify(bundle: Path, key: Path) -> Result:
    return compressor("verify", bundle, "--key", key)


def serve(bundle: Path, key: Path) -> Result:
    return compressor("serve", f"other={bundle}", "--port", "0", "--key", key)


def serve_unverified(bundle: Path, key: Path) -> Result:
    """The answers aren't replayed; the files are checked all the same."""
    return compressor("serve", bundle, "--port", "0", "--no-verify", "--key", key)


def predict(bundle: Path, key: Path) -> Result:
    return compressor("predict", bundle, "a good film", "--key", key)


USES = pytest.mark.parametrize("use", [verify, serve, serve_unverified, predict], ids=lambda use: use.__name__)


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that ends as soon as it is ready."""
    monkeypatch.setattr("compressor.serve.server.Server.run", lambda self, sockets: None)


@pytest.fixture
def signed(bundle: Path, keys: Keys) -> Path:
    sign(bundle, keys.private)
    return bundle


@USES
def test_a_signed_bundle_is_used(use: Use, signed: Path, keys: Keys) -> None:
    use(signed, keys.public).succeeds()


@USES
def test_one_that_nobody_signed_is_not(use: Use, bundle: Path, keys: Keys) -> None:
    use(bundle, keys.public).fails(1, f"{bundle} is not signed")


@USES
def test_one_that_somebody_else_signed_is_not(use: Use, bundle: Path, keys: Keys, other_keys: Keys) -> None:
    sign(bundle, other_keys.private)
    use(bundle, keys.public).fails(1, "is signed with another key")


@USES
def test_one_that_was_sealed_again_is_not(use: Use, signed: Path, keys: Keys) -> None:
    (signed / "README.md").write_text("# forged\n", encoding="utf-8")
    seal_again(signed)
    use(signed, keys.public).fails(1, "has changed since it was signed", MANIFEST)


@USES
def test_one_with_a_file_that_was_changed_is_not(use: Use, signed: Path, keys: Keys) -> None:
    """One that still answers."""
    (signed / "README.md").write_text("# forged\n", encoding="utf-8")
    use(signed, keys.public).fails(1, "is not as it was sealed", "README.md has changed")


@USES
def test_one_with_a_file_that_was_added_is_not(use: Use, signed: Path, keys: Keys) -> None:
    (signed / "added_tokens.json").write_text("{}", encoding="utf-8")
    use(signed, keys.public).fails(1, "added_tokens.json was added")


@USES
def test_nothing_of_a_manifest_is_read_before_its_signature_holds(use: Use, signed: Path, keys: Keys) -> None:
    edit(signed / MANIFEST, lambda manifest: manifest.update(format_version=99))
    use(signed, keys.public).fails(1, "has changed since it was signed")


@USES
def test_a_key_that_is_none_is_a_wrong_call(use: Use, signed: Path, keys: Keys, tmp_path: Path) -> None:
    use(signed, tmp_path / "nowhere.pem").fails(2, "nowhere.pem can't be read")
    use(signed, keys.private).fails(2, "is a private key")


@USES
def test_without_the_extra_it_is_named(use: Use, signed: Path, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    use(signed, keys.public).fails(3, "compressor[sign]")


@pytest.mark.parametrize(
    "command",
    [("audit", "--data", "nowhere.csv"), ("bench",), ("explain", "a good film")],
    ids=lambda command: command[0],
)
def test_what_measures_or_explains_a_bundle_opens_none_that_was_changed(
    command: tuple[str, ...], signed: Path, keys: Keys
) -> None:
    (signed / "README.md").write_text("# forged\n", encoding="utf-8")
    said = compressor(command[0], signed, *command[1:], "--key", keys.public)
    said.fails(1, "is not as it was sealed", "README.md has changed")


def test_an_explanation_of_a_signed_bundle(signed: Path, keys: Keys) -> None:
    compressor("explain", signed, "a good film", "--key", keys.public).succeeds()


def test_every_bundle_that_is_served_must_be_signed(signed: Path, whole: Path, keys: Keys) -> None:
    said = compressor("serve", signed, f"other={whole}", "--port", "0", "--key", keys.public)
    said.fails(1, f"{whole} is not signed")


def test_without_a_key_a_signature_is_nobodys_business(signed: Path) -> None:
    (signed / SIGNATURE).write_text("{}", encoding="utf-8")
    compressor("predict", signed, "a good film").succeeds()
    compressor("serve", signed, "--port", "0").succeeds()


def test_in_python_the_fingerprint_of_the_key_is_given(signed: Path, keys: Keys) -> None:
    assert check_signed(signed, keys.public).startswith("sha256:")
    (signed / "tokenizer.json").unlink()
    with pytest.raises(VerificationFailed, match=r"tokenizer\.json is missing"):
        check_signed(signed, keys.public)
