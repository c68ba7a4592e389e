"""The way of every WeChat call: address, access token, errcode, renewal of the token.

wechatpy's API classes call `get` and `post` of the client they are given and return what these return; handing them
this one makes all of them asynchronous. Those that subscript their result do not work on an awaitable and are not used
(`jsapi.get_jsapi_ticket`, `user.iter_followers`, `tag.iter_tag_users`, `menu.get`'s error handling …).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import orjson

from wechat.errors import TOKEN_CODES, MalformedAnswer, platform_error
from wechat.tokens import TokenSource, with_token
from wechat.wire import Answer, Client, Url, exchange, json_object
from wechat.wire import address as parsed

PLATFORM_URL = "https://api.weixin.qq.com"
"""Hard-coded in wechatpy's classes; replaced by the settings' base URL."""
DEFAULT_PATH = f"{PLATFORM_URL}/cgi-bin/"

_JSON = {"Content-Type": "application/json"}
"""Tencent reads the body whatever is declared; proxies in between like it declared."""

Processor = Callable[[dict[str, Any]], Any]


class Transport:
    """Calls one account's APIs. Share the HTTP client among all of them and close it when the process ends."""

    def __init__(self, http: Client, *, base_url: str, tokens: TokenSource, seconds: float = 10.0) -> None:
        self.http = http
        self.base_url = base_url.rstrip("/")
        self.tokens = tokens
        self._seconds = seconds

    def get(self, url: str, **kwargs: Any) -> Awaitable[Any]:
        """As wechatpy's client, awaitable: the answer's JSON object, or Answer where it is none."""
        return self.request("GET", url, **kwargs)

    def post(self, url: str, **kwargs: Any) -> Awaitable[Any]:
        """As `get`."""
        return self.request("POST", url, **kwargs)

    async def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | bytes | None = None,
        result_processor: Processor | None = None,
        api_base_url: str = DEFAULT_PATH,
        needs_token: bool = True,
    ) -> Any:
        """Call an API. Raises CallError's classes.

        A rejected access token is renewed and the call repeated, twice at most: the platform did nothing before.
        """
        body = data if data is None or isinstance(data, bytes) else orjson.dumps(dict(data))
        address = self.address(url, api_base_url)
        plain = {name: str(value) for name, value in params.items() if value is not None} if params else {}

        async def once(token: str) -> Any:
            return await self._once(method, address, plain, body, token)

        result = await (with_token(self.tokens, once, _rejected) if needs_token else once(""))
        errcode = _errcode(result)
        if errcode and isinstance(result, dict):
            raise platform_error(errcode, str(result.get("errmsg", "")))
        return result_processor(result) if result_processor and isinstance(result, dict) else result

    def address(self, url: str, api_base_url: str = DEFAULT_PATH) -> str:
        """Where an API is by the settings, whatever origin wechatpy has in its source."""
        absolute = url if url.startswith(("http://", "https://")) else api_base_url + url
        return self.base_url + absolute.removeprefix(PLATFORM_URL)

    async def _once(
        self, method: str, address: str, params: dict[str, str], body: bytes | None, token: str
    ) -> dict[str, Any] | Answer:
        url = _url_with_token(address, token) if token and not params else _url(address, params, token)
        headers = _JSON if body is not None else None
        answer = await exchange(self.http, method, url, body=body, headers=headers, seconds=self._seconds)
        if answer.body[:1] == b"{":
            return json_object(answer.body)
        return answer


def _url(address: str, params: Mapping[str, str], token: str) -> Url:
    """Taken apart here once, where the HTTP client would do it for each call."""
    query = urlencode({**params, "access_token": token} if token else params)
    return parsed(f"{address}?{query}" if query else address)


# Where messages are sent, each call has the same address until the token changes.
@lru_cache(maxsize=64)
def _url_with_token(address: str, token: str) -> Url:
    return _url(address, {}, token)


def _errcode(result: dict[str, Any] | Answer) -> int:
    """0 for success; some interfaces leave it out then. Raises MalformedAnswer where it is no number."""
    if isinstance(result, Answer):
        return 0
    errcode = result.get("errcode", 0)
    try:
        return int(errcode)
    except (TypeError, ValueError):
        raise MalformedAnswer("errcode") from None


def _rejected(result: dict[str, Any] | Answer) -> bool:
    """Whether it was the access token that the platform did not want."""
    return _errcode(result) in TOKEN_CODES
