"""Keys as `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout` make them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)


class Keys(NamedTuple):
    """Files of a pair."""

    private: Path
    public: Path


def write_keys(folder: Path, passphrase: str = "") -> Keys:
    """`private.pem` and `public.pem`."""
    key = Ed25519PrivateKey.generate()
    encryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    keys = Keys(folder / "private.pem", folder / "public.pem")
    keys.private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    keys.public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return keys
