"""Signatures that others can check: Ed25519 (RFC 8032) over canonical JSON."""

from __future__ import annotations

import base64
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

ALGORITHM = "Ed25519"


class BadSignature(ValueError):
    """The signature is not this key's over this document."""


def canonical(document: dict[str, Any]) -> bytes:
    """The bytes that are signed: keys sorted, no blanks, UTF-8."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


class Signer:
    """A signing key, made of a seed of at least 32 bytes that is used for nothing else."""

    def __init__(self, seed: bytes) -> None:
        derived = HKDF(SHA256(), length=32, salt=None, info=b"case-steward proof").derive(seed)
        self._key = Ed25519PrivateKey.from_private_bytes(derived)

    @property
    def public_key(self) -> str:
        """To be published: base64 of the 32 bytes."""
        raw = self._key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return base64.b64encode(raw).decode()

    def sign(self, document: dict[str, Any]) -> dict[str, str]:
        """What goes beside the document as its `signature`."""
        value = base64.b64encode(self._key.sign(canonical(document))).decode()
        return {"algorithm": ALGORITHM, "public_key": self.public_key, "value": value}


def check(document: dict[str, Any], signature: dict[str, str], public_key: str) -> None:
    """Raises BadSignature unless the signature is the key's over the document."""
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
        key.verify(base64.b64decode(signature["value"], validate=True), canonical(document))
    except (InvalidSignature, ValueError, KeyError, TypeError) as error:
        raise BadSignature("the signature does not hold") from error
