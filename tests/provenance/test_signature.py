from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from compressor.errors import BundleError, MissingExtra, RecipeError, VerificationFailed
from compressor.provenance import check_signature, sign
from compressor.runtime.manifest import MANIFEST, SIGNATURE
from tests.command import compressor
from tests.provenance.keys import Keys, write_keys
from tests.runtime.bundles import edit, seal_again


@pytest.fixture
def signed(bundle: Path, keys: Keys) -> Path:
    """A copy of the bundle, signed; to be changed."""
    sign(bundle, keys.private)
    return bundle


def test_a_signed_bundle_passes_and_says_by_which_key(bundle: Path, keys: Keys) -> None:
    said = compressor("sign", bundle, "--key", keys.private).succeeds()
    der = base64.b64decode("".join(keys.public.read_text().splitlines()[1:-1]))
    fingerprint = f"sha256:{hashlib.sha256(der).hexdigest()}"
    assert fingerprint in said.err
    found = compressor("verify", bundle, "--key", keys.public, "--format", "json").succeeds().json
    assert found["signed_by"] == fingerprint
    assert fingerprint in "".join(compressor("verify", bundle, "--key", keys.public).succeeds().out.split())


def test_a_signed_bundle_passes_without_a_key_too(signed: Path) -> None:
    assert "signed_by" not in compressor("verify", signed, "--format", "json").succeeds().json


def test_an_unsigned_bundle_fails(bundle: Path, keys: Keys) -> None:
    compressor("verify", bundle, "--key", keys.public).fails(1, "is not signed")


def test_a_bundle_that_somebody_else_signed_fails(bundle: Path, keys: Keys, other_keys: Keys) -> None:
    """A forger who changes a file, seals the bundle again and signs it."""
    (bundle / "README.md").write_text("# forged\n", encoding="utf-8")
    seal_again(bundle)
    sign(bundle, other_keys.private)
    compressor("verify", bundle).succeeds()
    compressor("verify", bundle, "--key", keys.public).fails(1, "is signed with another key")


def test_a_bundle_that_was_sealed_again_fails(signed: Path, keys: Keys) -> None:
    (signed / "README.md").write_text("# forged\n", encoding="utf-8")
    seal_again(signed)
    compressor("verify", signed, "--key", keys.public).fails(1, "has changed since it was signed", MANIFEST)


def test_a_signature_of_another_bundle_fails(signed: Path, whole: Path, keys: Keys, tmp_path: Path) -> None:
    other = Path(shutil.copytree(whole, tmp_path / "other"))
    edit(other / MANIFEST, lambda manifest: manifest.update(name="other"))
    sign(other, keys.private)
    shutil.copyfile(other / SIGNATURE, signed / SIGNATURE)
    with pytest.raises(VerificationFailed, match="has changed since it was signed"):
        check_signature(signed, keys.public)


def test_a_file_that_was_changed_is_named(signed: Path, keys: Keys) -> None:
    graph = signed / "onnx" / "model.onnx"
    graph.write_bytes(graph.read_bytes()[:-1] + b"?")
    compressor("verify", signed, "--key", keys.public).fails(1, "onnx/model.onnx has changed")


@pytest.mark.parametrize("name", ["added_tokens.json", "onnx/model_q4.onnx"])
def test_a_file_that_was_added_is_named(signed: Path, keys: Keys, name: str) -> None:
    """Other programs read files by their names, whatever the manifest says."""
    (signed / name).write_text("{}", encoding="utf-8")
    compressor("verify", signed, "--key", keys.public).fails(1, f"{name} was added")
    compressor("sign", signed, "--key", keys.private).fails(1, f"{name} was added")


def test_a_link_to_a_folder_that_was_added_is_named(signed: Path, keys: Keys, tmp_path: Path) -> None:
    (signed / "more").symlink_to(tmp_path)
    with pytest.raises(VerificationFailed, match="more was added"):
        check_signature(signed, keys.public)


def test_files_that_git_and_hub_clients_leave_are_nobodys(signed: Path, keys: Keys) -> None:
    (signed / ".cache" / "huggingface").mkdir(parents=True)
    (signed / ".cache" / "huggingface" / "README.md.metadata").write_text("x", encoding="utf-8")
    (signed / ".gitattributes").write_text("*.onnx filter=lfs\n", encoding="utf-8")
    check_signature(signed, keys.public)


def test_a_damaged_bundle_is_not_signed(bundle: Path, keys: Keys) -> None:
    (bundle / "tokenizer.json").unlink()
    compressor("sign", bundle, "--key", keys.private).fails(1, "tokenizer.json is missing")
    assert not (bundle / SIGNATURE).exists()


SPOILT: dict[str, Callable[[Any], Any]] = {
    "no signature": lambda record: record.pop("signature"),
    "no text": lambda record: record.update(signature=7),
    "no base64": lambda record: record.update(signature="%"),
    "another algorithm": lambda record: record.update(algorithm="none"),
    "no bytes": lambda record: record.update(signature=""),
    "bytes": lambda record: record.update(signature=base64.b64encode(b"x" * 64).decode()),
}


@pytest.mark.parametrize("change", SPOILT.values(), ids=SPOILT)
def test_a_signature_that_is_none_fails(signed: Path, keys: Keys, change: Callable[[Any], Any]) -> None:
    edit(signed / SIGNATURE, change)
    with pytest.raises(VerificationFailed):
        check_signature(signed, keys.public)


def test_the_key_that_is_given_decides_and_not_the_one_that_is_named(signed: Path, keys: Keys) -> None:
    edit(signed / SIGNATURE, lambda record: record.update(public_key=""))
    check_signature(signed, keys.public)


def test_what_is_no_bundle_is_said_to_be_none(tmp_path: Path, keys: Keys) -> None:
    with pytest.raises(BundleError, match="is not a bundle"):
        check_signature(tmp_path, keys.public)
    compressor("sign", tmp_path, "--key", keys.private).fails(2, "is not a bundle")


def test_an_encrypted_key_needs_its_passphrase(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    locked = write_keys(tmp_path / "keys", "open sesame")
    compressor("sign", bundle, "--key", locked.private).fails(2, "is encrypted", "COMPRESSOR_KEY_PASSPHRASE")
    wrong = {"COMPRESSOR_KEY_PASSPHRASE": "open barley"}
    compressor("sign", bundle, "--key", locked.private, environment=wrong).fails(2, "no private key")
    right = {"COMPRESSOR_KEY_PASSPHRASE": "open sesame"}
    compressor("sign", bundle, "--key", locked.private, environment=right).succeeds()
    compressor("verify", bundle, "--key", locked.public).succeeds()


def test_keys_that_are_none_are_refused(signed: Path, keys: Keys, tmp_path: Path) -> None:
    junk = tmp_path / "junk.pem"
    junk.write_bytes(b"\x00-----BEGIN PUBLIC KEY-----")
    for path in (junk, tmp_path / "nowhere.pem", tmp_path):
        with pytest.raises(RecipeError, match=path.name):
            check_signature(signed, path)
        with pytest.raises(RecipeError, match=path.name):
            sign(signed, path)
    with pytest.raises(RecipeError, match="private key, which only who signs should have"):
        check_signature(signed, keys.private)
    with pytest.raises(RecipeError, match="no private key"):
        sign(signed, keys.public)


def test_keys_of_another_kind_are_refused(signed: Path, tmp_path: Path) -> None:
    rsa = generate_private_key(65537, 2048)
    private, public = tmp_path / "rsa.pem", tmp_path / "rsa.pub.pem"
    private.write_bytes(rsa.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(rsa.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    with pytest.raises(RecipeError, match="another kind than Ed25519"):
        sign(signed, private)
    with pytest.raises(RecipeError, match="another kind than Ed25519"):
        check_signature(signed, public)


def test_without_its_library_the_extra_is_named(bundle: Path, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(MissingExtra, match=r"compressor\[sign\]"):
        sign(bundle, keys.private)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not here")
def test_openssl_checks_the_signature_too(signed: Path, keys: Keys, tmp_path: Path) -> None:
    raw = tmp_path / "raw.sig"
    raw.write_bytes(base64.b64decode(json.loads((signed / SIGNATURE).read_text())["signature"]))
    command = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", str(keys.public)]
    done = subprocess.run(
        [*command, "-in", str(signed / MANIFEST), "-sigfile", str(raw)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
