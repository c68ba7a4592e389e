"""The envelope in which a WeChat platform delivers a message: checked, decrypted and parsed, or refused with a reason.

Pure: no clock, no network, no database. Sources: 微信开放文档 «验证消息的确来自微信服务器», «消息加解密说明» (official
account) and «消息推送» (mini-program). The reasons for doing this ourselves are in `docs/decisions/wechat-envelope.md`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Self

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from bot.markup import BodyFormat, Malformed, parse_body, render_body
from settings import PlatformAccount

MAX_BODY = 1024 * 1024
"""Bytes; the largest body that is looked at. Genuine ones are a few kilobytes."""
MAX_QUERY_VALUE = 128
ACKNOWLEDGED = b"success"
"""Tells the platform that the message arrived and that no passive reply follows. Never encrypted."""

_BLOCK = 32
"""The platform pads to 32 bytes although AES's own block has 16."""
_RANDOM = 16
_HEADER = _RANDOM + 4

Mode = Literal["plain", "compatible", "safe"]


class Rejection(StrEnum):
    """Why an envelope was refused; safe to log and to count."""

    QUERY = "query"  # A parameter is missing, repeated as nonsense, not ASCII or too long.
    SIGNATURE = "signature"
    STALE = "stale"  # The timestamp lies further than `max_age` from now, in either direction.
    TOO_LARGE = "too_large"
    BODY = "body"  # Neither XML nor a JSON object, too deep, too many elements, or with a document type.
    PLAIN = "plain"  # Plain text, although this account accepts only encrypted messages.
    NO_KEY = "no_key"  # Encrypted, although this account has no EncodingAESKey.
    CIPHERTEXT = "ciphertext"
    APP_ID = "app_id"  # Decrypted well, but written to another account.


class RejectedEnvelope(Exception):
    """The request is not a message from the platform to this account. The only error this module lets out."""

    def __init__(self, reason: Rejection) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Account:
    """One account's callback credentials, decoded once at start. Its repr shows no secret."""

    app_id: str
    token: str = field(repr=False)
    max_age: int
    """Seconds; 0 accepts any timestamp."""
    accept_plain: bool
    ciphers: tuple[Cipher[CBC], ...] = field(repr=False)
    """The current key's, then the previous key's, as far as they are set."""

    @classmethod
    def of(cls, account: PlatformAccount, *, max_age: int, accept_plain: bool = True) -> Self:
        """Read an account from the settings. Raises ValueError where an EncodingAESKey is not 43 base64 characters.

        `accept_plain=False` refuses plain mode. The plain mode's signature covers the query but not the body, so that
        whoever has seen one signed address could write any message until the timestamp is stale; an account whose
        console says safe mode should therefore refuse it.
        """
        keys = [account.aes_key.get_secret_value(), account.previous_aes_key.get_secret_value()]
        return cls(
            app_id=account.app_id,
            token=account.token.get_secret_value(),
            max_age=max_age,
            accept_plain=accept_plain,
            ciphers=tuple(_cipher(key) for key in keys if key),
        )


@dataclass(frozen=True, slots=True)
class Opened:
    """A genuine message and what its reply needs."""

    message: dict[str, Any]
    """As sent: from XML every leaf is a string and repeated elements are a list; from JSON as typed there."""
    mode: Mode
    body_format: BodyFormat
    nonce: str
    timestamp: str
    cipher: Cipher[CBC] | None = field(repr=False)
    """The key it came with; its reply uses the same one while keys are being changed. None in plain mode."""


def answer_verification(account: Account, query: Mapping[str, str], now: float) -> str:
    """The text to answer, verbatim and as text/plain, when the console verifies the address by GET.

    `now` is real time in seconds since 1970. Raises RejectedEnvelope.
    """
    timestamp, nonce = _fresh(account, query, now)
    _check(_value(query, "signature"), account.token, timestamp, nonce)
    return _value(query, "echostr")


def open_envelope(account: Account, query: Mapping[str, str], body: bytes, now: float) -> Opened:
    """Check, decrypt and parse one POST. `now` is real time in seconds since 1970. Raises RejectedEnvelope only."""
    if len(body) > MAX_BODY:
        raise RejectedEnvelope(Rejection.TOO_LARGE)
    timestamp, nonce = _fresh(account, query, now)
    encrypted = query.get("encrypt_type") == "aes"
    if not encrypted or "signature" in query:
        _check(_value(query, "signature"), account.token, timestamp, nonce)
    message, body_format = _parse(body)
    # Whoever takes `encrypt_type` away from a genuine request does not turn it into a plain one.
    if not encrypted and "Encrypt" not in message:
        if not account.accept_plain:
            raise RejectedEnvelope(Rejection.PLAIN)
        return Opened(message, "plain", body_format, nonce, timestamp, None)
    # Compatible mode sends the message twice, plain and encrypted. Only the encrypted part is covered by
    # msg_signature; the plain one could have been changed on its way, so it is not read.
    mode: Mode = "compatible" if "MsgType" in message else "safe"
    sealed = message.get("Encrypt")
    if not isinstance(sealed, str) or not sealed.isascii():
        raise RejectedEnvelope(Rejection.BODY)
    _check(_value(query, "msg_signature"), account.token, timestamp, nonce, sealed)
    text, cipher = _decrypt(account, sealed)
    return Opened(_parse(text)[0], mode, body_format, nonce, timestamp, cipher)


def seal_reply(account: Account, opened: Opened, reply: Mapping[str, Any] | None) -> bytes:
    """The body that answers an opened message: `success` for no reply, else the reply in the message's own format.

    Encrypted with the message's key if the message was encrypted. Characters that XML cannot carry are left out.
    """
    if not reply:
        return ACKNOWLEDGED
    text = render_body(reply, opened.body_format)
    if opened.cipher is None:
        return text
    sealed = _encrypt(opened.cipher, text, account.app_id)
    return render_body(
        {
            "Encrypt": sealed,
            "MsgSignature": _sign(account.token, opened.timestamp, opened.nonce, sealed),
            "TimeStamp": int(opened.timestamp),
            "Nonce": opened.nonce,
        },
        opened.body_format,
    )


def _value(query: Mapping[str, str], name: str) -> str:
    value = query.get(name)
    if not value or len(value) > MAX_QUERY_VALUE or not value.isascii():
        raise RejectedEnvelope(Rejection.QUERY)
    return value


def _fresh(account: Account, query: Mapping[str, str], now: float) -> tuple[str, str]:
    timestamp, nonce = _value(query, "timestamp"), _value(query, "nonce")
    if not timestamp.isdigit() or len(timestamp) > 12:
        raise RejectedEnvelope(Rejection.QUERY)
    if account.max_age and abs(now - int(timestamp)) > account.max_age:
        raise RejectedEnvelope(Rejection.STALE)
    return timestamp, nonce


def _sign(*parts: str) -> str:
    # SHA-1 is the platform's choice.
    return hashlib.sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()


def _check(signature: str, *parts: str) -> None:
    if not hmac.compare_digest(_sign(*parts), signature):
        raise RejectedEnvelope(Rejection.SIGNATURE)


def _parse(body: bytes) -> tuple[dict[str, Any], BodyFormat]:
    try:
        return parse_body(body)
    except Malformed as error:
        raise RejectedEnvelope(Rejection.BODY) from error


def _cipher(encoding_aes_key: str) -> Cipher[CBC]:
    key = base64.b64decode(encoding_aes_key + "=", validate=True)
    if len(key) != 32:
        raise ValueError("an EncodingAESKey has 43 characters")
    return Cipher(AES(key), CBC(key[:16]))


def _decrypt(account: Account, sealed: str) -> tuple[bytes, Cipher[CBC]]:
    """Open with the current key, else with the previous one."""
    if not account.ciphers:
        raise RejectedEnvelope(Rejection.NO_KEY)
    try:
        ciphertext = binascii.a2b_base64(sealed, strict_mode=True)
    except ValueError as error:
        raise RejectedEnvelope(Rejection.CIPHERTEXT) from error
    if not ciphertext or len(ciphertext) % _BLOCK:
        raise RejectedEnvelope(Rejection.CIPHERTEXT)
    reason = Rejection.CIPHERTEXT
    for cipher in account.ciphers:
        decryptor = cipher.decryptor()
        found = _unpad(decryptor.update(ciphertext) + decryptor.finalize())
        if found is None:
            continue
        text, app_id = found
        if app_id == account.app_id.encode():
            return text, cipher
        reason = Rejection.APP_ID
    raise RejectedEnvelope(reason)


def _unpad(plain: bytes) -> tuple[bytes, bytes] | None:
    """Message and app id out of 16 random bytes + length + message + app id + padding; None if the key was wrong."""
    padding = plain[-1]
    if not 1 <= padding <= _BLOCK or plain[-padding:] != bytes((padding,)) * padding:
        return None
    end = _HEADER + int.from_bytes(plain[_RANDOM:_HEADER], "big")
    if end > len(plain) - padding:
        return None
    return plain[_HEADER:end], plain[end : len(plain) - padding]


def _encrypt(cipher: Cipher[CBC], text: bytes, app_id: str) -> str:
    plain = os.urandom(_RANDOM) + len(text).to_bytes(4, "big") + text + app_id.encode()
    padding = _BLOCK - len(plain) % _BLOCK
    encryptor = cipher.encryptor()
    return base64.b64encode(encryptor.update(plain + bytes((padding,)) * padding) + encryptor.finalize()).decode()
