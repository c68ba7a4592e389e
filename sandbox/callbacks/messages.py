"""Bodies of callbacks: the messages and events of official account and mini-program, as dictionaries.

Source: 接收普通消息, 接收事件推送, 订阅通知事件推送, 小程序客服消息. `MsgId` stands in messages, not in events.
"""

from __future__ import annotations

from typing import Any

from sandbox import ids
from sandbox.clock import Clock
from sandbox.model import AccountKey, Phone
from sandbox.world import Sandbox


def message(
    sandbox: Sandbox, account: AccountKey, phone: Phone, msg_type: str, fields: dict[str, Any]
) -> dict[str, Any]:
    """A message that the person sent."""
    return _head(sandbox, account, phone) | {"MsgType": msg_type} | fields | {"MsgId": ids.message_id()}


def event(sandbox: Sandbox, account: AccountKey, phone: Phone, name: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Something that happened."""
    return _head(sandbox, account, phone) | {"MsgType": "event", "Event": name} | fields


def _head(sandbox: Sandbox, account: AccountKey, phone: Phone) -> dict[str, Any]:
    return {
        "ToUserName": sandbox.account_config(account).username,
        "FromUserName": phone.openid(account),
        "CreateTime": _create_time(sandbox.clock),
    }


def _create_time(clock: Clock) -> int:
    """The platform's own clock: the product's story and this one let the same time pass."""
    return int(clock.now())


def subscribe_popup(items: list[tuple[str, bool]], scene: str) -> dict[str, Any]:
    """Fields of subscribe_msg_popup_event. Numbers come as strings."""
    return {
        "SubscribeMsgPopupEvent": {
            "List": [
                {"TemplateId": template, "SubscribeStatusString": "accept" if yes else "reject", "PopupScene": scene}
                for template, yes in items
            ]
        }
    }


def subscribe_change(templates: list[str]) -> dict[str, Any]:
    """Fields of subscribe_msg_change_event: only refusals are pushed."""
    items = [{"TemplateId": template, "SubscribeStatusString": "reject"} for template in templates]
    return {"SubscribeMsgChangeEvent": {"List": items}}


def subscribe_sent(template: str, msgid: int) -> dict[str, Any]:
    """Fields of subscribe_msg_sent_event."""
    item = {"TemplateId": template, "MsgID": str(msgid), "ErrorCode": "0", "ErrorStatus": "success"}
    return {"SubscribeMsgSentEvent": {"List": [item]}}


def template_finished(msgid: int, status: str) -> dict[str, Any]:
    """Fields of TEMPLATESENDJOBFINISH; `status`: success, failed:user block, failed: system failed."""
    return {"MsgID": msgid, "Status": status}
