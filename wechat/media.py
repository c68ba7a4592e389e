"""Temporary media: pictures, voice and video that people sent, kept by the platform for 3 days.

Source: 微信开放文档 «获取临时素材».
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from email.message import Message
from urllib.parse import urlsplit

from wechat.answers import text
from wechat.errors import TOKEN_CODES, MalformedAnswer, platform_error
from wechat.tokens import with_token
from wechat.transport import Transport
from wechat.wire import Response, content_type, json_object, opened, parts, read

SECONDS = 60.0
"""For a whole download."""
MAX_ERROR = 64 * 1024

_JSON_TYPES = frozenset({"application/json", "text/plain", "text/json"})
_FILE_NAME = re.compile(r"[\w\-.]{1,128}")


@dataclass(frozen=True, slots=True)
class Media:
    """A file that is being downloaded."""

    content_type: str
    """As the platform claims; look at the content before believing it."""
    file_name: str
    """As the platform calls it, or empty; letters, digits, `-`, `_` and `.` only."""
    parts: AsyncIterator[bytes]
    """The content as it arrives. Raises MalformedAnswer beyond the limit, Ambiguous where the connection breaks."""


@asynccontextmanager
async def download(transport: Transport, media_id: str, *, limit: int) -> AsyncIterator[Media]:
    """Open a temporary file for reading within the block; at most `limit` bytes.

    Raises BadContent (40007) where it is unknown or older than 3 days, and the general errors. Nothing is lost by
    repeating a download.
    """
    async with AsyncExitStack() as stack:

        async def open_(token: str) -> Media | int:
            return await _open(stack, transport, media_id, token, limit)

        found = await with_token(transport.tokens, open_, lambda result: isinstance(result, int))
        if isinstance(found, int):
            raise platform_error(found, "")
        yield found


async def _open(stack: AsyncExitStack, transport: Transport, media_id: str, token: str, limit: int) -> Media | int:
    """The file, or the errcode of a rejected token. Raises PlatformError for other errcodes."""
    params = {"access_token": token, "media_id": media_id}
    address = transport.address("media/get")
    response = await stack.enter_async_context(opened(transport.http, "GET", address, params=params, seconds=SECONDS))
    if content_type(response) not in _JSON_TYPES:
        return _media(response, limit)
    found = json_object(await read(response, MAX_ERROR))
    errcode = found.get("errcode", 0)
    if isinstance(errcode, int) and errcode in TOKEN_CODES:
        return errcode
    if isinstance(errcode, int) and errcode:
        raise platform_error(errcode, str(found.get("errmsg", "")))
    # A video is only named here, and fetched from another address without the token.
    address = _trusted(text(found, "video_url"), transport.base_url)
    return _media(await stack.enter_async_context(opened(transport.http, "GET", address, seconds=SECONDS)), limit)


def _trusted(address: str, base_url: str) -> str:
    """The address itself if it is the platform's own. Raises MalformedAnswer: we fetch from nowhere else."""
    target, base = urlsplit(address), urlsplit(base_url)
    host = target.hostname or ""
    own = (target.scheme, target.netloc) == (base.scheme, base.netloc)
    if own or (target.scheme in {"http", "https"} and host.endswith((".qq.com", ".weixin.qq.com", ".qpic.cn"))):
        return address
    raise MalformedAnswer("video_url")


def _file_name(disposition: str) -> str:
    """The name in a Content-Disposition header (RFC 6266); empty where there is none."""
    header = Message()
    header["Content-Disposition"] = disposition
    return header.get_filename() or ""


def _media(response: Response, limit: int) -> Media:
    name = _file_name(response.get_header("content-disposition") or "")
    return Media(content_type(response), name if _FILE_NAME.fullmatch(name) else "", parts(response, limit))
