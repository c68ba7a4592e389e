"""What the control API's routes share."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request

from sandbox.callbacks.sender import Callbacks, Delivery
from sandbox.clock import iso
from sandbox.model import Phone, QrCode
from sandbox.people import Happened, People
from sandbox.platforms.sms import SmsGateway
from sandbox.world import Sandbox

LONGEST_WAIT = 60.0


@dataclass(frozen=True)
class Context:
    sandbox: Sandbox
    callbacks: Callbacks
    people: People
    sms: SmsGateway


def _of_request(request: Request) -> Context:
    """`create_app` leaves the context on the app."""
    context: Context = request.app.state.context
    return context


Ctx = Annotated[Context, Depends(_of_request)]
"""A route's way to the platform."""


async def result(context: Context, happened: Happened, wait: float) -> dict[str, Any]:
    """`{entry, delivery, opened}`, after waiting up to `wait` seconds for the product's answer."""
    context.sandbox.store.flush()
    if happened.delivery and wait > 0:
        await context.callbacks.finished(happened.delivery, min(wait, LONGEST_WAIT))
    answer: dict[str, Any] = {
        "entry": dataclasses.asdict(happened.entry) if happened.entry else None,
        "delivery": shown_delivery(happened.delivery) if happened.delivery else None,
    }
    return answer | {"opened": happened.opened} if happened.opened else answer


def shown_delivery(delivery: Delivery) -> dict[str, Any]:
    return dataclasses.asdict(delivery)


def shown_phone(phone: Phone, now: float) -> dict[str, Any]:
    """A phone with its windows as instants and what they still allow."""
    shown = dataclasses.asdict(phone)
    shown["windows"] = {
        key: {"until": iso(window.until), "left": window.left, "open": window.until > now}
        for key, window in phone.windows.items()
    }
    for name in ("created_at", "followed_at"):
        shown[name] = iso(shown[name]) if shown[name] else None
    return shown


def shown_qrcode(code: QrCode, now: float) -> dict[str, Any]:
    """With the address of its picture."""
    shown = dataclasses.asdict(code)
    shown["created_at"] = iso(code.created_at)
    shown["expires_at"] = iso(code.expires_at) if code.expires_at is not None else None
    shown["expired"] = code.expires_at is not None and code.expires_at <= now
    shown["picture"] = f"/qr/{code.id}.png"
    return shown
