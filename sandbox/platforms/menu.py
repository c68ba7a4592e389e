"""The official account's menu (自定义菜单): create, get, delete, with the limits on buttons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.errors import PlatformError
from sandbox.platforms.gateway import Answer, Call, Endpoint, ok

_KEY_TYPES = {
    "click", "scancode_push", "scancode_waitmsg", "pic_sysphoto", "pic_photo_or_album", "pic_weixin",
    "location_select",
}  # fmt: skip
_TYPES = _KEY_TYPES | {"view", "miniprogram", "media_id", "article_id", "article_view_limited"}


@dataclass(frozen=True)
class _Limits:
    """What a level allows, and the errors that say so."""

    count: int
    count_error: int
    type_error: int
    name_bytes: int
    name_error: int
    key_error: int
    url_error: int


_TOP = _Limits(3, 40016, 40017, 16, 40018, 40019, 40020)
_SUB = _Limits(5, 40023, 40024, 60, 40025, 40026, 40027)


async def create(call: Call) -> Answer:
    buttons = call.need("button")
    call.sandbox.set_menu("oa", {"button": _checked(buttons, _TOP)})
    return ok()


async def get(call: Call) -> Answer:
    menu = call.sandbox.menus.get("oa")
    if menu is None:
        raise PlatformError(46003)
    return {"menu": menu}


async def delete(call: Call) -> Answer:
    call.sandbox.set_menu("oa", None)
    return ok()


def _checked(buttons: Any, limits: _Limits) -> list[dict[str, Any]]:
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= limits.count:
        raise PlatformError(limits.count_error)
    return [_button(button, limits) for button in buttons]


def _button(button: Any, limits: _Limits) -> dict[str, Any]:
    if not isinstance(button, dict):
        raise PlatformError(47001)
    name = button.get("name")
    if not isinstance(name, str) or not 1 <= len(name.encode()) <= limits.name_bytes:
        raise PlatformError(limits.name_error)
    if limits is _TOP and button.get("sub_button"):
        return {"name": name, "sub_button": _checked(button["sub_button"], _SUB)}
    _check_action(button, limits)
    return {key: value for key, value in button.items() if key != "sub_button"}


def _check_action(button: dict[str, Any], limits: _Limits) -> None:
    kind = button.get("type")
    if kind not in _TYPES:
        raise PlatformError(limits.type_error)
    if kind in _KEY_TYPES and not 1 <= len(str(button.get("key", "")).encode()) <= 128:
        raise PlatformError(limits.key_error)
    if kind in ("view", "miniprogram") and not 1 <= len(str(button.get("url", "")).encode()) <= 1024:
        raise PlatformError(limits.url_error)
    if kind == "miniprogram" and not (button.get("appid") and button.get("pagepath")):
        raise PlatformError(40013 if not button.get("appid") else 40165)


ENDPOINTS = [
    Endpoint("/cgi-bin/menu/create", create, accounts=("oa",)),
    Endpoint("/cgi-bin/menu/get", get, method="GET", accounts=("oa",)),
    Endpoint("/cgi-bin/menu/delete", delete, method="GET", accounts=("oa",)),
]
