"""Passive replies (被动回复消息): what the product answers to a callback, as the phone shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.callbacks.envelope import BadEnvelope, Format, open_reply, parse
from sandbox.config import AccountConfig
from sandbox.model import WechatSettings


@dataclass(frozen=True)
class Reply:
    """`kind` text, image, voice, video, music, news or transfer (to customer service, nothing to show)."""

    kind: str
    text: str
    content: dict[str, Any]


def read_reply(body: str, openid: str, settings: WechatSettings, config: AccountConfig) -> Reply | None:
    """None: nothing to say (empty or `success`). Raises BadEnvelope for everything that WeChat would not accept."""
    if body.strip() in ("", "success"):
        return None
    reply = parse(body, settings.format)
    if "Encrypt" in reply:
        if settings.mode == "plain":
            raise BadEnvelope("encrypted in plain mode")
        reply = parse(open_reply(reply, settings.token, settings.aes_key, config.app_id), settings.format)
    elif settings.mode == "safe":
        raise BadEnvelope("plain in safe mode")
    return _checked(reply, openid, config.username, settings.format)


def _checked(reply: dict[str, Any], openid: str, username: str, style: Format) -> Reply:
    if reply.get("ToUserName") != openid or reply.get("FromUserName") != username:
        raise BadEnvelope("wrong ToUserName or FromUserName")
    if not str(reply.get("CreateTime", "")).isdigit():
        raise BadEnvelope("no CreateTime")
    reader = _READERS.get(str(reply.get("MsgType")))
    if reader is None:
        raise BadEnvelope("unknown MsgType")
    return reader(reply)


def _text(reply: dict[str, Any]) -> Reply:
    content = str(reply.get("Content") or "")
    if not content:
        raise BadEnvelope("empty Content")
    return Reply("text", content, {"text": content})


def _media(name: str, kind: str, label: str) -> Callable[[dict[str, Any]], Reply]:
    def read(reply: dict[str, Any]) -> Reply:
        inner = reply.get(name)
        if not isinstance(inner, dict) or not inner.get("MediaId"):
            raise BadEnvelope(f"no {name}.MediaId")
        media_id = str(inner["MediaId"])
        content = {"media_id": media_id, "url": f"/media/{media_id}", "title": str(inner.get("Title", ""))}
        return Reply(kind, f"[{label}]", content)

    return read


def _music(reply: dict[str, Any]) -> Reply:
    inner = reply.get("Music")
    title = str(inner.get("Title", "")) if isinstance(inner, dict) else ""
    return Reply("music", f"[音乐] {title}", {"title": title})


def _news(reply: dict[str, Any]) -> Reply:
    holder = reply.get("Articles")
    items = holder.get("item", []) if isinstance(holder, dict) else holder
    items = items if isinstance(items, list) else [items]
    articles = [
        {"title": str(item.get("Title", "")), "description": str(item.get("Description", "")),
         "url": str(item.get("Url", "")), "picurl": str(item.get("PicUrl", ""))}
        for item in items
        if isinstance(item, dict)
    ]  # fmt: skip
    if not articles:
        raise BadEnvelope("no Articles")
    return Reply("news", "\n".join(article["title"] for article in articles), {"articles": articles})


def _transfer(reply: dict[str, Any]) -> Reply:
    return Reply("transfer", "", {})


_READERS: dict[str, Callable[[dict[str, Any]], Reply]] = {
    "text": _text,
    "image": _media("Image", "image", "图片"),
    "voice": _media("Voice", "voice", "语音"),
    "video": _media("Video", "video", "视频"),
    "music": _music,
    "news": _news,
    "transfer_customer_service": _transfer,
}
