"""`manifest.json.sig`: an Ed25519 signature of the manifest, which holds a sha256 of every other file."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from compressor.errors import BundleError, VerificationFailed, listed
from compressor.json_file import read_object
from compressor.provenance.keys import ALGORITHM, encoded, fingerprint, private_key, public_key
from compressor.runtime.manifest import MANIFEST, SIGNATURE, Manifest
from compressor.runtime.verify import sealed

__all__ = ["check_signature", "check_signed", "sign"]


def sign(folder: Path | str, key: Path | str) -> str:
    """Write `manifest.json.sig` into a bundle whose files are as sealed; an earlier one is replaced.

    Args:
        key: a file with an Ed25519 private key in PEM. `COMPRESSOR_KEY_PASSPHRASE` opens one that is encrypted.

    Returns:
        The fingerprint of the key: sha256 of the public key in DER.

    Raises:
        BundleError: not a bundle; VerificationFailed: its files aren't those that were sealed.
        RecipeError: the file holds no such key; MissingExtra: the extra `sign` isn't installed.
    """
    folder = Path(folder)
    private = private_key(Path(key))
    manifest = Manifest.read(folder)
    if wrong := [*manifest.damage(folder), *_added(folder, manifest)]:
        raise VerificationFailed(
            f"{folder} is not as it was sealed: {listed(wrong)}.", hint="Sign the bundle that the run left."
        )
    public = encoded(private.public_key())
    record = {
        "algorithm": ALGORITHM,
        "public_key": base64.b64encode(public).decode(),
        "signature": base64.b64encode(private.sign((folder / MANIFEST).read_bytes())).decode(),
    }
    (folder / SIGNATURE).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return fingerprint(public)


def check_signature(folder: Path | str, key: Path | str) -> str:
    """Check that the holder of a key signed the manifest, and that no file came to the folder since.

    Whether the files are those that the manifest names is for `check_signed` or `compressor.runtime.verify` to tell.

    Args:
        key: a file with an Ed25519 public key in PEM.

    Returns:
        The fingerprint of the key: sha256 of the public key in DER.

    Raises:
        VerificationFailed: it isn't signed, or with another key, or was changed since.
        BundleError: not a bundle.
        RecipeError: the file holds no such key; MissingExtra: the extra `sign` isn't installed.
    """
    folder = Path(folder)
    trusted = encoded(public_key(Path(key)))
    # Nothing of a manifest is read before its signature holds.
    if not (folder / MANIFEST).is_file():
        message = f"{folder} is not a bundle: it has no {MANIFEST}."
        raise BundleError(message, hint="`compressor run` writes one to runs/<name>/bundle.")
    if not (folder / SIGNATURE).is_file():
        raise VerificationFailed(
            f"{folder} is not signed: it has no {SIGNATURE}.", hint="`compressor sign` signs one that you trust."
        )
    content = (folder / MANIFEST).read_bytes()
    signature, signer = _read(folder / SIGNATURE)
    if not _holds(trusted, signature, content):
        if signer != trusted and _holds(signer, signature, content):
            raise VerificationFailed(
                f"{folder} is signed with another key: {fingerprint(signer)}, not {fingerprint(trusted)}.",
                hint="Trust it only if you know whose key that is; then give that one.",
            )
        raise VerificationFailed(
            f"{folder} has changed since it was signed: {MANIFEST} and {SIGNATURE} don't belong together.",
            hint="Copy the bundle again from where you trust it.",
        )
    if added := _added(folder, Manifest.read(folder)):
        raise VerificationFailed(
            f"{folder} has changed since it was signed: {listed(added)}.", hint="Take away what isn't of the bundle."
        )
    return fingerprint(trusted)


def check_signed(folder: Path | str, key: Path | str) -> str:
    """Check that every file of a bundle is one that the holder of a key signed: what must hold before it is opened.

    Returns:
        The fingerprint of the key.

    Raises:
        VerificationFailed: also where a file isn't as it was sealed. Else as `check_signature`.
    """
    signer = check_signature(folder, key)
    sealed(Path(folder))
    return signer


def _added(folder: Path, manifest: Manifest) -> list[str]:
    """Files that the manifest doesn't name, which other programs may read all the same. Hidden ones (those of git and
    of hub clients) are none of the bundle's."""
    known = {*manifest.files, MANIFEST, SIGNATURE}
    found = (path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_symlink() or not path.is_dir())
    names = (path.as_posix() for path in found if not any(part.startswith(".") for part in path.parts))
    return [f"{name} was added" for name in names if name not in known]


def _read(path: Path) -> tuple[bytes, bytes]:
    """The signature, and the public key that it says it was made with."""
    try:
        record = read_object(path)
        if record["algorithm"] != ALGORITHM:
            raise ValueError(f"the algorithm isn't {ALGORITHM}")
        signature, signer = (base64.b64decode(record[name], validate=True) for name in ("signature", "public_key"))
    except (ValueError, KeyError, TypeError) as error:
        raise VerificationFailed(
            f"{path} is no signature: {error}", hint="Copy the bundle again from where you trust it."
        ) from error
    return signature, signer


def _holds(public: bytes, signature: bytes, content: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(public)
        if not isinstance(key, Ed25519PublicKey):
            return False
        key.verify(signature, content)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True
