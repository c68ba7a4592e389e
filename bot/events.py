"""From what a platform sent to what the domain understands: who spoke, and what only reports on something."""

from __future__ import annotations

from bot.inbox import Arrival, claim, store
from bot.sms_messages import DeliveryReport, SmsReply
from bot.wechat_messages import Incoming, Kind
from delivery import reports
from kit import database
from stewardship.conversations import service as conversations
from stewardship.conversations.said import Reply, Said, SaidKind, Speaker
from stewardship.foundation.people import service as people
from stewardship.foundation.people.models import Platform

_SAID = {
    Kind.TEXT: SaidKind.TEXT,
    Kind.VOICE: SaidKind.VOICE,
    Kind.IMAGE: SaidKind.PICTURE,
    Kind.VIDEO: SaidKind.FILE,
    Kind.SHORT_VIDEO: SaidKind.FILE,
    Kind.FILE: SaidKind.FILE,
    Kind.SUBSCRIBE: SaidKind.FOLLOWED,
    Kind.SCAN: SaidKind.SCANNED,
    Kind.UNSUBSCRIBE: SaidKind.UNFOLLOWED,
    Kind.CLICK: SaidKind.CLICKED,
    Kind.LOCATION: SaidKind.TEXT,
    Kind.LINK: SaidKind.TEXT,
    Kind.MINI_PROGRAM_PAGE: SaidKind.TEXT,
}
_REPORTS = {
    Kind.TEMPLATE_SENT,
    Kind.SUBSCRIPTION_POPUP,
    Kind.SUBSCRIPTION_CHANGE,
    Kind.SUBSCRIPTION_SENT,
}
_SILENT = {
    Kind.VIEW,
    Kind.VIEW_MINI_PROGRAM,
    Kind.REPORT_LOCATION,
    Kind.ENTER_SESSION,
    Kind.SERVICE_SESSION_OPENED,
    Kind.SERVICE_SESSION_CLOSED,
    Kind.SERVICE_SESSION_SWITCHED,
}
UNSUPPORTED = "收到不支持的消息类型"
"""How WeChat delivers, as a text, what it cannot show to an account (a sticker of a new kind). From memory."""
_TOUCHES = {Kind.SUBSCRIBE, Kind.SCAN, Kind.CLICK, Kind.ENTER_SESSION}


def arrival(incoming: Incoming, app_id: str, body: bytes) -> Arrival | None:
    """What a person said, ready for the inbox; None for what only reports on something."""
    if incoming.kind in _REPORTS or incoming.kind in _SILENT or incoming.is_unknown_event:
        return None
    # Once for an account: two accounts number their messages apart.
    once_key = f"{app_id}:{incoming.once_key}"
    return Arrival(
        source=incoming.platform,
        kind=incoming.kind.value,
        once_key=once_key,
        speaker=Speaker(app_id, incoming.openid, incoming.platform),
        said=_said(incoming, once_key),
        body=body,
        writes=incoming.kind not in _TOUCHES,
    )


def _said(incoming: Incoming, once_key: str) -> Said:
    return Said(
        _SAID.get(incoming.kind, SaidKind.OTHER),
        once_key,
        text=_words(incoming),
        scene=incoming.scene,
        menu_key=incoming.event_key if incoming.kind is Kind.CLICK else "",
        item_id=incoming.menu_item_id,
        media_id=incoming.media_id,
    )


def _words(incoming: Incoming) -> str:
    """What stands for it in the inquiry: its text, what speech recognition understood, or what it points to."""
    match incoming.kind:
        case Kind.VOICE:
            return incoming.recognition
        case Kind.LOCATION:
            return f"[位置] {incoming.title}".strip()
        case Kind.LINK | Kind.MINI_PROGRAM_PAGE:
            return f"[链接] {incoming.title} {incoming.url}".strip()
    if incoming.text.lstrip("【[").startswith(UNSUPPORTED):
        return ""
    return incoming.text.replace("\0", "")


async def take_report(incoming: Incoming, app_id: str) -> None:
    """A consent, a refusal, or how a sent message ended. Reports may be repeated; a consent is counted once."""
    platform = Platform.OFFICIAL_ACCOUNT if incoming.platform == "oa" else Platform.MINI_PROGRAM
    if incoming.template_result is not None:
        result = incoming.template_result
        await _report(platform, app_id, incoming, result.message_id, result.outcome == "delivered", result.status)
        return
    if incoming.kind is Kind.SUBSCRIPTION_SENT:
        for sent in incoming.subscription_results:
            await _report(platform, app_id, incoming, sent.message_id, sent.status == "success", sent.status)
        return
    await _take_consents(incoming, app_id, platform)


async def _report(
    platform: Platform, app_id: str, incoming: Incoming, message_id: str, delivered: bool, code: str
) -> None:
    """Platforms do not always name the message, so the person's identity goes with the report."""
    async with database.in_transaction():
        identity = await people.identity_of(platform, app_id, incoming.openid)
        await reports.apply_report(message_id, delivered=delivered, code=code, target_ids=[identity.id])


async def _take_consents(incoming: Incoming, app_id: str, platform: Platform) -> None:
    results = incoming.subscription_results
    if not results:
        return
    async with database.in_transaction():
        if not await claim([f"{app_id}:{incoming.once_key}"]):
            return
        identity = await people.identity_of(platform, app_id, incoming.openid)
        await people.add_credits(
            identity.id,
            accepted=[r.template_id for r in results if r.status == "accept"],
            refused=[r.template_id for r in results if r.status in {"reject", "ban"}],
        )


async def take_sms_reports(found: tuple[DeliveryReport, ...]) -> None:
    """How each SMS ended."""
    async with database.in_transaction():
        for report in found:
            contacts = await people.contacts_with(report.phone)
            await reports.apply_report(
                report.serial_no,
                delivered=report.delivered,
                code=report.error,
                target_ids=[contact.id for contact in contacts],
            )


async def take_sms_reply(reply: SmsReply, body: bytes) -> None:
    """A person answered an SMS; taken in once, however often the gateway forwards it."""
    key = f"sms:{reply.once_key}"
    said = Said(SaidKind.TEXT, key, text=reply.text)
    arrival = Arrival("sms", "reply", key, Speaker("", "", "sms"), said, body)
    async with database.in_transaction():
        claims = await claim([key])
        if claims:
            outcome = await conversations.receive_sms(reply.phone, reply.text, key)
            await store([(arrival, Reply(outcome=outcome))], claims)
