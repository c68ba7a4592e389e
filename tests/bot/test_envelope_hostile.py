"""Whatever is thrown at the envelope, exactly one error comes out, with its reason."""

from __future__ import annotations

import base64
import contextlib
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.envelope import (
    MAX_BODY,
    Opened,
    RejectedEnvelope,
    Rejection,
    answer_verification,
    open_envelope,
)
from tests.bot.envelopes import (
    ACCOUNT,
    APP_ID,
    NONCE,
    NOW,
    TEXT,
    TOKEN,
    encrypt,
    encrypted_query,
    plain_body,
    refused,
    safe_body,
    sign,
    signed_query,
    tolerant,
    xml,
)

BOMBS = {
    "entity": b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><xml><Content>&b;</Content></xml>',
    "external entity": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><xml><Content>&a;</Content></xml>',
    "external document type": b'<!DOCTYPE x SYSTEM "http://attacker.example/x.dtd"><xml/>',
    "depth": b"<xml>" * 100_000,
    "closed depth": b"<a>" * 17 + b"</a>" * 17,
    "width": b"<xml>" + b"<a/>" * 5000 + b"</xml>",
    "json depth": b'{"a":' * 100_000,
    "closed json depth": b'{"a":' * 17 + b"1" + b"}" * 17,
    "json width": b'{"a":[' + b"1," * 5000 + b"1]}",
    "json array": b"[]",
    "number": b'{"a":' + b"9" * 5000 + b"\x01}",
    "empty": b"",
    "blank": b" \n",
    "text": "您好".encode(),
    "latin": "<xml><a>é</a></xml>".encode("latin-1"),
    "entity in UTF-16": '<!DOCTYPE x [<!ENTITY a "ha">]><xml>&a;</xml>'.encode("utf-16"),
    "two roots": b"<xml/><xml/>",
    "unknown entity": b"<xml>&nbsp;</xml>",
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_bodies_that_are_no_message(bomb: bytes) -> None:
    assert refused(signed_query(), bomb) is Rejection.BODY
    sealed = encrypt(bomb.decode("latin-1")) if bomb.isascii() and bomb else ""
    if sealed:
        assert refused(encrypted_query(sealed), safe_body("json", sealed)) is Rejection.BODY


def test_the_declared_encoding_is_not_obeyed() -> None:
    body = '<?xml version="1.0" encoding="gbk"?><xml><Content>您好</Content></xml>'.encode()
    assert open_envelope(ACCOUNT, signed_query(), body, NOW).message == {"Content": "您好"}


def test_a_body_of_exactly_the_limit_is_read_and_a_larger_one_is_not() -> None:
    frame = len(xml(Content=""))
    assert len(open_envelope(ACCOUNT, signed_query(), xml(Content="x" * (MAX_BODY - frame)).encode(), NOW).message) == 1
    assert refused(signed_query(), xml(Content="x" * (MAX_BODY - frame + 1)).encode()) is Rejection.TOO_LARGE


def cut(sealed: str, change: str) -> str:
    raw = base64.b64decode(sealed)
    return base64.b64encode({"block": raw[:-32], "half": raw[:-16], "byte": raw[:-1], "none": b""}[change]).decode()


@pytest.mark.parametrize("change", ["block", "half", "byte", "none"])
def test_a_truncated_ciphertext_even_if_signed(change: str) -> None:
    sealed = cut(encrypt(xml(**TEXT)), change) or "===="
    assert refused(encrypted_query(sealed), safe_body("xml", sealed)) is Rejection.CIPHERTEXT


@pytest.mark.parametrize("sealed", ["", "%%%%", "密文", {"nested": 1}, None, 5])
def test_an_encrypt_field_that_is_no_ciphertext(sealed: Any) -> None:
    body = orjson.dumps({"Encrypt": sealed})
    signature = sign(TOKEN, str(NOW), NONCE, str(sealed))
    query = signed_query(encrypt_type="aes", msg_signature=signature)
    assert refused(query, body) in {Rejection.BODY, Rejection.CIPHERTEXT}


def raw_encrypt(plain: bytes) -> str:
    """Encrypt any plaintext with the account's own key, as nobody else could."""
    encryptor = ACCOUNT.ciphers[0].encryptor()
    return base64.b64encode(encryptor.update(plain) + encryptor.finalize()).decode()


@given(
    padding=st.binary(min_size=1, max_size=33),
    length=st.integers(0, 2**32 - 1),
    middle=st.binary(max_size=64),
)
def test_whatever_the_plaintext_only_one_error_escapes(padding: bytes, length: int, middle: bytes) -> None:
    plain = b"r" * 16 + length.to_bytes(4, "big") + middle
    plain += (padding * 32)[: 32 - len(plain) % 32]
    sealed = raw_encrypt(plain)
    assert refused(encrypted_query(sealed), safe_body("json", sealed)) in {
        Rejection.CIPHERTEXT,
        Rejection.APP_ID,
        Rejection.BODY,
    }


FRAMES = [(b"", b""), (b"<xml>", b"</xml>"), (b"<xml><Encrypt>", b"</Encrypt></xml>"), (b'{"a":', b"}")]


@given(body=st.binary(max_size=200), frame=st.sampled_from(FRAMES))
def test_whatever_the_body_only_one_error_escapes(body: bytes, frame: tuple[bytes, bytes]) -> None:
    for query in (signed_query(), signed_query(encrypt_type="aes", msg_signature="0" * 40)):
        with contextlib.suppress(RejectedEnvelope):
            assert isinstance(open_envelope(ACCOUNT, query, body.join(frame), NOW), Opened)


PLAIN = b"r" * 16 + b"\0\0\0\x02{}" + APP_ID.encode()


@pytest.mark.parametrize(
    "plain",
    [
        PLAIN + b"\x00" * 24,  # Padding of nothing.
        PLAIN + b"\x01\x02\x03" + b"\x00" * 20 + b"\x18",  # Its length is right, its bytes are not.
        PLAIN + b"\x21" * 24,  # Longer than a block.
        PLAIN.replace(b"\0\0\0\x02", b"\0\0\0\x40") + b"\x18" * 24,  # The message ends within the padding.
    ],
)
def test_a_plaintext_that_is_not_built_as_the_platform_builds_it(plain: bytes) -> None:
    good = raw_encrypt(PLAIN + b"\x18" * 24)
    assert open_envelope(ACCOUNT, encrypted_query(good), safe_body("json", good), NOW).message == {}
    sealed = raw_encrypt(plain)
    assert refused(encrypted_query(sealed), safe_body("json", sealed)) is Rejection.CIPHERTEXT


def test_a_ciphertext_in_sloppy_base64() -> None:
    good = encrypt(xml(**TEXT))
    for sealed in (f"{good[:8]} {good[8:]}", f"{good}====", good.replace("=", "") + "!"):
        assert refused(encrypted_query(sealed), safe_body("json", sealed)) is Rejection.CIPHERTEXT


NAMES = ["signature", "timestamp", "nonce", "encrypt_type", "msg_signature", "echostr"]
VALUES = st.text(max_size=150) | st.sampled_from(["aes", "raw", "", str(NOW), "0" * 40])


@tolerant
@given(changes=st.dictionaries(st.sampled_from(NAMES), VALUES))
def test_whatever_the_query_only_one_error_escapes(changes: dict[str, str]) -> None:
    sealed = encrypt(xml(**TEXT))
    genuine = encrypted_query(sealed) | {"echostr": "1"}
    query = genuine | changes
    for body in (safe_body("xml", sealed), plain_body("json")):
        with contextlib.suppress(RejectedEnvelope):
            assert open_envelope(ACCOUNT, query, body, NOW).message == TEXT
    with contextlib.suppress(RejectedEnvelope):
        assert answer_verification(ACCOUNT, query, NOW) == query["echostr"]
    if all(query[name] == genuine[name] for name in NAMES[:5]):
        assert open_envelope(ACCOUNT, query, safe_body("xml", sealed), NOW).message == TEXT
