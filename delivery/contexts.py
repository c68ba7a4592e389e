"""What each notice is about: the facts that its wording may use.

A caller of the outbox builds one of these, so that a wrong or missing fact fails in the caller's test. They are stored
sealed. A field is only ever added with a default and removed a release after its last use, because messages of the
release before are still on their way. Messages carry the least: no offence, no person, no detail of the case.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from delivery.notice import Notice

MAX_ANSWER = 2000

_ONE_LINE = r"^[^\x00-\x1f\x7f\u2028\u2029]*$"
_SOME_WORDS = r"^[^\x00-\x1f\x7f\u2028\u2029]*[^\s\x00-\x1f\x7f\u2028\u2029][^\x00-\x1f\x7f\u2028\u2029]*$"
_TEXT = r"^[^\x00-\x08\x0b-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x08\x0b-\x1f\x7f]*$"

UnitName = Annotated[str, Field(min_length=1, max_length=40, pattern=_SOME_WORDS)]
"""A unit as people know it (合肥市公安局庐阳分局莲花派出所); wording shortens it by its parts."""
Reference = Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{1,20}$")]
"""The case's public reference, which tells nothing."""
CheckWord = Annotated[str, Field(max_length=8, pattern=_ONE_LINE)]
"""The receipt's check word, which every genuine SMS repeats; empty where no receipt was given."""
DeskPhone = Annotated[str, Field(pattern=r"^[0-9+() -]{0,17}$")]
"""A unit's telephone, or empty."""
Token = Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,32}$")]
Words = Annotated[str, Field(min_length=1, max_length=20, pattern=_SOME_WORDS)]
"""A few words of a fixed vocabulary, such as an office (值班领导); never a person's name."""
OptionalWords = Annotated[str, Field(max_length=20, pattern=_ONE_LINE)]
Line = Annotated[str, Field(max_length=120, pattern=_ONE_LINE)]
"""One line that an officer wrote, such as the papers to bring; may be empty."""
Text = Annotated[str, Field(min_length=1, max_length=MAX_ANSWER, pattern=_TEXT)]


class Context(BaseModel):
    """Facts of one message. Building one raises pydantic's ValidationError where a fact is missing or out of bounds."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    notice: ClassVar[Notice]


class CitizenContext(Context):
    """What every notice to a person concerned knows."""

    unit: UnitName
    reference: Reference
    check_word: CheckWord
    desk_phone: DeskPhone = ""


class Invitation(CitizenContext):
    """Come into the group of your case: by this single-use token, until this legal date."""

    notice = Notice.INVITATION
    token: Token
    until: date


class InvitationReminder(Invitation):
    """The same once more."""

    notice = Notice.INVITATION_REMINDER


class JoinedWelcome(CitizenContext):
    """You are in; how to ask."""

    notice = Notice.JOINED_WELCOME


class EnrolmentPending(CitizenContext):
    """Your number was taken down; an officer checks who you are before you are let in."""

    notice = Notice.ENROLMENT_PENDING


class UpdatePosted(CitizenContext):
    """There is news in your case; `next_contact_on` is when we are in touch next."""

    notice = Notice.UPDATE_POSTED
    posted_at: AwareDatetime
    next_contact_on: date | None = None


class UpdateWithdrawn(CitizenContext):
    """News that you have read was taken back; what holds follows."""

    notice = Notice.UPDATE_WITHDRAWN
    posted_at: AwareDatetime


class InquiryReceived(CitizenContext):
    """Your question arrived; an officer answers by `due_at`."""

    notice = Notice.INQUIRY_RECEIVED
    due_at: AwareDatetime


class InquiryAnswered(CitizenContext):
    """The answer to what you asked. Only the chat carries the text; elsewhere stands that there is one, and where."""

    notice = Notice.INQUIRY_ANSWERED
    asked_at: AwareDatetime
    answer: Text


class InquiryClarification(CitizenContext):
    """An officer asks back. Only the chat carries the question."""

    notice = Notice.INQUIRY_CLARIFICATION
    asked_at: AwareDatetime
    question: Text


class InquiryBreached(CitizenContext):
    """We missed our promise: who has your question now (an office, such as 教导员), and by when they answer."""

    notice = Notice.INQUIRY_BREACHED
    asked_at: AwareDatetime
    now_with: Words
    due_at: AwareDatetime


class CallBackPromised(CitizenContext):
    """An officer calls you by `due_at`."""

    notice = Notice.CALL_BACK_PROMISED
    due_at: AwareDatetime


class RatingRequest(CitizenContext):
    """How did it go? `about` in neutral words (接待服务, 办理服务); one tap, valid until the date."""

    notice = Notice.RATING_REQUEST
    token: Token
    about: Words = "办理服务"
    until: date


class MaterialReceived(CitizenContext):
    """Your file was kept under this receipt number."""

    notice = Notice.MATERIAL_RECEIVED
    receipt: Token


class MaterialRejected(CitizenContext):
    """Your file could not be kept; `why` in words such as 文件打不开."""

    notice = Notice.MATERIAL_REJECTED
    receipt: Token
    why: Words


class VisitAnnounced(CitizenContext):
    """Somebody else than the handler calls you by `due_at` to hear how it went."""

    notice = Notice.VISIT_ANNOUNCED
    due_at: AwareDatetime


class HandlerChanged(CitizenContext):
    """Somebody else of the unit looks after your case for the time being. One notice, however many of one's cases."""

    notice = Notice.HANDLER_CHANGED
    since: AwareDatetime


class AppointmentContext(CitizenContext):
    """What every notice about an appointment knows: which one, and what it is for in neutral words (办理手续)."""

    appointment: Token
    purpose: Words
    place: OptionalWords = ""
    """A room (一楼接待室); never what happens there."""


class AppointmentOffered(AppointmentContext):
    """Pick one of three times, by a tap or by its number."""

    notice = Notice.APPOINTMENT_OFFERED
    first: AwareDatetime
    second: AwareDatetime
    third: AwareDatetime
    bring: Line = ""


class AppointmentBooked(AppointmentContext):
    """It is settled: when, where, what to bring, what it costs."""

    notice = Notice.APPOINTMENT_BOOKED
    at: AwareDatetime
    bring: Line = ""
    fee: OptionalWords = ""


class AppointmentReminder(AppointmentBooked):
    """The same once more, the working day before and two hours before."""

    notice = Notice.APPOINTMENT_REMINDER


class AppointmentMoved(AppointmentOffered):
    """Do not come at `was_at`: the officer is away. Three other times."""

    notice = Notice.APPOINTMENT_MOVED
    was_at: AwareDatetime


class AppointmentColleague(AppointmentContext):
    """Another officer sees you; time and place stay."""

    notice = Notice.APPOINTMENT_COLLEAGUE
    at: AwareDatetime


class AppointmentCancelled(AppointmentContext):
    """Do not come at `at`: it does not take place."""

    notice = Notice.APPOINTMENT_CANCELLED
    at: AwareDatetime


class WhichQuestion(CitizenContext):
    """A bare digit may answer two questions of ours: which is meant? Answered by 11, 12, 13 or 21, 22, 23."""

    notice = Notice.WHICH_QUESTION
    asked_at: AwareDatetime
    one: Words
    other: Words


class OfficerContext(Context):
    """What every notice to an officer knows."""

    unit: UnitName
    reference: Reference


class EnrolmentToApprove(OfficerContext):
    """Somebody waits to be let into the group."""

    notice = Notice.ENROLMENT_TO_APPROVE


class InquiryWarning(OfficerContext):
    """So many percent of the time for an answer are gone."""

    notice = Notice.INQUIRY_WARNING
    due_at: AwareDatetime
    percent: Annotated[int, Field(ge=1, le=99)]


class InquiryEscalated(OfficerContext):
    """A question that others did not answer is yours now; `why` in words such as 民警休假."""

    notice = Notice.INQUIRY_ESCALATED
    due_at: AwareDatetime
    why: OptionalWords = ""


class InquiryOverdue(OfficerContext):
    """A question of your unit went unanswered beyond the promise."""

    notice = Notice.INQUIRY_OVERDUE
    asked_at: AwareDatetime


class SilenceReminder(OfficerContext):
    """The parties have heard nothing for so many days."""

    notice = Notice.SILENCE_REMINDER
    days: Annotated[int, Field(ge=1, le=999)]


class VisitAssigned(OfficerContext):
    """A call or return visit is yours, by `due_at`."""

    notice = Notice.VISIT_ASSIGNED
    due_at: AwareDatetime


class SafeNoticeDue(OfficerContext):
    """A protected person is to be told by the safe way before others hear."""

    notice = Notice.SAFE_NOTICE_DUE
    due_at: AwareDatetime


class ThreatReported(OfficerContext):
    """Somebody of a case writes that they are in danger. The only notice that rings off duty as well."""

    notice = Notice.THREAT_REPORTED
    reported_at: AwareDatetime


class AppointmentChanged(OfficerContext):
    """A party picked, moved or gave up a time; `what` in words such as 已选定时间."""

    notice = Notice.APPOINTMENT_CHANGED
    at: AwareDatetime
    what: Words


class HandoverOffered(OfficerContext):
    """So many cases of a colleague on leave are to be yours until they are back."""

    notice = Notice.HANDOVER_OFFERED
    count: Annotated[int, Field(ge=1, le=9999)]
    back_at: AwareDatetime


class HandoverRefused(HandoverOffered):
    """So many cases of an officer on leave found nobody, and are with their instructor."""

    notice = Notice.HANDOVER_REFUSED


class HandoverReturned(OfficerContext):
    """You are back: so many cases are yours again; what happened meanwhile is in the digest."""

    notice = Notice.HANDOVER_RETURNED
    count: Annotated[int, Field(ge=0, le=9999)]


class InquiryNudged(OfficerContext):
    """The instructor asks for an answer to a question that is yours."""

    notice = Notice.INQUIRY_NUDGED
    due_at: AwareDatetime


class InquiryCommented(OfficerContext):
    """An instructor wrote a note on a question that is yours; the note stays behind login."""

    notice = Notice.INQUIRY_COMMENTED


class ContestToDecide(OfficerContext):
    """A missed promise is contested; you decide by `due_at`, or whoever should have did not."""

    notice = Notice.CONTEST_TO_DECIDE
    due_at: AwareDatetime
    late: bool = False


class ContestDecided(OfficerContext):
    """The missed promise that you contested was judged."""

    notice = Notice.CONTEST_DECIDED
    accepted: bool


Number = Annotated[int, Field(ge=0, le=9_999_999)]


class DailyDigest(OfficerContext):
    """What an instructor begins the day with: numbers only. Where others name a case, `reference` is the day."""

    notice = Notice.DAILY_DIGEST
    overdue: Number
    due_today: Number
    silent: Number
    answered: Number
    rated: Number
    dissatisfied: Number


def _all(kind: type[Context]) -> list[type[Context]]:
    return [kind, *(found for child in kind.__subclasses__() for found in _all(child))]


CONTEXTS: dict[Notice, type[Context]] = {kind.notice: kind for kind in _all(Context) if "notice" in vars(kind)}
"""The context of each notice."""
