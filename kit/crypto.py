"""Personal data at rest: AES-256-GCM under versioned keys, and a keyed blind index to search it by.

A sealed value is `version (1 byte) | nonce (12) | ciphertext and tag`; the purpose is bound in as associated data, so
that a phone number's ciphertext cannot be moved into a name's column. The blind index is HMAC-SHA-256, truncated to 16
bytes behind its own key's version, so that the two kinds of keys rotate apart.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Mapping, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12
INDEX_BYTES = 16
SEARCHED_INDEX_KEYS = 2


class CryptoError(Exception):
    """A key is missing or malformed, or a stored value was tampered with."""


def parse_keys(text: str) -> dict[int, bytes]:
    """`version:base64,…`, newest first. Raises CryptoError where a key is not 32 bytes or a version not 1 to 255."""
    keys: dict[int, bytes] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        version, _, encoded = part.partition(":")
        try:
            number, key = int(version), base64.b64decode(encoded, validate=True)
        except ValueError as error:
            raise CryptoError("a key must read version:base64") from error
        if not 1 <= number <= 255 or len(key) != KEY_BYTES:
            raise CryptoError("a key must have a version from 1 to 255 and 32 bytes")
        keys[number] = key
    if not keys:
        raise CryptoError("no keys are given")
    return keys


class KeyRing:
    """Seals with the newest key, opens with any."""

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        self._ciphers = {version: AESGCM(key) for version, key in keys.items()}
        self._newest = next(iter(keys))

    @property
    def newest(self) -> int:
        """The version that seals now."""
        return self._newest

    @property
    def versions(self) -> list[int]:
        """Every version that can be opened, newest first."""
        return list(self._ciphers)

    def seal(self, plain: bytes, purpose: str) -> bytes:
        """Encrypt for one purpose (`person.name`, `contact.value`, …)."""
        nonce = os.urandom(NONCE_BYTES)
        body = self._ciphers[self._newest].encrypt(nonce, plain, purpose.encode())
        return bytes([self._newest]) + nonce + body

    def open(self, sealed: bytes, purpose: str) -> bytes:
        """Decrypt. Raises CryptoError for an unknown key version, another purpose or a changed value."""
        if len(sealed) <= 1 + NONCE_BYTES:
            raise CryptoError("the sealed value is too short")
        cipher = self._ciphers.get(sealed[0])
        if cipher is None:
            raise CryptoError(f"no key of version {sealed[0]}")
        try:
            return cipher.decrypt(sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :], purpose.encode())
        except InvalidTag as error:
            raise CryptoError("the sealed value was changed, or has another purpose") from error

    def seal_text(self, text: str, purpose: str) -> bytes:
        return self.seal(text.encode(), purpose)

    def open_text(self, sealed: bytes, purpose: str) -> str:
        return self.open(sealed, purpose).decode()


class BlindIndex:
    """A keyed fingerprint of a value: equal values match, and without the key nothing is learnt from it."""

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        self._keys: Sequence[tuple[int, bytes]] = list(keys.items())

    def of(self, value: str, purpose: str) -> bytes:
        """The fingerprint under the newest key."""
        return self._digest(self._keys[0], value, purpose)

    def candidates(self, value: str, purpose: str) -> list[bytes]:
        """What to search for: under the newest two keys, so that a rotation is invisible to searches."""
        return [self._digest(key, value, purpose) for key in self._keys[:SEARCHED_INDEX_KEYS]]

    @property
    def newest(self) -> int:
        """The version that fingerprints now."""
        return self._keys[0][0]

    @property
    def versions(self) -> list[int]:
        """Every version there is a key of, newest first."""
        return [version for version, _ in self._keys]

    def matches(self, stored: bytes, value: str, purpose: str) -> bool:
        """Whether a stored fingerprint, under whatever key it was made, is this value's."""
        key = next((key for key in self._keys if key[0] == stored[0]), None) if stored else None
        return key is not None and hmac.compare_digest(self._digest(key, value, purpose), stored)

    @staticmethod
    def _digest(key: tuple[int, bytes], value: str, purpose: str) -> bytes:
        digest = hmac.new(key[1], f"{purpose}\0{value}".encode(), hashlib.sha256).digest()
        return bytes([key[0]]) + digest[:INDEX_BYTES]


class Vault:
    """Both, as one process uses them."""

    def __init__(self, encryption_keys: str, index_keys: str) -> None:
        self.ring = KeyRing(parse_keys(encryption_keys))
        self.index = BlindIndex(parse_keys(index_keys))


_vault: Vault | None = None


def open_vault(encryption_keys: str, index_keys: str) -> Vault:
    """Called once by each composition root."""
    global _vault  # noqa: PLW0603 — one key ring a process; passing it through every model property would hide nothing.
    _vault = Vault(encryption_keys, index_keys)
    return _vault


def vault() -> Vault:
    """The process's keys. Raises CryptoError where no composition root opened them."""
    if _vault is None:
        raise CryptoError("the vault is not open: the composition root calls kit.crypto.open_vault first")
    return _vault
