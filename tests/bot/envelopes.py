"""Envelopes as the platform makes them, with wechatpy's own signing and encryption as the counterpart of ours."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, settings
from wechatpy import crypto, parser, replies, utils

from bot.envelope import Account, RejectedEnvelope, Rejection, open_envelope
from settings import PlatformAccount

# wechatpy has no type information.
WeChatCrypto: Any = crypto.WeChatCrypto
WeChatSigner: Any = utils.WeChatSigner
deserialize_reply: Any = replies.deserialize_reply
parse_message: Any = parser.parse_message
xmltodict: Any = vars(parser)["xmltodict"]

TOKEN = "demotokenoa"
APP_ID = "wxdemo000000000oa1"
KEY = "demoAesKeyForTheOfficialAccount0000000000oa"
OLD_KEY = "demoAesKeyOfLastYear00000000000000000000000"
NOW = 1_764_000_000
NONCE = "1372623149"


def account(*, max_age: int = 600, accept_plain: bool = True, **changes: str) -> Account:
    given = {"app_id": APP_ID, "token": TOKEN, "aes_key": KEY} | changes
    return Account.of(PlatformAccount.model_validate(given), max_age=max_age, accept_plain=accept_plain)


ACCOUNT = account()


def sign(*parts: str) -> str:
    signer = WeChatSigner()
    signer.add_data(*parts)
    return str(signer.signature)


def signed_query(timestamp: int = NOW, **more: str) -> dict[str, str]:
    stamp = str(timestamp)
    return {"signature": sign(TOKEN, stamp, NONCE), "timestamp": stamp, "nonce": NONCE, "openid": "oCitizen"} | more


def encrypt(text: str, *, key: str = KEY, app_id: str = APP_ID) -> str:
    sealed = WeChatCrypto(TOKEN, key, app_id).encrypt_message(text, NONCE, str(NOW))
    return str(xmltodict.parse(sealed)["xml"]["Encrypt"])


def encrypted_query(sealed: str, timestamp: int = NOW) -> dict[str, str]:
    signature = sign(TOKEN, str(timestamp), NONCE, sealed)
    return signed_query(timestamp, encrypt_type="aes", msg_signature=signature)


def xml(**fields: str) -> str:
    return "<xml>" + "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in fields.items()) + "</xml>"


TEXT = {"ToUserName": "gh_station", "FromUserName": "oCitizen", "MsgType": "text", "Content": "我的案子呢？"}


def plain_body(body_format: str, message: dict[str, Any] = TEXT) -> bytes:
    return xml(**message).encode() if body_format == "xml" else orjson.dumps(message)


def safe_body(body_format: str, sealed: str, **beside: str) -> bytes:
    return plain_body(body_format, beside | {"ToUserName": "gh_station", "Encrypt": sealed})


def refused(query: dict[str, str], body: bytes, *, by: Account = ACCOUNT, now: float = NOW) -> Rejection:
    with pytest.raises(RejectedEnvelope) as refusal:
        open_envelope(by, query, body, now)
    return refusal.value.reason


tolerant = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
"""Hypothesis takes a second to load its table of characters, once."""
FORMATS = pytest.mark.parametrize("body_format", ["xml", "json"])
