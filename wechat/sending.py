"""What official account and mini-program send alike: customer-service messages, template fields, menu items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wechatpy.client import api

from wechat.answers import fields, optional_text
from wechat.transport import Transport

# wechatpy publishes no type information.
apis: Any = api


@dataclass(slots=True)
class Sent:
    """The platform has accepted a message."""

    message_id: str
    """Under which the later report comes; empty where the platform gives none at sending."""


@dataclass(frozen=True, slots=True)
class MenuItem:
    """A line of a menu message that can be tapped."""

    id: str
    """Comes back as `bizmsgmenuid`."""
    label: str


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a mini-program."""

    app_id: str
    path: str


class CustomerService:
    """Customer-service messages (客服消息): to people who wrote, tapped or followed shortly before.

    Official account: 5 within 48 h of a message, 3 within 1 minute of a menu tap, follow or scan. Mini-program: 5
    within 48 h of a message, 2 within 1 minute of entering the session. Text at most 2,048 bytes.

    All raise OutsideWindow, CountExceeded, Refused, BadRecipient, BadContent and the general errors.
    """

    def __init__(self, transport: Transport) -> None:
        self._messages = apis.WeChatMessage(transport)

    async def send_text(self, openid: str, text: str) -> None:
        """A plain text."""
        await self._messages.send_text(openid, text)

    async def send_image(self, openid: str, media_id: str) -> None:
        """A picture that was uploaded to the platform before."""
        await self._messages.send_image(openid, media_id)

    async def send_menu(self, openid: str, head: str, items: Sequence[MenuItem], tail: str = "") -> None:
        """A text with lines to tap; official account only. A tap arrives as a text message with the item's id."""
        lines = [{"id": item.id, "content": item.label} for item in items]
        menu = {"head_content": head, "list": lines, "tail_content": tail}
        await self._messages.send_msg_menu(openid, menu)

    async def send_page(self, openid: str, title: str, page: Page, thumb_media_id: str) -> None:
        """A card that opens a mini-program page."""
        card = {"title": title, "appid": page.app_id, "pagepath": page.path, "thumb_media_id": thumb_media_id}
        await self._messages.send_mini_program_page(openid, card)


def template_data(values: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Template fields in the platform's shape."""
    return {name: {"value": value} for name, value in values.items()}


def sent(result: Any) -> Sent:
    """A sending interface's answer; `msgid` is a number, a string or not there."""
    return Sent(optional_text(fields(result), "msgid"))
