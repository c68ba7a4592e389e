"""Passive replies to an official account's messages, as values for `bot.envelope.seal_reply`.

Source: 微信开放文档 «被动回复用户消息». A mini-program takes no passive reply: answer `success` (`seal_reply` with
None) and send a customer-service message instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.wechat_messages import Incoming, Platform
from stewardship.conversations.said import CHOOSE, Reply

MAX_TEXT_BYTES = 2048
"""A longer text is refused by the platform, and the citizen would see 该公众号暂时无法提供服务."""
MAX_ARTICLES = 8

_SENTENCE_ENDS = ("\n", "。", "！", "？", "；")
_MORE = "……"


@dataclass(frozen=True, slots=True)
class Article:
    """One entry of a news reply."""

    title: str
    description: str
    url: str
    picture_url: str = ""


def takes_passive_reply(platform: Platform) -> bool:
    """Whether the platform shows the answer to a callback to the citizen."""
    return platform == "oa"


def rendered(platform: str, reply: Reply) -> str:
    """A reply as it is shown in the platform's chat: what can be chosen is tapped in an official account's.

    `weixin://bizmsgmenu` in a text is not in the platform's documents, but widely used: the tap arrives like one on a
    menu message's item. A client that does not know it shows the same words, and the number can be typed.
    """
    if not reply.options:
        return reply.text
    numbered = [f"{number} {label}" for number, label in enumerate(reply.options, start=1)]
    links = [
        f'<a href="weixin://bizmsgmenu?msgmenucontent={number}&msgmenuid={CHOOSE}:{number}">{line}</a>'
        for number, line in enumerate(numbered, start=1)
    ]
    tapped = "\n".join([reply.text, *links])
    can_tap = platform == "oa" and len(tapped.encode()) <= MAX_TEXT_BYTES
    return tapped if can_tap else "\n".join([reply.text, *numbered])


def text_reply(incoming: Incoming, text: str, now: datetime) -> dict[str, Any]:
    """A text for the sender of `incoming`; `now` is aware. Raises ValueError for a mini-program's message.

    A text beyond 2,048 bytes ends after its last whole sentence that fits, with «……».
    """
    return _reply(incoming, "text", now) | {"Content": fit_text(text)}


def news_reply(incoming: Incoming, articles: Sequence[Article], now: datetime) -> dict[str, Any]:
    """Up to 8 articles with links; the platform shows one only, except after a menu click.

    Raises ValueError for a mini-program's message or where there is no article.
    """
    if not articles:
        raise ValueError("a news reply needs an article")
    items = [
        {"Title": each.title, "Description": each.description, "PicUrl": each.picture_url, "Url": each.url}
        for each in articles[:MAX_ARTICLES]
    ]
    return _reply(incoming, "news", now) | {"ArticleCount": len(items), "Articles": {"item": items}}


def fit_text(text: str, limit: int = MAX_TEXT_BYTES) -> str:
    """The text if it has at most `limit` UTF-8 bytes, else its whole sentences that fit, then «……».

    Only a single sentence that is itself too long is cut between two characters.
    """
    if len(text.encode()) <= limit:
        return text
    room = limit - len(_MORE.encode())
    head = text.encode()[:room].decode(errors="ignore")
    end = max(head.rfind(mark) for mark in _SENTENCE_ENDS) + 1
    return (head[:end].rstrip() if end else head) + _MORE


def _reply(incoming: Incoming, message_type: str, now: datetime) -> dict[str, Any]:
    if not takes_passive_reply(incoming.platform):
        raise ValueError("a mini-program shows no passive reply; use a customer-service message")
    return {
        "ToUserName": incoming.openid,
        "FromUserName": incoming.app_id_original,
        "CreateTime": int(now.timestamp()),
        "MsgType": message_type,
    }
