"""Signatures, AES and the two body formats of callbacks, from the platform's side.

Source: 消息推送 / 消息加解密说明. AESKey = b64decode(key43 + "="), CBC, IV = key[:16]; plaintext = 16 random bytes +
length as uint32 big-endian + message + app id, padded as PKCS#7 to 32 bytes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import struct
from typing import Any, Literal
from xml.sax.saxutils import escape

import orjson
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

Format = Literal["xml", "json"]
_BLOCK = 32


class BadEnvelope(ValueError):
    """The product's answer cannot be read: wrong signature, padding, app id, XML or JSON."""


def sign(*parts: str) -> str:
    """SHA-1 over the sorted parts, as `signature` (token, timestamp, nonce) and `msg_signature` (+ Encrypt)."""
    # The platform's protocol prescribes SHA-1.
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()  # noqa: S324 — prescribed by the protocol.


def encrypt(aes_key: str, app_id: str, message: str) -> str:
    """The value of the `Encrypt` field."""
    key = base64.b64decode(aes_key + "=")
    content = message.encode()
    plain = os.urandom(16) + struct.pack(">I", len(content)) + content + app_id.encode()
    padding = _BLOCK - len(plain) % _BLOCK
    encryptor = Cipher(AES(key), CBC(key[:16])).encryptor()
    return base64.b64encode(encryptor.update(plain + bytes([padding]) * padding) + encryptor.finalize()).decode()


def decrypt(aes_key: str, app_id: str, encrypted: str) -> str:
    """The message inside an `Encrypt` field. Raises BadEnvelope."""
    key = base64.b64decode(aes_key + "=")
    try:
        decryptor = Cipher(AES(key), CBC(key[:16])).decryptor()
        plain = decryptor.update(base64.b64decode(encrypted, validate=True)) + decryptor.finalize()
        padding = plain[-1]
        length = struct.unpack(">I", plain[16:20])[0]
        message, sender = plain[20 : 20 + length].decode(), plain[20 + length : len(plain) - padding]
    except (ValueError, IndexError, struct.error) as error:
        raise BadEnvelope("junk ciphertext") from error
    if not 1 <= padding <= _BLOCK or plain[-padding:] != bytes([padding]) * padding:
        raise BadEnvelope("bad padding")
    if sender.decode("utf-8", "replace") != app_id:
        raise BadEnvelope("wrong app id")
    return message


def render(body: dict[str, Any], style: Format) -> str:
    """A callback's body. XML repeats an element for each item of a list; JSON has an object where there is one."""
    if style == "json":
        return orjson.dumps(_json_shape(body)).decode()
    return f"<xml>{''.join(_element(key, value) for key, value in body.items())}</xml>"


def _json_shape(body: dict[str, Any]) -> dict[str, Any]:
    """Subscribe events nest their `List` in XML; in JSON it stands at the top, as one object where there is one."""
    shaped: dict[str, Any] = {}
    for key, value in body.items():
        if isinstance(value, dict) and "List" in value:
            items = value["List"]
            shaped["List"] = items[0] if len(items) == 1 else items
        else:
            shaped[key] = value
    return shaped


def _element(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(_element(name, item) for item in value)
    if isinstance(value, dict):
        return f"<{name}>{''.join(_element(key, inner) for key, inner in value.items())}</{name}>"
    if isinstance(value, int | float):
        return f"<{name}>{value}</{name}>"
    text = str(value)
    # A CDATA section cannot hold its own end; such a text is escaped instead.
    return f"<{name}>{escape(text)}</{name}>" if "]]>" in text else f"<{name}><![CDATA[{text}]]></{name}>"


def parse(text: str, style: Format) -> dict[str, Any]:
    """A passive reply as nested dictionaries; repeated elements become lists. Raises BadEnvelope."""
    try:
        parsed = orjson.loads(text) if style == "json" else _plain(ElementTree.fromstring(text))
    except (ElementTree.ParseError, DefusedXmlException, orjson.JSONDecodeError, ValueError) as error:
        raise BadEnvelope(f"not {style}") from error
    if not isinstance(parsed, dict):
        raise BadEnvelope(f"not a {style} object")
    return parsed


def _plain(element: Any) -> Any:
    if not len(element):
        return element.text or ""
    found: dict[str, Any] = {}
    for child in element:
        value = _plain(child)
        if child.tag not in found:
            found[child.tag] = value
        elif isinstance(found[child.tag], list):
            found[child.tag].append(value)
        else:
            found[child.tag] = [found[child.tag], value]
    return found


def open_reply(reply: dict[str, Any], token: str, aes_key: str, app_id: str) -> str:
    """The message inside an encrypted passive reply. Raises BadEnvelope where signature or ciphertext is wrong."""
    encrypted = str(reply.get("Encrypt", ""))
    given = str(reply.get("MsgSignature", ""))
    expected = sign(token, str(reply.get("TimeStamp", "")), str(reply.get("Nonce", "")), encrypted)
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise BadEnvelope("wrong MsgSignature")
    return decrypt(aes_key, app_id, encrypted)
