"""Customer-service messages (客服消息) of both accounts: window, count, content."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.errors import PlatformError
from sandbox.model import AccountKey, Phone
from sandbox.platforms.gateway import Answer, Call, Endpoint, ok
from sandbox.rules import windows
from sandbox.texts import LABELS

TEXT_BYTES = 2048
MENU_ITEMS = 20
Shown = tuple[str, dict[str, Any]]
"""(text, content) of what the phone shows."""


async def custom_send(call: Call) -> Answer:
    if not call.data.get("touser"):
        raise PlatformError(40003)
    phone = call.sandbox.by_openid(call.account, call.data["touser"])
    kind = str(call.need("msgtype", 40008))
    reader = _READERS[call.account].get(kind)
    if reader is None:
        raise PlatformError(40008)
    inner = call.data.get(kind)
    if not isinstance(inner, dict):
        raise PlatformError(47001)
    text, content = reader(call, inner)
    check_reachable(phone, call.account)
    windows.spend(phone, call.account, call.sandbox.clock.now())
    call.sandbox.save_phone(phone)
    call.sandbox.feed.show(phone.id, call.account, kind, text, content)
    return ok()


def check_reachable(phone: Phone, account: AccountKey) -> None:
    """Raises PlatformError 43004 (does not follow the official account) or 43101 (refuses its messages; *assumed*)."""
    if account == "oa" and not phone.following:
        raise PlatformError(43004)
    if account in phone.blocked:
        raise PlatformError(43101)


def _text(call: Call, inner: dict[str, Any]) -> Shown:
    content = inner.get("content")
    if not isinstance(content, str) or not content:
        raise PlatformError(44004)
    if len(content.encode()) > TEXT_BYTES:
        raise PlatformError(45002)
    return content, {"text": content}


def _media(kind: str) -> Callable[[Call, dict[str, Any]], Shown]:
    def read(call: Call, inner: dict[str, Any]) -> Shown:
        media, _ = call.sandbox.media_content(call.account, inner.get("media_id"))
        if media.kind != kind:
            raise PlatformError(40007)
        return LABELS[kind], {"media_id": media.id, "url": f"/media/{media.id}", "title": str(inner.get("title", ""))}

    return read


def _news(call: Call, inner: dict[str, Any]) -> Shown:
    """One article only, since 2018."""
    articles = inner.get("articles")
    if not isinstance(articles, list) or len(articles) != 1 or not isinstance(articles[0], dict):
        raise PlatformError(45008 if isinstance(articles, list) and len(articles) > 1 else 47001)
    article = {name: str(articles[0].get(name, "")) for name in ("title", "description", "url", "picurl")}
    if not article["title"]:
        raise PlatformError(44004)
    return article["title"], {"articles": [article]}


def _link(call: Call, inner: dict[str, Any]) -> Shown:
    """The mini-program's card with a link."""
    article = {name: str(inner.get(name, "")) for name in ("title", "description", "url")}
    return article["title"], {"articles": [article | {"picurl": str(inner.get("thumb_url", ""))}]}


def _menu(call: Call, inner: dict[str, Any]) -> Shown:
    given = inner.get("list")
    if not isinstance(given, list) or not 1 <= len(given) <= MENU_ITEMS:
        raise PlatformError(47001)
    items = [{"id": str(item["id"]), "content": str(item["content"])} for item in given if _is_item(item)]
    if len(items) != len(given):
        raise PlatformError(47001)
    head, tail = str(inner.get("head_content", "")), str(inner.get("tail_content", ""))
    lines = [head, *(item["content"] for item in items), tail]
    text = "\n".join(line for line in lines if line)
    if len(text.encode()) > TEXT_BYTES:
        raise PlatformError(45002)
    return text, {"head": head, "items": items, "tail": tail}


def _is_item(item: Any) -> bool:
    return isinstance(item, dict) and bool(item.get("id")) and bool(item.get("content"))


def _page(call: Call, inner: dict[str, Any]) -> Shown:
    """A mini-program card. The official account names the mini-program; the mini-program names itself."""
    if call.account == "oa" and inner.get("appid") != call.sandbox.config.mp.app_id:
        raise PlatformError(40013)
    path = str(inner.get("pagepath", ""))
    call.sandbox.media_content(call.account, inner.get("thumb_media_id"))
    check_page(call, path, 41030)
    title = str(inner.get("title", ""))
    return f"[小程序] {title}", {"title": title, "path": path}


def check_page(call: Call, path: str, errcode: int) -> None:
    """Raises PlatformError `errcode` where the account's released pages are known and this is none of them."""
    pages = call.sandbox.settings["mp"].pages
    if pages and path.partition("?")[0].lstrip("/") not in pages:
        raise PlatformError(errcode)


_READERS: dict[AccountKey, dict[str, Callable[[Call, dict[str, Any]], Shown]]] = {
    "oa": {
        "text": _text,
        "image": _media("image"),
        "voice": _media("voice"),
        "video": _media("video"),
        "news": _news,
        "msgmenu": _menu,
        "miniprogrampage": _page,
    },
    "mp": {"text": _text, "image": _media("image"), "link": _link, "miniprogrampage": _page},
}

ENDPOINTS = [Endpoint("/cgi-bin/message/custom/send", custom_send)]
