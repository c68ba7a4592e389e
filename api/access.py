"""Who may call which route: one table, enforced in front of every route and walked by a test.

A row says for each kind of caller how far it reaches: `ALL` (whoever they are), `OWN` (what is theirs: a party's own
membership, a steward's own cases), `UNIT` (what belongs to units of the role's scope), `NONE`. The gate refuses `NONE`
before the route runs: 401 for a stranger, 403 for everybody else. `OWN` and `UNIT` are kept by the services, in the
query: what is beyond them looks like what does not exist (404), and a list does not contain it. An officer who holds
several roles reaches as far as the farthest.
"""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.routing import APIRoute

from api.access_rules import (
    ALL,
    ANY_SESSION,
    APPOINTMENT,
    AUDIT,
    CALENDAR,
    CANNED,
    CASE_READ,
    CASE_WRITE,
    CHANGE,
    CITIZEN,
    CONTEST,
    DECIDE,
    EXCHANGE,
    HANDOVER,
    HISTORY,
    IMPORT,
    INQUIRY,
    INSPECTION,
    OFFICER,
    PARTY,
    PUBLIC,
    REGISTER,
    REPORT,
    ROSTER_READ,
    ROSTER_WRITE,
    SECURITY,
    SUPERVISE,
    SUPERVISE_INQUIRY,
    SYSTEM,
    TAKEN_OUT,
    TEMPLATES,
    UNIT,
    VISIT,
    Rule,
)
from stewardship.foundation.actors import Actor
from stewardship.foundation.errors import NotAllowed, NotLoggedIn

TABLE: dict[tuple[str, str], Rule] = {
    # Logging in and out.
    ("POST", "/sessions/citizen"): PUBLIC,
    ("POST", "/sessions/officer"): PUBLIC,
    ("POST", "/sessions/officer/wechat"): PUBLIC,
    ("POST", "/sessions/officer/sso"): PUBLIC,
    ("POST", "/totp-enrolments"): PUBLIC,
    ("POST", "/totp-enrolments/confirm"): PUBLIC,
    ("GET", "/sessions"): ANY_SESSION,
    ("GET", "/sessions/current/csrf"): ANY_SESSION,
    ("DELETE", "/sessions/current"): ANY_SESSION,
    ("DELETE", "/sessions/{session_id}"): ANY_SESSION,
    # Oneself.
    ("GET", "/me"): ANY_SESSION,
    ("POST", "/me/phone"): CITIZEN,
    ("POST", "/me/code-word"): CITIZEN,
    ("POST", "/bindings/officer"): CITIZEN,
    ("POST", "/me/wechat-binding"): OFFICER,
    ("POST", "/me/password"): OFFICER,
    # Joining.
    ("GET", "/invitations/{token}"): PUBLIC,
    ("POST", "/invitations/{token}/join"): CITIZEN,
    # A party's own.
    ("GET", "/my/cases"): PARTY,
    ("GET", "/my/cases/{case_id}"): PARTY,
    ("GET", "/my/cases/{case_id}/updates"): PARTY,
    ("GET", "/my/cases/{case_id}/attachments/{file_id}"): PARTY,
    ("POST", "/my/cases/{case_id}/leave"): PARTY,
    ("GET", "/my/cases/{case_id}/inquiries"): PARTY,
    ("POST", "/my/cases/{case_id}/inquiries"): PARTY,
    ("POST", "/my/cases/{case_id}/call-back"): PARTY,
    ("POST", "/my/inquiries/{inquiry_id}/challenge"): PARTY,
    ("GET", "/my/cases/{case_id}/files"): PARTY,
    ("POST", "/my/cases/{case_id}/files"): PARTY,
    # Cases.
    ("GET", "/cases"): CASE_READ,
    ("POST", "/cases"): REGISTER,
    ("GET", "/cases/{case_id}"): CASE_READ,
    ("POST", "/cases/{case_id}/stage"): CASE_WRITE,
    ("POST", "/cases/{case_id}/close"): CASE_WRITE,
    ("POST", "/cases/{case_id}/reopen"): CASE_WRITE,
    ("POST", "/cases/{case_id}/kind"): CASE_WRITE,
    ("POST", "/cases/{case_id}/hand-over"): CASE_WRITE,
    ("POST", "/cases/{case_id}/reveal"): CASE_WRITE,
    ("GET", "/cases/{case_id}/files"): CASE_READ,
    ("GET", "/cases/{case_id}/files/{file_id}"): CASE_READ,
    # Parties and members.
    ("GET", "/cases/{case_id}/parties"): CASE_READ,
    ("POST", "/cases/{case_id}/parties"): CASE_WRITE,
    ("POST", "/cases/{case_id}/parties/{party_id}/remove"): CASE_WRITE,
    ("POST", "/cases/{case_id}/parties/{party_id}/invite"): CASE_WRITE,
    ("POST", "/cases/{case_id}/parties/{party_id}/do-not-invite"): CASE_WRITE,
    ("POST", "/cases/{case_id}/parties/{party_id}/proxies"): CASE_WRITE,
    ("GET", "/cases/{case_id}/members"): CASE_READ,
    ("GET", "/cases/{case_id}/members/{member_id}/receipt"): CASE_WRITE,
    ("GET", "/cases/{case_id}/members/{member_id}/receipt.pdf"): CASE_WRITE,
    ("POST", "/cases/{case_id}/members/{member_id}/approve"): CASE_WRITE,
    ("POST", "/cases/{case_id}/members/{member_id}/refuse"): CASE_WRITE,
    ("POST", "/cases/{case_id}/members/{member_id}/remove"): CASE_WRITE,
    ("POST", "/cases/{case_id}/contacts/{contact_id}/trust"): CASE_WRITE,
    ("POST", "/cases/{case_id}/persons/{person_id}/verified"): CASE_WRITE,
    ("POST", "/cases/{case_id}/persons/{person_id}/protection"): CASE_WRITE,
    # Updates.
    ("POST", "/cases/{case_id}/updates/preview"): CASE_WRITE,
    ("POST", "/cases/{case_id}/updates"): CASE_WRITE,
    ("GET", "/cases/{case_id}/updates"): CASE_READ,
    ("POST", "/cases/{case_id}/updates/{update_id}/withdraw"): CASE_WRITE,
    ("POST", "/cases/{case_id}/attachments"): CASE_WRITE,
    ("GET", "/cases/{case_id}/drafts"): CASE_READ,
    ("PUT", "/cases/{case_id}/drafts/{draft_id}"): CASE_WRITE,
    ("POST", "/cases/{case_id}/drafts/{draft_id}/release"): CASE_WRITE,
    ("POST", "/cases/{case_id}/drafts/{draft_id}/discard"): CASE_WRITE,
    ("GET", "/cases/{case_id}/update-templates"): CASE_READ,
    ("GET", "/units/{unit_id}/update-templates"): TEMPLATES,
    ("POST", "/units/{unit_id}/update-templates"): TEMPLATES,
    ("PUT", "/update-templates/{template_id}"): TEMPLATES,
    ("DELETE", "/update-templates/{template_id}"): TEMPLATES,
    # Inquiries.
    ("GET", "/queue"): INQUIRY,
    ("GET", "/cases/{case_id}/inquiries"): CASE_READ,
    ("POST", "/inquiries/answer-many/preview"): INQUIRY,
    ("POST", "/inquiries/answer-many"): INQUIRY,
    ("GET", "/inquiries/{inquiry_id}"): INQUIRY,
    ("POST", "/inquiries/{inquiry_id}/preview"): INQUIRY,
    ("POST", "/inquiries/{inquiry_id}/answer"): INQUIRY,
    ("POST", "/inquiries/{inquiry_id}/ask-back"): INQUIRY,
    ("POST", "/inquiries/{inquiry_id}/talks"): INQUIRY,
    ("POST", "/inquiries/{inquiry_id}/close"): INQUIRY,
    ("POST", "/inquiries/{inquiry_id}/reopen"): INQUIRY,
    ("POST", "/inquiries/{inquiry_id}/hand-over"): INQUIRY,
    ("POST", "/inquiries/{inquiry_id}/merge"): INQUIRY,
    # What has changed.
    ("GET", "/live"): OFFICER,
    # Appointments.
    ("GET", "/my/appointments"): PARTY,
    ("GET", "/my/appointments/{appointment_id}"): PARTY,
    ("GET", "/my/appointments/{appointment_id}/free"): PARTY,
    ("POST", "/my/appointments/{appointment_id}/book"): PARTY,
    ("POST", "/my/appointments/{appointment_id}/move"): PARTY,
    ("POST", "/my/appointments/{appointment_id}/cancel"): PARTY,
    ("POST", "/my/appointments/{appointment_id}/other-times"): PARTY,
    ("GET", "/cases/{case_id}/appointments"): CASE_READ,
    ("GET", "/cases/{case_id}/appointments/free"): CASE_WRITE,
    ("POST", "/cases/{case_id}/appointments"): CASE_WRITE,
    ("GET", "/appointments"): APPOINTMENT,
    ("GET", "/appointments/{appointment_id}"): APPOINTMENT,
    ("POST", "/appointments/{appointment_id}/book"): APPOINTMENT,
    ("POST", "/appointments/{appointment_id}/move"): APPOINTMENT,
    ("POST", "/appointments/{appointment_id}/offer-again"): APPOINTMENT,
    ("POST", "/appointments/{appointment_id}/cancel"): APPOINTMENT,
    ("POST", "/appointments/{appointment_id}/outcome"): APPOINTMENT,
    # Leave and hand-over.
    ("GET", "/handovers"): HANDOVER,
    ("POST", "/handovers"): HANDOVER,
    ("GET", "/handovers/{handover_id}"): HANDOVER,
    ("PUT", "/handovers/{handover_id}/items"): HANDOVER,
    ("POST", "/handovers/{handover_id}/offer"): HANDOVER,
    ("POST", "/handovers/{handover_id}/cancel"): HANDOVER,
    ("POST", "/handovers/{handover_id}/return"): HANDOVER,
    ("POST", "/handovers/{handover_id}/accept"): HANDOVER,
    ("POST", "/handovers/{handover_id}/refuse"): HANDOVER,
    ("POST", "/handovers/{handover_id}/place"): Rule(instructor=UNIT),
    ("GET", "/handovers/{handover_id}/briefs"): HANDOVER,
    ("GET", "/handovers/{handover_id}/digest"): HANDOVER,
    # Canned replies.
    ("GET", "/canned-replies"): CANNED,
    ("POST", "/canned-replies"): CANNED,
    ("PUT", "/canned-replies/{reply_id}"): CANNED,
    ("POST", "/canned-replies/{reply_id}/retire"): CANNED,
    ("POST", "/canned-replies/{reply_id}/uses"): CANNED,
    ("GET", "/canned-replies/{reply_id}/versions"): CANNED,
    ("POST", "/inquiries/{inquiry_id}/take-over"): SUPERVISE_INQUIRY,
    ("POST", "/inquiries/{inquiry_id}/reassign"): SUPERVISE_INQUIRY,
    ("POST", "/inquiries/{inquiry_id}/comments"): SUPERVISE_INQUIRY,
    ("POST", "/inquiries/{inquiry_id}/nudge"): SUPERVISE_INQUIRY,
    # Contested breaches.
    ("POST", "/inquiries/{inquiry_id}/contests"): CONTEST,
    ("GET", "/breaches"): OFFICER,
    ("GET", "/contests"): OFFICER,
    ("GET", "/contests/to-decide"): DECIDE,
    ("GET", "/contests/{contest_id}"): CONTEST,
    ("POST", "/contests/{contest_id}/decision"): DECIDE,
    # Ratings and consents.
    ("GET", "/my/ratings"): PARTY,
    ("POST", "/my/ratings/{rating_id}"): PARTY,
    ("POST", "/my/ratings/{rating_id}/comment"): PARTY,
    ("PUT", "/my/rating-wish"): PARTY,
    ("GET", "/rating-links/{token}"): PUBLIC,
    ("POST", "/rating-links/{token}"): PUBLIC,
    ("GET", "/my/subscriptions"): CITIZEN,
    ("POST", "/my/subscriptions"): CITIZEN,
    # Calls that are owed.
    ("GET", "/visits"): VISIT,
    ("GET", "/visits/{visit_id}"): VISIT,
    ("POST", "/visits/{visit_id}/dial"): VISIT,
    ("POST", "/visits/{visit_id}/calls"): VISIT,
    ("POST", "/visits/{visit_id}/reassign"): SUPERVISE,
    ("POST", "/visits/{visit_id}/close"): VISIT,
    ("POST", "/visits/{visit_id}/settle"): VISIT,
    # Figures.
    ("GET", "/reports/units/{unit_id}"): REPORT,
    ("GET", "/reports/units/{unit_id}/dashboard"): REPORT,
    ("GET", "/reports/units/{unit_id}/{figure}"): REPORT,
    ("GET", "/reports/units/{unit_id}/{figure}/export"): REPORT,
    ("GET", "/metric-definitions"): OFFICER,
    ("GET", "/inquiries/{inquiry_id}/events"): HISTORY,
    ("GET", "/cases/{case_id}/events"): CASE_READ,
    ("GET", "/reports/own"): OFFICER,
    ("GET", "/reports/units/{unit_id}/changes"): REPORT,
    ("GET", "/reports/units/{unit_id}/months"): REPORT,
    ("GET", "/reports/units/{unit_id}/months/{month}/restatements"): REPORT,
    ("GET", "/reports/units/{unit_id}/months/{month}/document"): REPORT,
    ("GET", "/reports/digest"): REPORT,
    ("POST", "/reports/exports"): REPORT,
    ("GET", "/reports/exports"): REPORT,
    ("GET", "/reports/exports/{export_id}"): TAKEN_OUT,
    ("GET", "/reports/exports/{export_id}/file"): TAKEN_OUT,
    # The organisation.
    ("GET", "/units"): OFFICER,
    ("POST", "/units"): SYSTEM,
    ("GET", "/officers"): OFFICER,
    ("POST", "/officers"): SYSTEM,
    ("POST", "/officers/{officer_id}/active"): SYSTEM,
    ("POST", "/officers/{officer_id}/second-factor/reset"): SECURITY,
    ("GET", "/officers/{officer_id}/roles"): SECURITY,
    ("POST", "/officers/{officer_id}/roles"): SECURITY,
    ("PUT", "/units/{unit_id}"): SYSTEM,
    ("POST", "/units/{unit_id}/close"): SYSTEM,
    ("PUT", "/officers/{officer_id}"): SYSTEM,
    ("GET", "/officers/{officer_id}/open-cases"): SYSTEM,
    ("POST", "/officers/{officer_id}/move"): SYSTEM,
    ("POST", "/officers/import"): SYSTEM,
    ("GET", "/second-factors/missing"): SECURITY,
    ("POST", "/officers/{officer_id}/enrolment-code"): SECURITY,
    ("POST", "/officer-enrolments"): PUBLIC,
    ("GET", "/officers/{officer_id}/sessions"): SECURITY,
    ("DELETE", "/officers/{officer_id}/sessions/{session_id}"): SECURITY,
    ("POST", "/roles/{grant_id}/end"): SECURITY,
    ("GET", "/units/{unit_id}/roster"): ROSTER_READ,
    ("POST", "/units/{unit_id}/roster"): ROSTER_WRITE,
    ("DELETE", "/units/{unit_id}/roster/{shift_id}"): ROSTER_WRITE,
    ("POST", "/units/{unit_id}/roster/import"): ROSTER_WRITE,
    ("GET", "/units/{unit_id}/roster/template"): ROSTER_WRITE,
    ("GET", "/units/{unit_id}/roster/export"): ROSTER_READ,
    ("GET", "/holidays"): OFFICER,
    ("PUT", "/holidays/{day}"): CALENDAR,
    ("DELETE", "/holidays/{day}"): CALENDAR,
    # Changes by two persons, promises, duty calendars.
    ("GET", "/changes"): CHANGE,
    ("GET", "/changes/{change_id}"): CHANGE,
    ("POST", "/changes/{change_id}/approve"): CHANGE,
    ("POST", "/changes/{change_id}/refuse"): CHANGE,
    ("POST", "/changes/{change_id}/withdraw"): CHANGE,
    ("GET", "/promise-policies"): OFFICER,
    ("POST", "/promise-policies/preview"): SYSTEM,
    ("POST", "/promise-policies/proposals"): SYSTEM,
    ("GET", "/duty-calendars"): OFFICER,
    ("GET", "/duty-calendars/{code}/versions"): OFFICER,
    ("PUT", "/duty-calendars/{code}"): SYSTEM,
    ("POST", "/units/{unit_id}/duty-calendar"): SYSTEM,
    ("GET", "/rating-rules"): OFFICER,
    ("POST", "/rating-rules/proposals"): SYSTEM,
    ("GET", "/message-templates"): SYSTEM,
    ("POST", "/message-templates"): SYSTEM,
    ("GET", "/message-templates/comparison"): SYSTEM,
    ("POST", "/message-templates/trials"): SYSTEM,
    ("GET", "/message-templates/{notice}/{channel}/versions"): SYSTEM,
    ("PUT", "/message-templates/{template_id}"): SYSTEM,
    ("POST", "/message-templates/{template_id}/submit"): SYSTEM,
    ("POST", "/message-templates/{template_id}/approved"): SYSTEM,
    ("POST", "/message-templates/{template_id}/rejected"): SYSTEM,
    ("POST", "/message-templates/{template_id}/activate"): SYSTEM,
    ("POST", "/message-templates/{template_id}/give-up"): SYSTEM,
    ("GET", "/keys"): SECURITY,
    ("POST", "/keys/rotations/proposals"): SECURITY,
    # Looking after those who look.
    ("GET", "/inspection/cases"): INSPECTION,
    ("GET", "/inspection/cases/{case_id}/reads"): INSPECTION,
    ("GET", "/inspection/officers/{officer_id}/reads"): INSPECTION,
    ("POST", "/inspection/persons/search"): INSPECTION,
    ("GET", "/inspection/persons/{person_id}/reads"): INSPECTION,
    ("POST", "/inspection/proofs"): INSPECTION,
    ("GET", "/inspection/units/{unit_id}/unrelated-reads"): INSPECTION,
    # Tables.
    ("GET", "/imports/cases/template"): Rule(steward=ALL, instructor=ALL),
    ("POST", "/imports/cases"): REGISTER,
    ("GET", "/imports"): IMPORT,
    ("GET", "/imports/{import_id}"): IMPORT,
    ("GET", "/imports/{import_id}/report"): IMPORT,
    ("POST", "/imports/{import_id}/commit"): IMPORT,
    # Other systems.
    ("POST", "/exchange/upserts"): EXCHANGE,
    ("GET", "/exchange/clients"): SYSTEM,
    ("POST", "/exchange/clients"): SYSTEM,
    ("POST", "/exchange/clients/{client_id}/revoke"): SYSTEM,
    ("GET", "/audit/head"): AUDIT,
    ("POST", "/audit/verification"): AUDIT,
    ("POST", "/audit/verifications"): AUDIT,
    ("GET", "/audit/verifications"): AUDIT,
    ("GET", "/audit/verifications/{verification_id}"): AUDIT,
}


def rule_of(method: str, path: str) -> Rule:
    """The row of a route, by its path below `/api/v1`. Raises LookupError: no row, no entry."""
    try:
        return TABLE["GET" if method == "HEAD" else method, path]
    except KeyError:
        raise LookupError(f"{method} {path} is missing in api.access.TABLE") from None


def check_access(method: str, path: str, actor: Actor | None) -> None:
    """Raises NotLoggedIn or NotAllowed for whom the table keeps out."""
    if rule_of(method, path).admits(actor):
        return
    if actor is None:
        raise NotLoggedIn
    raise NotAllowed("role", "您的身份不能进行这项操作", "如有需要，请联系管理员。")


def check_listed(router: APIRouter) -> None:
    """Raises LookupError for a route without a row."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            for method in route.methods or ():
                rule_of(method, route.path)
