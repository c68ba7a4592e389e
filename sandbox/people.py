"""What a person does with a telephone: each function changes the phone and tells the product, as WeChat would.

They return what happened: the feed entry that the phone shows and the callback that is on its way, where there is one.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from sandbox import texts
from sandbox.callbacks import messages
from sandbox.callbacks.sender import Callbacks, Delivery
from sandbox.errors import ControlError, NotFound
from sandbox.model import AccountKey, Entry, Phone, QrCode, TemplateKind
from sandbox.rules import consent, windows
from sandbox.world import Sandbox


@dataclass(frozen=True)
class Happened:
    """What an action led to."""

    entry: Entry | None = None
    delivery: Delivery | None = None
    opened: dict[str, Any] | None = None
    """A mini-program page that the action opened: `path`, `query`, `scene`, `js_code`."""


class People:
    """The people's actions. Raises ControlError where a real phone would not let a person do that."""

    def __init__(self, sandbox: Sandbox, callbacks: Callbacks) -> None:
        self._sandbox = sandbox
        self._callbacks = callbacks

    # Official account

    def follow(self, phone: Phone) -> Happened:
        if phone.following:
            raise ControlError("already_following", "the phone follows the official account already")
        return self._subscribe(phone, "ADD_SCENE_SEARCH", "", {"EventKey": ""})

    def _subscribe(self, phone: Phone, scene: str, key: str, fields: dict[str, Any]) -> Happened:
        phone.following, phone.followed_at = True, self._sandbox.clock.now()
        phone.follow_scene, phone.follow_key = scene, key
        windows.open_window(phone, "oa", "follow", self._sandbox.clock.now())
        self._sandbox.save_phone(phone)
        return self._event(phone, "oa", "subscribe", fields, texts.FOLLOWED)

    def unfollow(self, phone: Phone) -> Happened:
        self._check_following(phone)
        phone.following = False
        windows.close_windows(phone, "oa")
        self._sandbox.save_phone(phone)
        return self._event(phone, "oa", "unsubscribe", {"EventKey": ""}, texts.UNFOLLOWED, quiet=True)

    def tap_menu(self, phone: Phone, *, key: str = "", name: str = "") -> Happened:
        """A button of the bottom menu, by its key or its name."""
        self._check_following(phone)
        button = self._button(key, name)
        kind, label = str(button.get("type")), texts.MENU_TAPPED.format(name=button["name"])
        if kind == "view":
            return self._event(phone, "oa", "VIEW", {"EventKey": button["url"], "MenuId": 1}, label)
        if kind == "miniprogram":
            fields = {"EventKey": button["pagepath"], "MenuId": 1}
            happened = self._event(phone, "oa", "view_miniprogram", fields, label)
            path, _, query = str(button["pagepath"]).partition("?")
            return Happened(happened.entry, happened.delivery, self.open_mini_program(phone, path, query, 1035))
        windows.open_window(phone, "oa", "menu", self._sandbox.clock.now())
        self._sandbox.save_phone(phone)
        return self._event(phone, "oa", "CLICK", {"EventKey": str(button.get("key", ""))}, label)

    def _button(self, key: str, name: str) -> dict[str, Any]:
        menu = self._sandbox.menus.get("oa") or {"button": []}
        for top in menu["button"]:
            for button in top.get("sub_button") or [top]:
                if (key and button.get("key") == key) or (name and button["name"] == name):
                    return dict(button)
        raise NotFound("button", key or name)

    def send_message(self, phone: Phone, account: AccountKey, kind: str, fields: dict[str, Any]) -> Happened:
        """A message with its callback fields; `_text` and `_content` in `fields` say what the phone shows."""
        if account == "oa":
            self._check_following(phone)
        shown = {"text": fields.pop("_text"), "content": fields.pop("_content")}
        windows.open_window(phone, account, "message", self._sandbox.clock.now())
        self._sandbox.save_phone(phone)
        entry = self._sandbox.feed.show(phone.id, account, kind, **shown, direction="from_phone")
        entry.state = "sending"
        body = messages.message(self._sandbox, account, phone, kind, fields)
        delivery = self._callbacks.send(account, phone, body, entry=entry)
        if delivery is None:
            self._sandbox.feed.change_state(entry, "sent")
        return Happened(entry, delivery)

    def tap_msgmenu(self, phone: Phone, seq: int, item_id: str) -> Happened:
        """The item of a msgmenu, or a `weixin://bizmsgmenu` link in a text, arrives as a text with `bizmsgmenuid`."""
        entry = self._sandbox.feed.get(seq)
        if entry is None or entry.phone != phone.id or entry.kind not in {"msgmenu", "text"}:
            raise NotFound("msgmenu", seq)
        for item in entry.content.get("items") or _links(entry.text):
            if item["id"] == item_id:
                text = str(item["content"])
                fields = {"Content": text, "bizmsgmenuid": item_id, "_text": text, "_content": {"text": text}}
                return self.send_message(phone, "oa", "text", fields)
        raise NotFound("item", item_id)

    def report_location(self, phone: Phone, latitude: float, longitude: float, precision: float) -> Happened:
        self._check_following(phone)
        fields = {"Latitude": latitude, "Longitude": longitude, "Precision": precision}
        return self._event(phone, "oa", "LOCATION", fields, texts.LOCATION_REPORTED, quiet=True)

    def block(self, phone: Phone, account: AccountKey, blocked: bool) -> Happened:
        """拒收: the account's messages no longer reach the person."""
        phone.blocked = sorted({*phone.blocked, account} if blocked else {*phone.blocked} - {account})
        self._sandbox.save_phone(phone)
        text = texts.BLOCKED if blocked else texts.UNBLOCKED
        return Happened(self._sandbox.feed.show(phone.id, account, "event", text, direction="from_phone"))

    # QR codes and links

    def scan(self, phone: Phone, *, url: str = "", ticket: str = "", scene: str = "") -> Happened:
        """An OA QR code, a mini-program code, a URL link or a scheme."""
        code = self._code(url, ticket, scene)
        expired = code.expires_at is not None and code.expires_at <= self._sandbox.clock.now()
        if expired:
            text = texts.QR_EXPIRED if code.kind == "oa_qr" else texts.LINK_EXPIRED
            return Happened(self._sandbox.feed.show(phone.id, "oa", "tip", text))
        if code.kind == "oa_qr":
            return self._scan_oa(phone, code)
        # Scenes of entry: 1047 mini-program code, 1194 URL link, 1065 scheme.
        number = {"wxacode": 1047, "url_link": 1194, "scheme": 1065}[code.kind]
        query = f"scene={code.scene}" if code.kind == "wxacode" else code.query
        return Happened(opened=self.open_mini_program(phone, code.path, query, number))

    def _code(self, url: str, ticket: str, scene: str) -> QrCode:
        """The newest that fits: the same scene may have been asked for again."""
        for code in reversed(self._sandbox.qrcodes.values()):
            if (url and code.url == url) or (ticket and code.ticket == ticket) or (scene and code.scene == scene):
                return code
        raise NotFound("qrcode", url or ticket or scene)

    def _scan_oa(self, phone: Phone, code: QrCode) -> Happened:
        if not phone.following:
            fields = {"EventKey": f"qrscene_{code.scene}", "Ticket": code.ticket}
            return self._subscribe(phone, "ADD_SCENE_QR_CODE", code.scene, fields)
        windows.open_window(phone, "oa", "scan", self._sandbox.clock.now())
        self._sandbox.save_phone(phone)
        return self._event(phone, "oa", "SCAN", {"EventKey": code.scene, "Ticket": code.ticket}, texts.SCANNED)

    # Mini-program

    def open_mini_program(self, phone: Phone, path: str, query: str, scene: int) -> dict[str, Any]:
        """Opening logs the person in: wx.login gives a js_code."""
        text = texts.OPENED.format(path=path or "首页")
        content = {"path": path, "query": query, "scene": scene}
        self._sandbox.feed.show(phone.id, "mp", "event", text, content, direction="from_phone")
        return content | {"js_code": self._sandbox.codes.issue(phone.id, "login")}

    def enter_customer_service(self, phone: Phone, session_from: str) -> Happened:
        windows.open_window(phone, "mp", "session", self._sandbox.clock.now())
        self._sandbox.save_phone(phone)
        fields = {"SessionFrom": session_from}
        return self._event(phone, "mp", "user_enter_tempsession", fields, texts.ENTERED_SESSION)

    # Subscribe messages

    def decide(self, phone: Phone, account: AccountKey, decisions: dict[str, bool]) -> Happened:
        """The person answers the prompt of wx.requestSubscribeMessage."""
        kind: TemplateKind = "mp_subscribe" if account == "mp" else "oa_subscribe"
        for template_id in decisions:
            if (kind, template_id) not in self._sandbox.templates:
                raise NotFound("template", template_id)
        answers = [(self._sandbox.templates[kind, key], accepted) for key, accepted in decisions.items()]
        consent.decide(phone, account, answers)
        self._sandbox.save_phone(phone)
        accepted = sum(decisions.values())
        text = texts.CONSENTED.format(count=accepted) if accepted else texts.REFUSED
        # PopupScene: 0 a page of the mini-program, 1 a web page.
        fields = messages.subscribe_popup(list(decisions.items()), "0" if account == "mp" else "1")
        return self._event(phone, account, "subscribe_msg_popup_event", fields, text, quiet=True)

    def refuse(self, phone: Phone, account: AccountKey, template_ids: list[str]) -> Happened:
        """The person switches templates off in the settings."""
        for template_id in template_ids:
            consent.refuse(phone, account, template_id)
        self._sandbox.save_phone(phone)
        fields = messages.subscribe_change(template_ids)
        return self._event(phone, account, "subscribe_msg_change_event", fields, texts.SUBSCRIPTION_OFF, quiet=True)

    def _event(
        self, phone: Phone, account: AccountKey, name: str, fields: dict[str, Any], text: str, *, quiet: bool = False
    ) -> Happened:
        content = {"event": name}
        entry = self._sandbox.feed.show(phone.id, account, "event", text, content, direction="from_phone")
        body = messages.event(self._sandbox, account, phone, name, fields)
        return Happened(entry, self._callbacks.send(account, phone, body, entry=entry, quiet=quiet))

    @staticmethod
    def _check_following(phone: Phone) -> None:
        if not phone.following:
            raise ControlError("not_following", "the phone does not follow the official account")


TAP = re.compile(r'<a href="weixin://bizmsgmenu\?msgmenucontent=([^&"]+)&msgmenuid=([^&"]+)">')


def _links(text: str) -> list[dict[str, str]]:
    """What can be tapped in a text: accounts write such links where they have no menu message to spare (assumed)."""
    return [{"content": unquote(content), "id": unquote(item_id)} for content, item_id in TAP.findall(text)]


def file_fields(filename: str, content: bytes) -> dict[str, Any]:
    """A file in the official account's chat has no MediaId: the product cannot fetch it."""
    return {
        "Title": filename,
        "Description": "",
        "FileKey": hashlib.sha256(content).hexdigest(),
        "FileMd5": hashlib.md5(content).hexdigest(),  # noqa: S324 — the field is an MD5 by definition.
        "FileTotalLen": len(content),
    }
