"""One request for every route, aimed at something that belongs to the city's case, with what makes it succeed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from kit import clock
from kit.ids import new_id, token_hash
from stewardship.foundation.people.models import WechatIdentity
from tests.api.world import PNG, World, sheet_of

BOUNDARY = "-----------------tests"


def form(content: bytes) -> bytes:
    """A form with one file."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    return head.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()


FORM = form(PNG)
BECAUSE = {"reason": "测试需要"}
MARCH = {"first": "2026-03-01", "last": "2026-03-31"}


@dataclass
class Request:
    """How to call a route. `target` is whose thing it is about; `code`: the refusal that shows it was reached."""

    target: str | None = None
    json: Any = None
    params: dict[str, Any] = field(default_factory=dict)
    content: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    code: str | None = None
    path: dict[str, Any] = field(default_factory=dict)
    shows: str | None = None
    """A list that shows the case (or what waits of it) to whom it concerns, and to nobody else."""


Builder = Callable[[World], Request | Awaitable[Request]]


def case(**more: Any) -> Builder:
    """Something of the city's case."""
    return lambda w: Request("case", path={"case_id": w.city.case.id}, **more)


def party(what: str, **more: Any) -> Builder:
    """Something of a party of the case."""
    return lambda w: Request(
        "case", path={"case_id": w.city.case.id, "party_id": getattr(w, what).member.party_id}, **more
    )


def member(what: str, **more: Any) -> Builder:
    """Something of a member of its group."""
    return lambda w: Request("case", path={"case_id": w.city.case.id, "member_id": getattr(w, what).member.id}, **more)


def inquiry(**more: Any) -> Builder:
    """Something of the victim's inquiry."""
    return lambda w: Request("inquiry", path={"inquiry_id": w.inquiry_id}, **more)


def task(**more: Any) -> Builder:
    """Something of the telephone task."""
    return lambda w: Request("case", path={"visit_id": w.task.id}, **more)


def unit(**more: Any) -> Builder:
    """Something of the station."""
    return lambda w: Request("unit", path={"unit_id": w.city.station.id}, **more)


def appointment(**more: Any) -> Builder:
    """Something of the victim's appointment."""
    return lambda w: Request("appointment", path={"appointment_id": w.appointment.id}, **more)


def handover(**more: Any) -> Builder:
    """Something of the colleague's leave."""
    return lambda w: Request("handover", path={"handover_id": w.handover.id}, **more)


def roster_table(w: World) -> Request:
    row = f"{w.city.officers['colleague'].number},王敏,值班,2026-04-06 08:30,2026-04-06 17:30"
    return Request(
        "unit",
        path={"unit_id": w.city.station.id},
        params={"trial": "false"},
        content=form(f"警号,姓名,班次,开始,结束\n{row}\n".encode("utf-8-sig")),
        headers={"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"},
    )


def month() -> Builder:
    """Something of the station's March."""
    return lambda w: Request("unit", path={"unit_id": w.city.station.id, "month": "2026-03-01"})


def officer(**more: Any) -> Builder:
    """Something of an officer of the station."""
    return lambda w: Request("unit", path={"officer_id": w.city.officers["colleague"].id}, **more)


def change(**more: Any) -> Builder:
    """Something of the proposed promise."""
    return lambda w: Request("change", path={"change_id": w.change.id}, **more)


def template(**more: Any) -> Builder:
    """Something of a drafted template, which is the whole city's."""
    return lambda w: Request("unit", path={"template_id": w.template.id}, **more)


def reply(target: str, **more: Any) -> Builder:
    """Something of a canned reply of the station."""
    return lambda w: Request(target, path={"reply_id": w.reply.id}, **more)


def promise(w: World) -> dict[str, Any]:
    """A promise for the station."""
    return {"unit_id": str(w.city.station.id), "policy": PROMISE, "base_version": 0}


def plain(**more: Any) -> Builder:
    """About nothing in particular."""
    return lambda _w: Request(**more)


async def login_code(w: World) -> Request:
    identity = await WechatIdentity.get(id=w.city.citizens["unbound"])
    return Request(json={"js_code": w.platform.login_code(identity.openid)}, code="wechat_not_bound")


async def offered_binding(w: World) -> Request:
    code = "23456789AB"
    await w.services.redis.set(f"binding:{token_hash(code).hex()}", str(w.city.officers["colleague"].id), ex=60)
    return Request(json={"code": code})


async def shift_of_colleague(w: World) -> Request:
    return Request("unit", path={"unit_id": w.city.station.id, "shift_id": w.shift.id})


def key() -> str:
    return new_id().hex


REGISTERED_PARTY = {"name": "周八", "roles": ["reporter"], "phone": "13800000008"}
INVITED_PROXY = {"person": {"name": "周九", "roles": ["guardian"], "phone": "13800000009"}, "kind": "guardian"}
LEAVE = {"kind": "annual", "starts_at": "2026-04-01T00:00:00Z", "ends_at": "2026-04-08T00:00:00Z"}
THEN = {"starts_at": "2026-03-02T00:30:00Z"}
HOURS = {"start": "09:00", "end": "17:00"}
RULES = {
    "kinds": {"case_closed": ["public_order"]},
    "delay_minutes": 60,
    "life_days": 7,
    "cap_days": 14,
    "excluded_roles": ["suspect_family", "witness", "lawyer", "suspect"],
}
CARD: dict[str, Any] = {
    "channel": "mp_subscribe",
    "definition": {"title": "办理进度通知", "fields": [{"key": "thing1", "label": "事项", "value": "matter"}]},
}
CANNED = {"title": "鉴定中", "text": "{单位}正在等鉴定意见。"}
PROMISE = {
    "first_response": {"amount": 20, "unit": "duty_minutes"},
    "full_answer": {"amount": 1, "unit": "working_days"},
    "warn_at": [50, 80],
    "escalation": [{"percent": 100, "level": "instructor"}],
    "challenge_hours": 48,
}
PLAN = {"code_word": "栀子花", "safe_phone": "13900000000"}

WORDS = {"title": "已立案", "text": "已经立案。", "awaited": "开展侦查"}
DRAFTED = {
    "text": "已经受理。",
    "awaited": "开展调查",
    "next_contact_on": "2026-03-09",
    "audience": {"kind": "everyone"},
}


ELSEWHERE = {
    "kind": "officer",
    "source_id": "p-1",
    "revision": 1,
    "number": "998877",
    "name": "王敏",
    "unit": "nowhere",
}


def imported(*, with_digest: bool = False) -> Builder:
    """Something of the steward's import."""
    return lambda w: Request(
        "import",
        path={"import_id": w.imported.id},
        json={"digest": w.imported.digest.hex()} if with_digest else None,
    )


def draft(json: dict[str, Any]) -> Builder:
    """Something of the drafted update that waits."""
    return lambda w: Request("case", path={"case_id": w.city.case.id, "draft_id": w.draft.id}, json=json)


REQUESTS: dict[tuple[str, str], Builder] = {
    ("POST", "/sessions/citizen"): lambda w: Request(json={"js_code": w.platform.login_code(f"o-{key()}")}),
    ("POST", "/sessions/officer"): lambda _w: Request(
        json={"number": key()[:10], "password": "x"}, code="login_failed"
    ),
    ("POST", "/sessions/officer/wechat"): login_code,
    ("POST", "/sessions/officer/sso"): plain(json={"assertion": "x" * 32}, code="login_failed"),
    ("POST", "/totp-enrolments"): plain(json={"ticket": "A" * 32}, code="ticket_expired"),
    ("POST", "/totp-enrolments/confirm"): plain(json={"ticket": "A" * 32, "code": "000000"}, code="ticket_expired"),
    ("GET", "/sessions"): plain(),
    ("GET", "/sessions/current/csrf"): plain(),
    ("DELETE", "/sessions/current"): plain(),
    ("DELETE", "/sessions/{session_id}"): lambda w: Request("victim", path={"session_id": w.session.id}),
    ("GET", "/me"): plain(),
    ("POST", "/me/phone"): lambda w: Request(json={"phone_code": w.platform.phone_code("13700000000")}),
    ("POST", "/me/code-word"): plain(json={"text": "栀子花"}),
    ("POST", "/bindings/officer"): offered_binding,
    ("POST", "/me/wechat-binding"): plain(),
    ("POST", "/me/password"): plain(json={"old": "x", "new": "short"}, code="password_weak"),
    ("GET", "/invitations/{token}"): lambda w: Request(path={"token": w.invited.token}),
    ("POST", "/invitations/{token}/join"): lambda w: Request(
        path={"token": w.invited.token},
        json={"phone_code": w.platform.phone_code("13800000005")},
        # The callers who are citizens are somebody already, and the invitation is for somebody else.
        code="wechat_taken",
    ),
    ("GET", "/my/cases"): plain(shows="case"),
    ("GET", "/my/cases/{case_id}"): case(),
    ("GET", "/my/cases/{case_id}/updates"): case(),
    ("GET", "/my/cases/{case_id}/attachments/{file_id}"): lambda w: Request(
        "case", path={"case_id": w.city.case.id, "file_id": w.attachment_id}
    ),
    ("POST", "/my/cases/{case_id}/leave"): case(json={}),
    ("GET", "/my/cases/{case_id}/inquiries"): case(),
    ("POST", "/my/cases/{case_id}/inquiries"): case(json={"text": "请问进展", "client_key": "a" * 20}),
    ("POST", "/my/cases/{case_id}/call-back"): case(json={"client_key": "a" * 20}),
    ("POST", "/my/inquiries/{inquiry_id}/challenge"): lambda w: Request(
        "victim",
        path={"inquiry_id": w.inquiry_id},
        json={"client_key": "a" * 20},
        code="inquiry_not_challengeable",
    ),
    ("GET", "/my/cases/{case_id}/files"): case(),
    ("POST", "/my/cases/{case_id}/files"): case(
        params={"client_key": "a" * 20},
        content=FORM,
        headers={"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"},
    ),
    ("GET", "/cases"): plain(shows="case"),
    ("POST", "/cases"): lambda w: Request(
        "unit",
        json={
            "unit_id": str(w.city.station.id),
            "steward_id": str(w.city.officers["steward"].id),
            "parties": [REGISTERED_PARTY],
        },
    ),
    ("GET", "/cases/{case_id}"): case(),
    ("POST", "/cases/{case_id}/stage"): case(json={"stage": "accepted"}),
    ("POST", "/cases/{case_id}/close"): case(),
    ("POST", "/cases/{case_id}/reopen"): case(json={"stage": "accepted"}, code="case_open"),
    ("POST", "/cases/{case_id}/kind"): case(json={"kind": "public_order"}),
    ("POST", "/cases/{case_id}/hand-over"): lambda w: Request(
        "case",
        path={"case_id": w.city.case.id},
        json={"unit_id": str(w.city.station.id), "steward_id": str(w.city.officers["colleague"].id), **BECAUSE},
    ),
    ("POST", "/cases/{case_id}/reveal"): lambda w: Request(
        "case",
        path={"case_id": w.city.case.id},
        json={"person_id": str(w.city.members["victim"].person_id), "field": "phone", "reason": "电话回访"},
    ),
    ("GET", "/cases/{case_id}/files"): case(),
    ("GET", "/cases/{case_id}/files/{file_id}"): lambda w: Request(
        "case", path={"case_id": w.city.case.id, "file_id": w.file.id}
    ),
    ("GET", "/cases/{case_id}/parties"): case(),
    ("POST", "/cases/{case_id}/parties"): case(json=REGISTERED_PARTY),
    ("POST", "/cases/{case_id}/parties/{party_id}/remove"): party("invited", json=BECAUSE),
    ("POST", "/cases/{case_id}/parties/{party_id}/invite"): party("invited"),
    ("POST", "/cases/{case_id}/parties/{party_id}/do-not-invite"): party("invited", json=BECAUSE),
    ("POST", "/cases/{case_id}/parties/{party_id}/proxies"): party("invited", json=INVITED_PROXY),
    ("GET", "/cases/{case_id}/members"): case(),
    ("GET", "/cases/{case_id}/members/{member_id}/receipt"): member("invited"),
    ("GET", "/cases/{case_id}/members/{member_id}/receipt.pdf"): member("invited"),
    ("POST", "/cases/{case_id}/members/{member_id}/approve"): member("pending"),
    ("POST", "/cases/{case_id}/members/{member_id}/refuse"): member("pending", json=BECAUSE),
    ("POST", "/cases/{case_id}/members/{member_id}/remove"): member("invited", json=BECAUSE),
    ("POST", "/cases/{case_id}/contacts/{contact_id}/trust"): lambda w: Request(
        "case",
        path={"case_id": w.city.case.id, "contact_id": w.contact_id},
        json={"trust": "shared", **BECAUSE},
    ),
    ("POST", "/cases/{case_id}/persons/{person_id}/verified"): lambda w: Request(
        "case",
        path={"case_id": w.city.case.id, "person_id": w.city.members["victim"].person_id},
        json={"phone": "13800000010"},
    ),
    ("POST", "/cases/{case_id}/persons/{person_id}/protection"): lambda w: Request(
        "case", path={"case_id": w.city.case.id, "person_id": w.city.members["victim"].person_id}, json=PLAN
    ),
    ("POST", "/cases/{case_id}/updates/preview"): case(json={"kind": "everyone"}),
    ("POST", "/cases/{case_id}/updates"): lambda w: Request(
        "case",
        path={"case_id": w.city.case.id},
        json={
            "text": "已调取监控。",
            "awaited": "等待核对",
            "next_contact_on": clock.today().isoformat(),
            "audience": {"kind": "sides", "sides": ["a"]},
        },
    ),
    ("GET", "/cases/{case_id}/updates"): case(),
    ("POST", "/cases/{case_id}/updates/{update_id}/withdraw"): lambda w: Request(
        "case", path={"case_id": w.city.case.id, "update_id": w.update_id}, json=BECAUSE
    ),
    ("POST", "/cases/{case_id}/attachments"): case(
        params={"client_key": "a" * 20},
        content=FORM,
        headers={"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"},
    ),
    ("GET", "/cases/{case_id}/drafts"): case(),
    ("PUT", "/cases/{case_id}/drafts/{draft_id}"): draft({**DRAFTED, "expected_version": 1}),
    ("POST", "/cases/{case_id}/drafts/{draft_id}/release"): draft({"expected_version": 1}),
    ("POST", "/cases/{case_id}/drafts/{draft_id}/discard"): draft({"expected_version": 1, **BECAUSE}),
    ("GET", "/cases/{case_id}/update-templates"): case(),
    ("GET", "/units/{unit_id}/update-templates"): unit(),
    ("POST", "/units/{unit_id}/update-templates"): unit(json={"kind": "criminal", "stage": "filed", **WORDS}),
    ("PUT", "/update-templates/{template_id}"): lambda w: Request(
        "unit", path={"template_id": w.template_id}, json={**WORDS, "expected_version": 1}
    ),
    ("DELETE", "/update-templates/{template_id}"): lambda w: Request("unit", path={"template_id": w.template_id}),
    ("GET", "/queue"): plain(shows="inquiry"),
    ("GET", "/cases/{case_id}/inquiries"): case(),
    ("POST", "/inquiries/answer-many/preview"): lambda w: Request(
        json={"inquiry_ids": [str(w.inquiry_id)], "text": "{称呼}您好。"}
    ),
    ("POST", "/inquiries/answer-many"): lambda w: Request(
        json={"inquiries": [{"inquiry_id": str(w.inquiry_id), "expected_version": 1}], "text": "{称呼}您好。"}
    ),
    ("GET", "/inquiries/{inquiry_id}"): inquiry(),
    ("POST", "/inquiries/{inquiry_id}/preview"): inquiry(json={"text": "周五前答复。"}),
    ("POST", "/inquiries/{inquiry_id}/reopen"): inquiry(json=BECAUSE, code="inquiry_open"),
    ("POST", "/inquiries/{inquiry_id}/answer"): inquiry(json={"text": "周五前答复。", "expected_version": 1}),
    ("POST", "/inquiries/{inquiry_id}/ask-back"): inquiry(json={"text": "哪一天的事？", "expected_version": 1}),
    ("POST", "/inquiries/{inquiry_id}/talks"): inquiry(json={"kind": "call", "seconds": 60, "gist": "已说明。"}),
    ("POST", "/inquiries/{inquiry_id}/close"): inquiry(json=BECAUSE),
    ("POST", "/inquiries/{inquiry_id}/hand-over"): lambda w: Request(
        "inquiry",
        path={"inquiry_id": w.inquiry_id},
        json={"officer_id": str(w.city.officers["colleague"].id), **BECAUSE},
    ),
    ("POST", "/inquiries/{inquiry_id}/merge"): lambda w: Request(
        "inquiry", path={"inquiry_id": w.inquiry_id}, json={"into_id": str(w.other_inquiry_id)}, code="inquiries_apart"
    ),
    ("GET", "/live"): plain(),
    ("GET", "/my/appointments"): plain(),
    ("GET", "/my/appointments/{appointment_id}"): appointment(),
    ("GET", "/my/appointments/{appointment_id}/free"): appointment(),
    ("POST", "/my/appointments/{appointment_id}/book"): appointment(json={"number": 1}),
    ("POST", "/my/appointments/{appointment_id}/move"): appointment(json=THEN, code="slot_taken"),
    ("POST", "/my/appointments/{appointment_id}/cancel"): appointment(),
    ("POST", "/my/appointments/{appointment_id}/other-times"): appointment(json={"client_key": "a" * 20}),
    ("GET", "/cases/{case_id}/appointments"): case(),
    ("GET", "/cases/{case_id}/appointments/free"): lambda w: Request(
        "case", path={"case_id": w.city.case.id}, params={"member_id": str(w.city.members["victim"].id)}
    ),
    ("POST", "/cases/{case_id}/appointments"): lambda w: Request(
        "case",
        path={"case_id": w.city.case.id},
        json={"member_id": str(w.city.members["opponent"].id), "purpose": "procedure"},
    ),
    ("GET", "/appointments"): plain(),
    ("GET", "/appointments/{appointment_id}"): appointment(),
    ("POST", "/appointments/{appointment_id}/book"): appointment(json={"number": 1}),
    ("POST", "/appointments/{appointment_id}/move"): appointment(json=THEN, code="slot_taken"),
    ("POST", "/appointments/{appointment_id}/offer-again"): appointment(json=BECAUSE),
    ("POST", "/appointments/{appointment_id}/cancel"): appointment(json=BECAUSE),
    ("POST", "/appointments/{appointment_id}/outcome"): appointment(json={"kept": True}, code="appointment_state"),
    ("GET", "/handovers"): plain(),
    ("POST", "/handovers"): plain(json=LEAVE),
    ("GET", "/handovers/{handover_id}"): handover(),
    ("PUT", "/handovers/{handover_id}/items"): lambda w: Request(
        "handover",
        path={"handover_id": w.handover.id},
        json={"items": [{"case_id": str(w.city.case.id), "to_officer_id": None}]},
        code="case_not_found",
    ),
    ("POST", "/handovers/{handover_id}/offer"): handover(),
    ("POST", "/handovers/{handover_id}/cancel"): handover(),
    ("POST", "/handovers/{handover_id}/return"): handover(code="handover_state"),
    ("POST", "/handovers/{handover_id}/accept"): handover(json={}, code="handover_state"),
    ("POST", "/handovers/{handover_id}/refuse"): handover(json=BECAUSE, code="handover_state"),
    ("POST", "/handovers/{handover_id}/place"): lambda w: Request(
        "handover",
        path={"handover_id": w.handover.id},
        json={"case_ids": [str(w.city.case.id)], "officer_id": str(w.city.officers["colleague"].id)},
        code="handover_state",
    ),
    ("GET", "/handovers/{handover_id}/briefs"): handover(),
    ("GET", "/handovers/{handover_id}/digest"): handover(),
    ("POST", "/units/{unit_id}/roster/import"): roster_table,
    ("GET", "/units/{unit_id}/roster/template"): unit(),
    ("GET", "/units/{unit_id}/roster/export"): unit(params=MARCH),
    ("GET", "/canned-replies"): plain(params={"q": "鉴定"}),
    ("POST", "/canned-replies"): lambda w: Request(
        "kept reply", json=CANNED | {"whose": "unit", "unit_id": str(w.city.station.id)}
    ),
    ("PUT", "/canned-replies/{reply_id}"): reply("kept reply", json=CANNED | {"expected_version": 1}),
    ("POST", "/canned-replies/{reply_id}/retire"): reply("kept reply"),
    ("POST", "/canned-replies/{reply_id}/uses"): reply("reply"),
    ("GET", "/canned-replies/{reply_id}/versions"): reply("reply"),
    ("POST", "/inquiries/{inquiry_id}/take-over"): inquiry(json=BECAUSE, code="inquiry_yours"),
    ("POST", "/inquiries/{inquiry_id}/reassign"): lambda w: Request(
        "inquiry",
        path={"inquiry_id": w.inquiry_id},
        json={"officer_id": str(w.city.officers["colleague"].id), **BECAUSE},
    ),
    ("POST", "/inquiries/{inquiry_id}/comments"): inquiry(json={"text": "先打电话。"}),
    ("POST", "/inquiries/{inquiry_id}/nudge"): inquiry(),
    ("POST", "/inquiries/{inquiry_id}/contests"): lambda w: Request(
        "own_inquiry",
        path={"inquiry_id": w.inquiry_id},
        json={"target": "full", "ground": "other", "evidence": "没有超时。"},
        code="not_missed",
    ),
    ("GET", "/breaches"): plain(),
    ("GET", "/contests"): plain(),
    ("GET", "/contests/to-decide"): plain(),
    ("GET", "/contests/{contest_id}"): lambda w: Request("own_inquiry", path={"contest_id": w.contest.id}),
    ("POST", "/contests/{contest_id}/decision"): lambda w: Request(
        "own_inquiry", path={"contest_id": w.contest.id}, json={"accepted": True, "reason": "属实。"}
    ),
    ("GET", "/my/ratings"): plain(),
    ("POST", "/my/ratings/{rating_id}"): lambda w: Request(
        "victim", path={"rating_id": w.rating.id}, json={"score": 1}
    ),
    ("POST", "/my/ratings/{rating_id}/comment"): lambda w: Request(
        "victim", path={"rating_id": w.rated.id}, json={"comment": "谢谢"}
    ),
    ("PUT", "/my/rating-wish"): plain(target="person", json={"wanted": False}),
    ("GET", "/rating-links/{token}"): lambda w: Request(path={"token": w.rating_token}),
    ("POST", "/rating-links/{token}"): lambda w: Request(path={"token": w.rating_token}, json={"score": 1}),
    ("GET", "/my/subscriptions"): plain(),
    ("POST", "/my/subscriptions"): plain(json={"accepted": ["tmplUnknown01"]}),
    ("GET", "/visits"): plain(),
    ("GET", "/visits/{visit_id}"): task(),
    ("POST", "/visits/{visit_id}/dial"): task(),
    ("POST", "/visits/{visit_id}/calls"): task(json={"outcome": "informed", "seconds": 60}),
    ("POST", "/visits/{visit_id}/reassign"): lambda w: Request(
        "case",
        path={"visit_id": w.task.id},
        json={"officer_id": str(w.city.officers["colleague"].id), **BECAUSE},
    ),
    ("POST", "/visits/{visit_id}/close"): lambda w: Request(
        "complaint", path={"visit_id": w.complaint.id}, json={"finding": "substantiated"}
    ),
    ("POST", "/visits/{visit_id}/settle"): task(json={"informed": True, "note": "本人来所。"}),
    ("GET", "/reports/units/{unit_id}"): unit(params=MARCH),
    ("GET", "/reports/units/{unit_id}/{figure}"): lambda w: Request(
        "unit", path={"unit_id": w.city.station.id, "figure": "overdue"}, params=MARCH
    ),
    ("GET", "/reports/units/{unit_id}/{figure}/export"): lambda w: Request(
        "unit", path={"unit_id": w.city.station.id, "figure": "first_response"}, params=MARCH
    ),
    ("GET", "/reports/units/{unit_id}/dashboard"): unit(params=MARCH),
    ("GET", "/metric-definitions"): plain(),
    ("GET", "/inquiries/{inquiry_id}/events"): inquiry(),
    ("GET", "/cases/{case_id}/events"): case(),
    ("GET", "/reports/own"): plain(params=MARCH),
    ("GET", "/reports/units/{unit_id}/changes"): unit(
        params=MARCH | {"before_first": "2026-02-01", "before_last": "2026-02-28"}
    ),
    ("GET", "/reports/units/{unit_id}/months"): unit(params=MARCH),
    ("GET", "/reports/units/{unit_id}/months/{month}/restatements"): month(),
    ("GET", "/reports/units/{unit_id}/months/{month}/document"): month(),
    ("GET", "/reports/digest"): plain(),
    ("POST", "/reports/exports"): lambda w: Request(
        "unit", json={"unit_id": str(w.city.station.id), "table": "inquiries"} | MARCH
    ),
    ("GET", "/reports/exports"): plain(),
    ("GET", "/reports/exports/{export_id}"): lambda w: Request("export", path={"export_id": w.export.id}),
    ("GET", "/reports/exports/{export_id}/file"): lambda w: Request("export", path={"export_id": w.export.id}),
    ("GET", "/units"): plain(),
    ("POST", "/units"): lambda w: Request(
        "unit",
        json={
            "code": key()[:12],
            "name": "新派出所",
            "level": "team",
            "kind": "police_station",
            "parent_id": str(w.city.sub_bureau.id),
        },
    ),
    ("GET", "/officers"): lambda w: Request(params={"unit_id": str(w.city.station.id)}),
    ("POST", "/officers"): lambda w: Request(
        "unit",
        json={
            "number": key()[:10],
            "name": "新民警",
            "unit_id": str(w.city.station.id),
            "password": "Initial-Word-7",
        },
    ),
    ("POST", "/officers/{officer_id}/active"): officer(json={"active": False}),
    ("POST", "/officers/{officer_id}/second-factor/reset"): officer(),
    ("GET", "/officers/{officer_id}/roles"): officer(),
    ("POST", "/officers/{officer_id}/roles"): lambda w: Request(
        "unit",
        path={"officer_id": w.city.officers["colleague"].id},
        json={"role": "instructor", "unit_id": str(w.city.station.id)},
    ),
    ("PUT", "/units/{unit_id}"): unit(json={"name": "莲花派出所", "calendar_code": "office"}),
    ("POST", "/units/{unit_id}/close"): lambda w: Request(
        "unit",
        path={"unit_id": w.city.station.id},
        json={"successor_id": str(w.city.station.id), **BECAUSE},
        code="unit_successor",
    ),
    ("PUT", "/officers/{officer_id}"): officer(json={"name": "王敏"}),
    ("GET", "/officers/{officer_id}/open-cases"): officer(),
    ("POST", "/officers/{officer_id}/move"): lambda w: Request(
        "unit",
        path={"officer_id": w.city.officers["colleague"].id},
        json={"unit_id": str(w.city.station.id), **BECAUSE},
    ),
    ("POST", "/officers/import"): plain(
        content=FORM, headers={"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}, code="table_type"
    ),
    ("GET", "/second-factors/missing"): plain(),
    ("POST", "/officers/{officer_id}/enrolment-code"): officer(),
    ("POST", "/officer-enrolments"): lambda _w: Request(
        json={"number": key()[:10], "code": "7KQ2MX9WRA", "password": "Initial-Word-7"}, code="login_failed"
    ),
    ("GET", "/officers/{officer_id}/sessions"): officer(),
    ("DELETE", "/officers/{officer_id}/sessions/{session_id}"): lambda w: Request(
        "unit", path={"officer_id": w.city.officers["colleague"].id, "session_id": w.officer_session.id}
    ),
    ("POST", "/roles/{grant_id}/end"): lambda w: Request("unit", path={"grant_id": w.grant.id}),
    ("GET", "/units/{unit_id}/roster"): unit(),
    ("POST", "/units/{unit_id}/roster"): lambda w: Request(
        "unit",
        path={"unit_id": w.city.station.id},
        json={
            "officer_id": str(w.city.officers["colleague"].id),
            "kind": "leave",
            "starts_at": "2026-03-05T00:00:00Z",
            "ends_at": "2026-03-06T00:00:00Z",
        },
    ),
    ("DELETE", "/units/{unit_id}/roster/{shift_id}"): shift_of_colleague,
    ("GET", "/holidays"): plain(params={"year": 2026}),
    ("PUT", "/holidays/{day}"): plain(path={"day": "2027-02-08"}, json={"workday": False, "reason": "春节"}),
    ("DELETE", "/holidays/{day}"): lambda _w: Request(path={"day": clock.today().isoformat()}),
    ("GET", "/changes"): plain(),
    ("GET", "/changes/{change_id}"): change(),
    ("POST", "/changes/{change_id}/approve"): change(json={}),
    ("POST", "/changes/{change_id}/refuse"): change(json={"reason": "暂不调整"}),
    # Only the proposer withdraws, who is none of the callers.
    ("POST", "/changes/{change_id}/withdraw"): change(code="not_proposer"),
    ("GET", "/promise-policies"): plain(),
    ("POST", "/promise-policies/preview"): lambda w: Request("unit", json=promise(w)),
    ("POST", "/promise-policies/proposals"): lambda w: Request(
        "unit", json=promise(w) | {"case_kind": "traffic_accident", "reason": "缩短等待"}
    ),
    ("GET", "/duty-calendars"): plain(),
    ("GET", "/duty-calendars/{code}/versions"): plain(path={"code": "office"}),
    ("PUT", "/duty-calendars/{code}"): lambda _w: Request(
        "unit", path={"code": "office"}, json={"weekly": [[HOURS]] * 5 + [[], []], "expected_version": 1}
    ),
    ("POST", "/units/{unit_id}/duty-calendar"): unit(),
    ("GET", "/rating-rules"): plain(),
    ("POST", "/rating-rules/proposals"): plain(target="unit", json=RULES | {"base_version": 0, "reason": "试行"}),
    ("GET", "/message-templates"): plain(target="unit"),
    ("POST", "/message-templates"): plain(target="unit", json=CARD | {"notice": "visit_announced"}),
    ("GET", "/message-templates/comparison"): plain(target="unit"),
    ("POST", "/message-templates/trials"): plain(target="unit", json=CARD | {"notice": "update_posted"}),
    ("GET", "/message-templates/{notice}/{channel}/versions"): plain(
        target="unit", path={"notice": "update_posted", "channel": "sms"}
    ),
    ("PUT", "/message-templates/{template_id}"): template(json={"definition": CARD["definition"]}),
    ("POST", "/message-templates/{template_id}/submit"): template(),
    ("POST", "/message-templates/{template_id}/approved"): template(json={"template_id": "abc"}, code="template_state"),
    ("POST", "/message-templates/{template_id}/rejected"): template(json={"reason": "不符"}, code="template_state"),
    ("POST", "/message-templates/{template_id}/activate"): template(code="template_state"),
    ("POST", "/message-templates/{template_id}/give-up"): template(),
    ("GET", "/keys"): plain(target="unit"),
    ("POST", "/keys/rotations/proposals"): plain(target="unit", json={"reason": "每年轮换"}),
    ("GET", "/inspection/cases"): lambda w: Request("unit", params={"reference": w.city.case.reference}),
    ("GET", "/inspection/cases/{case_id}/reads"): lambda w: Request("unit", path={"case_id": w.city.case.id}),
    # Who is beyond one's units is not found: an empty list.
    ("POST", "/inspection/persons/search"): plain(json={"phone": "13800000001"}),
    ("GET", "/inspection/persons/{person_id}/reads"): lambda w: Request(
        "unit", path={"person_id": w.city.members["victim"].person_id}
    ),
    ("POST", "/inspection/proofs"): lambda w: Request(
        "unit", json={"about": "case", "id": str(w.city.case.id), "reason": "信访核查"}
    ),
    ("GET", "/inspection/officers/{officer_id}/reads"): officer(params=MARCH),
    ("GET", "/inspection/units/{unit_id}/unrelated-reads"): unit(params=MARCH),
    ("GET", "/imports/cases/template"): plain(),
    ("POST", "/imports/cases"): lambda w: Request(
        "unit",
        params={"unit_id": str(w.city.station.id)},
        content=form(sheet_of(w.city.officers["steward"].number, "周八")),
        headers={"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"},
    ),
    ("GET", "/imports"): plain(),
    ("GET", "/imports/{import_id}"): imported(),
    ("GET", "/imports/{import_id}/report"): imported(),
    ("POST", "/imports/{import_id}/commit"): imported(with_digest=True),
    ("POST", "/exchange/upserts"): plain(json={"records": [ELSEWHERE]}),
    ("GET", "/exchange/clients"): plain(),
    ("POST", "/exchange/clients"): lambda w: Request(
        "unit", json={"name": "平台", "source_system": "platform", "unit_id": str(w.city.station.id)}
    ),
    ("POST", "/exchange/clients/{client_id}/revoke"): lambda w: Request(
        "unit", path={"client_id": w.machines["machine"].client.id}
    ),
    ("GET", "/audit/head"): plain(),
    ("POST", "/audit/verification"): plain(),
    ("POST", "/audit/verifications"): plain(code="verification_running"),
    ("GET", "/audit/verifications"): plain(),
    ("GET", "/audit/verifications/{verification_id}"): lambda w: Request(path={"verification_id": w.verification.id}),
}
