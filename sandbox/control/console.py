"""What stands in the platforms' consoles: accounts, templates, quotas; the clock, faults, and what was called."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from sandbox.clock import iso
from sandbox.control import bodies
from sandbox.control.context import Context, Ctx, shown_qrcode
from sandbox.errors import ControlError, NotFound
from sandbox.faults import Fault
from sandbox.model import AccountKey, Template, TemplateKind
from sandbox.rules.fields import known_type
from sandbox.rules.quotas import Quota

accounts_router = APIRouter(tags=["accounts"])


def _accounts(context: Context) -> dict[str, Any]:
    """Without secrets: the page shows this."""
    accounts: dict[str, Any] = {}
    for account in ("oa", "mp"):
        config = context.sandbox.account_config(account)
        settings = dataclasses.asdict(context.sandbox.settings[account])
        del settings["token"], settings["aes_key"]
        accounts[account] = {"app_id": config.app_id, "username": config.username, "name": config.name} | settings
    sms = dataclasses.asdict(context.sandbox.sms_settings)
    del sms["report_url"], sms["reply_url"]
    config_sms = context.sandbox.config.sms
    return accounts | {"sms": sms | {"app_id": config_sms.app_id, "sign_name": config_sms.sign_name}}


@accounts_router.get("/accounts")
async def list_accounts(context: Ctx) -> dict[str, Any]:
    return _accounts(context)


@accounts_router.patch("/accounts/sms")
async def change_sms(context: Ctx, body: bodies.SmsPatch) -> dict[str, Any]:
    context.sandbox.change_settings("sms", body.model_dump(exclude_none=True))
    context.sandbox.store.flush()
    return dict(_accounts(context)["sms"])


@accounts_router.patch("/accounts/{account}")
async def change_account(context: Ctx, account: AccountKey, body: bodies.WechatPatch) -> dict[str, Any]:
    context.sandbox.change_settings(account, body.model_dump(exclude_none=True))
    context.sandbox.store.flush()
    return dict(_accounts(context)[account])


@accounts_router.post("/accounts/{account}/verify")
async def verify(context: Ctx, account: AccountKey) -> dict[str, Any]:
    """The console's GET with echostr to the account's callback URL."""
    verified, status = await context.callbacks.verify(account)
    return {"verified": verified, "status": status}


@accounts_router.post("/accounts/{account}/expire-tokens")
async def expire_tokens(context: Ctx, account: AccountKey) -> dict[str, int]:
    context.sandbox.tokens.expire(account)
    context.sandbox.store.flush()
    return context.sandbox.tokens.alive()


@accounts_router.post("/codes/expire")
async def expire_codes(context: Ctx) -> dict[str, bool]:
    """Every js_code, phone code and OAuth code given out is too old now."""
    context.sandbox.codes.expire()
    return {"expired": True}


@accounts_router.get("/tokens")
async def tokens(context: Ctx) -> dict[str, int]:
    return context.sandbox.tokens.alive()


@accounts_router.get("/menu")
async def menu(context: Ctx) -> dict[str, Any]:
    """The official account's menu as the product created it."""
    return {"menu": context.sandbox.menus.get("oa")}


@accounts_router.get("/qrcodes")
async def qrcodes(context: Ctx) -> list[dict[str, Any]]:
    """QR codes, mini-program codes and links, newest first, each with its picture."""
    return [shown_qrcode(code, context.sandbox.clock.now()) for code in reversed(context.sandbox.qrcodes.values())]


@accounts_router.get("/quotas/{account}")
async def quotas(context: Ctx, account: AccountKey) -> dict[str, Quota]:
    return context.sandbox.quotas.limits(account)


@accounts_router.put("/quotas/{account}")
async def set_quota(context: Ctx, account: AccountKey, body: bodies.QuotaBody) -> dict[str, Quota]:
    context.sandbox.quotas.set(account, body.path, Quota(day=body.day, minute=body.minute))
    return {body.path: context.sandbox.quotas.limits(account)[body.path]}


templates_router = APIRouter(tags=["templates"])


@templates_router.get("/templates")
async def list_templates(context: Ctx) -> list[Template]:
    return list(context.sandbox.templates.values())


@templates_router.put("/templates/{kind}")
async def put_templates(
    context: Ctx, kind: TemplateKind, body: bodies.TemplateBody | list[bodies.TemplateBody]
) -> list[Template]:
    """Register templates as the console would hold them; the same id is replaced."""
    given = body if isinstance(body, list) else [body]
    templates = [_template(kind, each) for each in given]
    for template in templates:
        context.sandbox.put_template(template)
    context.sandbox.store.flush()
    return templates


def _template(kind: TemplateKind, body: bodies.TemplateBody) -> Template:
    wrong = [field.key for field in body.fields if not known_type(field.key)]
    if wrong:
        raise ControlError("field_type", f"no such field type: {', '.join(wrong)}")
    if (kind == "sms") != bool(body.text):
        raise ControlError("template_text", "an SMS template has a text, a WeChat template has fields")
    return Template(kind=kind, **body.model_dump())


assertions_router = APIRouter(tags=["clock, faults, assertions"])


def _clock(context: Context) -> dict[str, Any]:
    return {
        "offset_seconds": context.sandbox.clock.offset,
        "now": iso(context.sandbox.clock.now()),
        "real_now": iso(context.sandbox.clock.real()),
    }


@assertions_router.get("/clock")
async def clock(context: Ctx) -> dict[str, Any]:
    return _clock(context)


@assertions_router.put("/clock")
async def set_clock(context: Ctx, body: bodies.ClockBody) -> dict[str, Any]:
    context.sandbox.set_clock(body.offset_seconds)
    context.sandbox.store.flush()
    return _clock(context)


@assertions_router.get("/faults")
async def faults(context: Ctx) -> list[Fault]:
    return context.sandbox.faults.all()


@assertions_router.post("/faults", status_code=201)
async def add_fault(context: Ctx, body: bodies.FaultBody) -> Fault:
    return context.sandbox.faults.add(Fault(**body.model_dump()))


@assertions_router.delete("/faults", status_code=204)
async def clear_faults(context: Ctx) -> Response:
    context.sandbox.faults.clear()
    return Response(status_code=204)


@assertions_router.delete("/faults/{fault_id}", status_code=204)
async def remove_fault(context: Ctx, fault_id: int) -> Response:
    if not context.sandbox.faults.remove(fault_id):
        raise NotFound("fault", fault_id)
    return Response(status_code=204)


@assertions_router.get("/counters")
async def counters(context: Ctx) -> dict[str, Any]:
    return context.sandbox.traffic.counters()


@assertions_router.get("/requests")
async def requests(context: Ctx, path: str = "", after: Annotated[int, Query(ge=0)] = 0) -> dict[str, Any]:
    """The product's calls; SMS calls stand under `/sms/SendSms`."""
    found = context.sandbox.traffic.find(path, after)
    return {"requests": found, "last": found[-1].seq if found else after}


@assertions_router.delete("/requests", status_code=204)
async def clear_requests(context: Ctx) -> Response:
    context.sandbox.traffic.clear()
    return Response(status_code=204)


@assertions_router.get("/sms")
async def sms_messages(context: Ctx) -> list[dict[str, Any]]:
    """Every text message the gateway has accepted, with the state of its report."""
    return [dataclasses.asdict(sms) | {"at": iso(sms.at)} for sms in context.sandbox.sms.values()]


@assertions_router.post("/reset", status_code=204)
async def reset(context: Ctx, body: bodies.ResetBody) -> Response:
    await context.callbacks.forget()
    await context.sms.forget()
    context.sandbox.reset(templates=body.templates)
    context.sandbox.store.flush()
    return Response(status_code=204)
