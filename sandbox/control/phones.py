"""`/control/phones`: people and what they do."""

from __future__ import annotations

import base64
import binascii
import mimetypes
import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from sandbox import texts
from sandbox.control import bodies
from sandbox.control.context import Context, Ctx, result, shown_phone
from sandbox.errors import ControlError
from sandbox.model import Phone
from sandbox.people import file_fields
from sandbox.pictures import SAMPLE_PNG

Wait = Annotated[float, Query(ge=0, le=60, description="Seconds to wait for the product's answer to the callback.")]


phones_router = APIRouter(prefix="/phones", tags=["phones"])


def _shown(context: Context, phone: Phone) -> dict[str, Any]:
    context.sandbox.store.flush()
    return shown_phone(phone, context.sandbox.clock.now())


@phones_router.get("")
async def list_phones(context: Ctx) -> list[dict[str, Any]]:
    return [_shown(context, phone) for phone in context.sandbox.phones.values()]


@phones_router.post("", status_code=201)
async def add_phone(context: Ctx, body: bodies.NewPhoneBody) -> dict[str, Any]:
    phone_id = body.id or f"p{secrets.token_hex(4)}"
    if phone_id in context.sandbox.phones:
        raise ControlError("id_taken", f"there is a phone {phone_id} already")
    return _shown(context, context.sandbox.add_phone(phone_id, body.name, body.phone_number, body.note))


@phones_router.put("/{phone_id}")
async def put_phone(context: Ctx, phone_id: str, body: bodies.PhoneBody) -> dict[str, Any]:
    """Create, or update name, number and note; everything else of an existing phone stays."""
    phone = context.sandbox.phones.get(phone_id)
    if phone is None:
        return _shown(context, context.sandbox.add_phone(phone_id, body.name, body.phone_number, body.note))
    return _shown(context, _change(context, phone, body.model_dump()))


@phones_router.get("/{phone_id}")
async def get_phone(context: Ctx, phone_id: str) -> dict[str, Any]:
    return _shown(context, context.sandbox.phone(phone_id))


@phones_router.patch("/{phone_id}")
async def patch_phone(context: Ctx, phone_id: str, body: bodies.PhonePatch) -> dict[str, Any]:
    return _shown(context, _change(context, context.sandbox.phone(phone_id), body.model_dump(exclude_none=True)))


@phones_router.delete("/{phone_id}", status_code=204)
async def delete_phone(context: Ctx, phone_id: str) -> Response:
    context.sandbox.remove_phone(context.sandbox.phone(phone_id))
    context.sandbox.store.flush()
    return Response(status_code=204)


def _change(context: Context, phone: Phone, changed: dict[str, Any]) -> Phone:
    if "phone_number" in changed:
        context.sandbox.check_number(changed["phone_number"], phone.id)
    for name, value in changed.items():
        setattr(phone, name, value)
    context.sandbox.save_phone(phone)
    return phone


account_router = APIRouter(prefix="/phones/{phone_id}", tags=["official account"])


@account_router.post("/follow")
async def follow(context: Ctx, phone_id: str, wait: Wait = 0) -> dict[str, Any]:
    return await result(context, context.people.follow(context.sandbox.phone(phone_id)), wait)


@account_router.post("/unfollow")
async def unfollow(context: Ctx, phone_id: str, wait: Wait = 0) -> dict[str, Any]:
    return await result(context, context.people.unfollow(context.sandbox.phone(phone_id)), wait)


@account_router.post("/scan")
async def scan(context: Ctx, phone_id: str, body: bodies.ScanBody, wait: Wait = 0) -> dict[str, Any]:
    """An official account's QR code, a mini-program code, or a link that was tapped."""
    happened = context.people.scan(context.sandbox.phone(phone_id), url=body.url, ticket=body.ticket, scene=body.scene)
    return await result(context, happened, wait)


@account_router.post("/menu")
async def tap_menu(context: Ctx, phone_id: str, body: bodies.MenuBody, wait: Wait = 0) -> dict[str, Any]:
    return await result(
        context, context.people.tap_menu(context.sandbox.phone(phone_id), key=body.key, name=body.name), wait
    )


@account_router.post("/messages")
async def send_message(context: Ctx, phone_id: str, body: bodies.MessageBody, wait: Wait = 0) -> dict[str, Any]:
    fields = _message_fields(context, body)
    happened = context.people.send_message(context.sandbox.phone(phone_id), body.account, body.type, fields)
    return await result(context, happened, wait)


@account_router.post("/msgmenu")
async def tap_msgmenu(context: Ctx, phone_id: str, body: bodies.MsgmenuBody, wait: Wait = 0) -> dict[str, Any]:
    return await result(
        context, context.people.tap_msgmenu(context.sandbox.phone(phone_id), body.entry, body.item), wait
    )


@account_router.post("/location")
async def report_location(context: Ctx, phone_id: str, body: bodies.LocationBody, wait: Wait = 0) -> dict[str, Any]:
    phone = context.sandbox.phone(phone_id)
    happened = context.people.report_location(phone, body.latitude, body.longitude, body.precision)
    return await result(context, happened, wait)


@account_router.post("/block")
async def block(context: Ctx, phone_id: str, body: bodies.BlockBody) -> dict[str, Any]:
    return await result(context, context.people.block(context.sandbox.phone(phone_id), body.account, body.blocked), 0)


@account_router.post("/oauth-code")
async def oauth_code(context: Ctx, phone_id: str) -> dict[str, str]:
    return {"code": context.sandbox.codes.issue(context.sandbox.phone(phone_id).id, "oauth")}


mini_program_router = APIRouter(prefix="/phones/{phone_id}", tags=["mini-program and SMS"])


@mini_program_router.post("/mini-program/open")
async def open_page(context: Ctx, phone_id: str, body: bodies.OpenBody) -> dict[str, Any]:
    opened = context.people.open_mini_program(context.sandbox.phone(phone_id), body.path, body.query, body.scene)
    context.sandbox.store.flush()
    return opened


@mini_program_router.post("/mini-program/js-code")
async def js_code(context: Ctx, phone_id: str) -> dict[str, str]:
    return {"js_code": context.sandbox.codes.issue(context.sandbox.phone(phone_id).id, "login")}


@mini_program_router.post("/mini-program/phone-code")
async def phone_code(context: Ctx, phone_id: str, body: bodies.PhoneCodeBody) -> dict[str, str]:
    """The phone-number button: a code where the person consents."""
    if not body.consent:
        raise ControlError("user_denied", "getPhoneNumber:fail user deny")
    return {"code": context.sandbox.codes.issue(context.sandbox.phone(phone_id).id, "phone")}


@mini_program_router.post("/mini-program/customer-service")
async def customer_service(context: Ctx, phone_id: str, body: bodies.SessionBody, wait: Wait = 0) -> dict[str, Any]:
    return await result(
        context, context.people.enter_customer_service(context.sandbox.phone(phone_id), body.session_from), wait
    )


@mini_program_router.post("/subscriptions")
async def decide(context: Ctx, phone_id: str, body: bodies.DecisionsBody, wait: Wait = 0) -> dict[str, Any]:
    """The person answers a subscribe-message prompt."""
    decisions = {template: answer == "accept" for template, answer in body.decisions.items()}
    return await result(context, context.people.decide(context.sandbox.phone(phone_id), body.account, decisions), wait)


@mini_program_router.post("/subscriptions/refuse")
async def refuse(context: Ctx, phone_id: str, body: bodies.RefuseBody, wait: Wait = 0) -> dict[str, Any]:
    return await result(
        context, context.people.refuse(context.sandbox.phone(phone_id), body.account, body.templates), wait
    )


@mini_program_router.post("/sms")
async def reply_sms(context: Ctx, phone_id: str, body: bodies.SmsBody) -> dict[str, Any]:
    """A text message to the product's number; `taken` is whether the product answered `result` 0."""
    phone = context.sandbox.phone(phone_id)
    entry = context.sandbox.feed.show(phone.id, "sms", "sms", body.text, {"text": body.text}, direction="from_phone")
    context.sandbox.store.flush()
    taken = await context.sms.reply(phone, body.text, body.extend)
    context.sandbox.feed.change_state(entry, "sent" if taken else "failed")
    context.sandbox.store.flush()
    return {"entry": entry, "taken": taken}


def _message_fields(context: Context, body: bodies.MessageBody) -> dict[str, Any]:
    """Callback fields of a message, with `_text` and `_content` for the phone's screen."""
    if body.type == "text":
        if not body.content:
            raise ControlError("empty", "a text message needs content")
        return {"Content": body.content, "_text": body.content, "_content": {"text": body.content}}
    if body.type == "location":
        fields: dict[str, Any] = {"Location_X": body.latitude, "Location_Y": body.longitude}
        fields |= {"Scale": body.scale, "Label": body.label}
        return fields | _screen("location", body.label)
    if body.type == "link":
        fields = {"Title": body.title, "Description": body.description, "Url": body.url}
        return fields | _screen("link", body.title, url=body.url)
    if body.type == "file":
        name = body.filename or "文件.pdf"
        return file_fields(name, _data(body) or b"") | _screen("file", name)
    return _media_fields(context, body)


def _screen(kind: str, detail: str = "", **content: Any) -> dict[str, Any]:
    label = texts.LABELS[kind]
    return {"_text": f"{label} {detail}".strip(), "_content": {"detail": detail} | content}


def _media_fields(context: Context, body: bodies.MessageBody) -> dict[str, Any]:
    """Picture, voice, video, mini-program card: temporary media that the product can fetch by MediaId."""
    kind = {"shortvideo": "video", "miniprogrampage": "thumb"}.get(body.type, body.type)
    default, suffix = {"voice": (b"#!AMR\n", "amr"), "video": (b"\0", "mp4")}.get(kind, (SAMPLE_PNG, "png"))
    filename = body.filename or f"{body.type}.{suffix}"
    guessed = "audio/amr" if filename.endswith(".amr") else mimetypes.guess_type(filename)[0]
    content_type = guessed or "application/octet-stream"
    media = context.sandbox.add_media(body.account, kind, filename, content_type, _data(body) or default)
    address = f"/media/{media.id}"
    absolute = f"{context.sandbox.config.base_url}{address}"
    if body.type == "image":
        return {"PicUrl": absolute, "MediaId": media.id} | _screen("image", media_id=media.id, url=address)
    if body.type == "voice":
        fields: dict[str, Any] = {"MediaId": media.id, "Format": suffix}
        if context.sandbox.settings[body.account].recognition and body.account == "oa":
            fields["Recognition"] = body.recognition
        return fields | _screen("voice", body.recognition, media_id=media.id, url=address)
    thumb = context.sandbox.add_media(body.account, "thumb", "thumb.png", "image/png", SAMPLE_PNG)
    if body.type == "miniprogrampage":
        fields = {"Title": body.title, "AppId": context.sandbox.config.mp.app_id, "PagePath": body.path}
        fields |= {"ThumbUrl": absolute, "ThumbMediaId": thumb.id}
        return fields | _screen("miniprogrampage", body.title, path=body.path)
    fields = {"MediaId": media.id, "ThumbMediaId": thumb.id}
    return fields | _screen(body.type, media_id=media.id, url=address)


def _data(body: bodies.MessageBody) -> bytes | None:
    try:
        return base64.b64decode(body.data_base64, validate=True) if body.data_base64 else None
    except binascii.Error:
        raise ControlError("bad_base64", "data_base64 is not base64") from None
