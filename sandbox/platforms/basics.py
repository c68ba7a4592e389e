"""Tokens, quota, temporary media: what official account and mini-program have in common."""

from __future__ import annotations

import hmac
from typing import Any

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException

from sandbox.errors import PlatformError
from sandbox.model import AccountKey
from sandbox.platforms.gateway import Answer, Binary, Call, Endpoint, ok
from sandbox.world import Sandbox

_MEGABYTE = 1024 * 1024
MEDIA_LIMITS = {"image": 10 * _MEGABYTE, "voice": 2 * _MEGABYTE, "video": 10 * _MEGABYTE, "thumb": 64 * 1024}
"""Bytes by kind of temporary media (新增临时素材)."""


def authenticate(
    sandbox: Sandbox, app_id: Any, secret: Any, allowed: tuple[AccountKey, ...] = ("oa", "mp")
) -> AccountKey:
    """The account of an app id and secret. Raises PlatformError 41002, 41004, 40013, 40125."""
    if not app_id:
        raise PlatformError(41002)
    if not secret:
        raise PlatformError(41004)
    for account in allowed:
        config = sandbox.account_config(account)
        if config.app_id == app_id:
            if not hmac.compare_digest(config.secret.encode(), str(secret).encode()):
                raise PlatformError(40125)
            return account
    raise PlatformError(40013)


async def token(call: Call) -> Answer:
    if call.query.get("grant_type") != "client_credential":
        raise PlatformError(40035, "invalid grant_type")
    account = authenticate(call.sandbox, call.query.get("appid"), call.query.get("secret"))
    call.sandbox.quotas.spend(account, "/cgi-bin/token")
    value, seconds = call.sandbox.tokens.plain(account)
    return {"access_token": value, "expires_in": seconds}


async def stable_token(call: Call) -> Answer:
    if call.data.get("grant_type") != "client_credential":
        raise PlatformError(40035, "invalid grant_type")
    account = authenticate(call.sandbox, call.data.get("appid"), call.data.get("secret"))
    call.sandbox.quotas.spend(account, "/cgi-bin/stable_token")
    value, seconds = call.sandbox.tokens.stable(account, force=call.data.get("force_refresh") is True)
    return {"access_token": value, "expires_in": seconds}


async def callback_ips(call: Call) -> Answer:
    return {"ip_list": ["127.0.0.1"]}


async def clear_quota(call: Call) -> Answer:
    if call.need("appid", 41002) != call.sandbox.account_config(call.account).app_id:
        raise PlatformError(40013)
    call.sandbox.quotas.clear(call.account)
    return ok()


async def upload(call: Call) -> Answer:
    kind = call.query.get("type", "")
    if kind not in MEDIA_LIMITS:
        raise PlatformError(40004)
    filename, content_type, content = await _uploaded(call)
    if not 0 < len(content) <= MEDIA_LIMITS[kind]:
        raise PlatformError(40006)
    media = call.sandbox.add_media(call.account, kind, filename or kind, content_type, content)
    return {"type": kind, "media_id": media.id, "created_at": int(media.created_at)}


async def _uploaded(call: Call) -> tuple[str, str, bytes]:
    """File name, content type and bytes of the form's `media`. Raises PlatformError 41005."""
    try:
        async with call.request.form() as form:
            given = form.get("media")
            if isinstance(given, UploadFile):
                return given.filename or "", given.content_type or "application/octet-stream", await given.read()
    # Starlette reports a form it cannot read as an HTTP 400, and its parser's own error where used bare.
    except (HTTPException, MultiPartException):
        pass
    raise PlatformError(41005)


async def download(call: Call) -> Answer:
    """Videos come as an address, everything else as bytes."""
    media_id = call.query.get("media_id")
    if not media_id:
        raise PlatformError(41006)
    media, content = call.sandbox.media_content(call.account, media_id)
    if media.kind == "video":
        return {"video_url": f"{call.sandbox.config.base_url}/media/{media.id}"}
    return Binary(content, media.content_type, media.filename)


ENDPOINTS = [
    Endpoint("/cgi-bin/token", token, method="GET", token=False),
    Endpoint("/cgi-bin/stable_token", stable_token, token=False),
    Endpoint("/cgi-bin/getcallbackip", callback_ips, method="GET"),
    Endpoint("/cgi-bin/clear_quota", clear_quota),
    Endpoint("/cgi-bin/media/upload", upload, upload=True),
    Endpoint("/cgi-bin/media/get", download, method="GET"),
]
