"""Ed25519 keys in PEM files."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from compressor.errors import MissingExtra, RecipeError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

__all__ = ["ALGORITHM", "PASSPHRASE", "encoded", "fingerprint", "private_key", "public_key"]

PASSPHRASE = "COMPRESSOR_KEY_PASSPHRASE"
"""The environment variable that opens an encrypted private key."""
ALGORITHM = "Ed25519"
MOST_BYTES = 1 << 16
"""Of a key: one has some hundred."""
HOW_TO_MAKE = "Make one: openssl genpkey -algorithm ed25519 -out private.pem; openssl pkey -in private.pem -pubout"


def private_key(path: Path) -> Ed25519PrivateKey:
    """The key to sign with.

    Raises:
        RecipeError: the file holds none, or is encrypted and there is no passphrase that opens it.
        MissingExtra: the extra `sign` isn't installed.
    """
    content = _pem(path)
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    passphrase = os.environ.get(PASSPHRASE)
    try:
        key = load_pem_private_key(content, passphrase.encode() if passphrase and b"ENCRYPTED" in content else None)
    except TypeError as error:
        raise RecipeError(f"{path} is encrypted.", hint=f"Put its passphrase into {PASSPHRASE}.") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise RecipeError(f"{path} holds no private key that can be read.", hint=HOW_TO_MAKE) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise RecipeError(f"{path} holds a key of another kind than {ALGORITHM}.", hint=HOW_TO_MAKE)
    return key


def public_key(path: Path) -> Ed25519PublicKey:
    """The key to check signatures with.

    Raises:
        RecipeError: the file holds none; MissingExtra: the extra `sign` isn't installed.
    """
    content = _pem(path)
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    if b"PRIVATE KEY" in content:
        raise RecipeError(
            f"{path} is a private key, which only who signs should have.",
            hint=f"Give its public half: openssl pkey -in {path.name} -pubout",
        )
    try:
        key = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise RecipeError(f"{path} holds no public key that can be read.", hint=HOW_TO_MAKE) from error
    if not isinstance(key, Ed25519PublicKey):
        raise RecipeError(f"{path} holds a key of another kind than {ALGORITHM}.", hint=HOW_TO_MAKE)
    return key


def _pem(path: Path) -> bytes:
    """The content of a key file, once the library that reads it is known to be there."""
    try:
        import cryptography  # noqa: F401
    except ImportError as error:
        raise MissingExtra("Signing and checking signatures", "sign", "cryptography") from error
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES)
    except OSError as error:
        raise RecipeError(f"The key {path} can't be read: {error.strerror}.", hint=HOW_TO_MAKE) from error


def encoded(key: Ed25519PublicKey) -> bytes:
    """The key in DER (SubjectPublicKeyInfo)."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def fingerprint(public: bytes) -> str:
    """sha256 of the key in DER, as `openssl pkey -pubin -outform DER | sha256sum` has it."""
    return f"sha256:{hashlib.sha256(public).hexdigest()}"
