"""Everything the platform remembers, with the look-ups that its interfaces need. One object per process: `Sandbox`."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

from sandbox import ids
from sandbox.clock import Clock
from sandbox.config import AccountConfig, SandboxConfig
from sandbox.errors import ControlError, NotFound, PlatformError
from sandbox.faults import FaultBook
from sandbox.feed import Feed, Hub
from sandbox.model import (
    AccountKey,
    Media,
    Phone,
    QrCode,
    SentOnce,
    Sms,
    SmsSettings,
    StoryStep,
    Template,
    TemplateKind,
    WechatSettings,
    phone_from,
)
from sandbox.rules.quotas import Quotas
from sandbox.rules.tokens import Codes, Tokens
from sandbox.store import Store
from sandbox.traffic import Traffic

MEDIA_LIFETIME = 3 * 86_400.0


class Sandbox:
    """The platform's state. Methods that change something also mark it for the store and tell the open pages."""

    def __init__(self, config: SandboxConfig) -> None:
        self.config = config
        self.store = Store(config.state)
        self.hub = Hub()
        self.clock = Clock(next((document["offset"] for document in self.store.load("clock")), 0.0))
        self.feed = Feed(self.store, self.clock, self.hub)
        self.faults = FaultBook(lambda: self.hub.publish("fault", {}))
        self.traffic = Traffic()
        self.quotas = Quotas(self.clock)
        self.tokens = Tokens(self.store, self.clock)
        self.codes = Codes(self.clock)
        self._load()
        self.settings: dict[AccountKey, WechatSettings] = {
            "oa": self._stored_settings("oa", config.oa),
            "mp": self._stored_settings("mp", config.mp),
        }
        self.sms_settings = self._stored_sms_settings()
        self.sent_once: dict[tuple[str, str], SentOnce] = {}
        for document in self.store.load("sent_once"):
            self.sent_once[document["openid"], document["client_msg_id"]] = SentOnce(**document)
        self._contents: dict[str, bytes] = {}
        self._openids: dict[tuple[str, str], str] = {}
        for phone in self.phones.values():
            self._index(phone)
        self._sms_to: dict[str, list[Sms]] = {}
        for sms in self.sms.values():
            self._sms_to.setdefault(sms.phone_number, []).append(sms)

    def _load(self) -> None:
        load = self.store.load
        # As before the restart: in the order in which they were put on the table.
        phones = sorted(map(phone_from, load("phone")), key=lambda phone: phone.created_at)
        self.phones: dict[str, Phone] = {phone.id: phone for phone in phones}
        self.templates = {(d["kind"], d["id"]): Template(**d) for d in load("template")}
        self.qrcodes = {d["id"]: QrCode(**d) for d in sorted(load("qrcode"), key=lambda d: d["created_at"])}
        self.media = {d["id"]: Media(**d) for d in load("media")}
        self.sms = {d["sid"]: Sms(**d) for d in load("sms")}
        self.story = {d["number"]: StoryStep(**d) for d in load("story")}
        self.menus: dict[str, Any] = {d["account"]: d["menu"] for d in load("menu")}

    def _stored_settings(self, account: AccountKey, config: AccountConfig) -> WechatSettings:
        """What was changed at run time outlives a restart; the rest follows the configuration."""
        changed = self._changed_settings(account)
        defaults = WechatSettings(f"{self.config.product}/wechat/{account}", config.token, config.aes_key)
        return dataclasses.replace(defaults, **changed)

    def _changed_settings(self, account: str) -> dict[str, Any]:
        self.store.flush()
        found: Any = next((d["changed"] for d in self.store.load("settings") if d["account"] == account), {})
        return dict(found)

    def _stored_sms_settings(self) -> SmsSettings:
        changed = self._changed_settings("sms")
        base = f"{self.config.product}/sms/{self.config.sms.callback_secret}"
        return dataclasses.replace(SmsSettings(f"{base}/report", f"{base}/reply"), **changed)

    # Settings and clock

    def account_config(self, account: AccountKey) -> AccountConfig:
        return self.config.oa if account == "oa" else self.config.mp

    def change_settings(self, account: Literal["oa", "mp", "sms"], changed: dict[str, Any]) -> None:
        """Change how an account behaves; what is not named stays."""
        stored = self._changed_settings(account)
        self.store.put("settings", account, {"account": account, "changed": stored | changed})
        if account == "sms":
            self.sms_settings = dataclasses.replace(self.sms_settings, **changed)
        else:
            self.settings[account] = dataclasses.replace(self.settings[account], **changed)
        self.hub.publish("account", {"account": account})

    def set_clock(self, offset: float) -> None:
        self.clock.offset = offset
        self.store.put("clock", "clock", {"offset": offset})
        self.hub.publish("clock", {"offset_seconds": offset})

    # Phones

    def add_phone(self, phone_id: str, name: str, number: str, note: str = "") -> Phone:
        """A new person. Raises ControlError where another phone has the number."""
        self.check_number(number, phone_id)
        phone = Phone(phone_id, name, number, ids.openid(), ids.openid(), ids.openid(), note, self.clock.now())
        self.phones[phone.id] = phone
        self._index(phone)
        self.save_phone(phone)
        return phone

    def _index(self, phone: Phone) -> None:
        self._openids["oa", phone.oa_openid] = phone.id
        self._openids["mp", phone.mp_openid] = phone.id

    def check_number(self, number: str, phone_id: str) -> None:
        holder = self.holder(number)
        if holder and holder.id != phone_id:
            raise ControlError("number_taken", f"{number} belongs to the phone {holder.id}")

    def save_phone(self, phone: Phone) -> None:
        self.store.put("phone", phone.id, phone)
        self.hub.publish("phone", phone)

    def remove_phone(self, phone: Phone) -> None:
        del self.phones[phone.id]
        del self._openids["oa", phone.oa_openid], self._openids["mp", phone.mp_openid]
        self.store.remove("phone", phone.id)
        self.feed.forget(phone.id)
        self.hub.publish("phone_removed", {"id": phone.id})

    def phone(self, phone_id: str) -> Phone:
        """Raises NotFound."""
        try:
            return self.phones[phone_id]
        except KeyError:
            raise NotFound("phone", phone_id) from None

    def holder(self, number: str) -> Phone | None:
        """Whose phone rings at a number without country code."""
        return next((phone for phone in self.phones.values() if phone.phone_number == number), None)

    def by_openid(self, account: AccountKey, openid: Any) -> Phone:
        """Raises PlatformError 40003, also for an openid of the other account."""
        phone_id = self._openids.get((account, str(openid)))
        if phone_id is None:
            raise PlatformError(40003)
        return self.phones[phone_id]

    # Templates, QR codes, media, menus, SMS, story

    def put_template(self, template: Template) -> None:
        self.templates[template.kind, template.id] = template
        self.store.put("template", f"{template.kind}:{template.id}", template)
        self.hub.publish("template", {"kind": template.kind, "id": template.id})

    def approved_template(self, kind: TemplateKind, template_id: Any) -> Template:
        """Raises PlatformError 40037."""
        template = self.templates.get((kind, str(template_id)))
        if template is None or template.state != "approved":
            raise PlatformError(40037)
        return template

    def approved_templates(self, kind: TemplateKind) -> list[Template]:
        """What the account lists as its own."""
        return [each for each in self.templates.values() if each.kind == kind and each.state == "approved"]

    def add_qrcode(self, code: QrCode) -> QrCode:
        self.qrcodes[code.id] = code
        self.store.put("qrcode", code.id, code)
        self.hub.publish("qrcode", code)
        return code

    def set_menu(self, account: AccountKey, menu: Any) -> None:
        """`menu` None deletes it."""
        if menu is None:
            self.menus.pop(account, None)
            self.store.remove("menu", account)
        else:
            self.menus[account] = menu
            self.store.put("menu", account, {"account": account, "menu": menu})
        self.hub.publish("menu", {"account": account, "menu": menu})

    def add_media(self, account: AccountKey, kind: str, filename: str, content_type: str, content: bytes) -> Media:
        media = Media(ids.media_id(), kind, filename, content_type, len(content), account, self.clock.now())
        self.media[media.id] = media
        self._contents[media.id] = content
        self.store.put("media", media.id, media)
        self.store.put_bytes("media_content", media.id, content)
        return media

    def media_content(self, account: AccountKey | None, media_id: Any) -> tuple[Media, bytes]:
        """`account` None: a phone asks. Raises PlatformError 40007 (unknown, of the other account, or over 3 days)."""
        media = self.media.get(str(media_id))
        if media is None or account not in (None, media.account):
            raise PlatformError(40007)
        if account and self.clock.now() - media.created_at > MEDIA_LIFETIME:
            raise PlatformError(40007)
        content = self._contents.get(media.id) or self.store.load_bytes("media_content", media.id)
        return media, content or b""

    def remember_sent(self, openid: str, client_msg_id: str, msgid: int) -> None:
        sent = SentOnce(openid, client_msg_id, msgid, self.clock.now())
        self.sent_once[openid, client_msg_id] = sent
        self.store.put("sent_once", f"{openid} {client_msg_id}", sent)

    def add_sms(self, sms: Sms) -> None:
        self._sms_to.setdefault(sms.phone_number, []).append(sms)
        self.save_sms(sms)

    def recent_sms(self, number: str) -> list[Sms]:
        """Text messages accepted for a number in the last 24 hours."""
        since = self.clock.now() - 86_400
        self._sms_to[number] = [sms for sms in self._sms_to.get(number, []) if sms.at > since]
        return self._sms_to[number]

    def save_sms(self, sms: Sms) -> None:
        self.sms[sms.sid] = sms
        self.store.put("sms", sms.sid, sms)

    def tell_story(self, step: StoryStep) -> None:
        self.story[step.number] = step
        self.store.put("story", f"{step.number:06d}", step)
        self.hub.publish("story", step)

    def clear_story(self) -> None:
        self.story.clear()
        self.store.clear("story")
        self.hub.publish("story_cleared", {})

    def reset(self, *, templates: bool) -> None:
        """Forgets people, messages, codes, faults, counters and the story; settings and the clock stay."""
        for phone in list(self.phones.values()):
            self.remove_phone(phone)
        self.feed.forget()
        for kind, held in (("qrcode", self.qrcodes), ("media", self.media), ("sms", self.sms)):
            held.clear()
            self.store.clear(kind)
        self.store.clear("media_content")
        self.store.clear("sent_once")
        self._contents.clear()
        self._sms_to.clear()
        self.sent_once.clear()
        self.faults.clear()
        self.traffic.clear()
        self.quotas.reset()
        self.clear_story()
        if templates:
            self.templates.clear()
            self.menus.clear()
            self.store.clear("template")
            self.store.clear("menu")
        self.hub.publish("reset", {})
