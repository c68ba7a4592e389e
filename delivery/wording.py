"""What the notices say, in words that a 70-year-old understands; the one catalogue of delivery.

A notice names neither offence nor person: the case is its public reference and its unit, details stay behind login.
Each value has ways to say it from full to short, so that a field's limit is met by wording. The five values that every
notice has (`matter`, `unit`, `when`, `hint`, `reference`) fill the templates; the others are for SMS.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, TypeVar

from delivery import contexts as c
from delivery.contexts import Notice
from delivery.fields import Alternatives
from kit import clock

NO_UNIT = "办案单位"
NO_CHECK_WORD = "见回执"
CHECK = "查看进展"
RATINGS = ("满意", "基本满意", "不满意")
_LEVEL = re.compile(r"^.*?(?:公安厅|公安局|分局|支队|大队)")


@dataclass(slots=True)
class Said:
    """A notice in words. `chat`: what the chat with the official account says, from full to short."""

    values: Mapping[str, Alternatives] = field(repr=False)
    chat: Alternatives = field(repr=False)
    choices: Sequence[tuple[str, str]] = ()
    """Lines to tap below the chat's text: (id, label)."""


K = TypeVar("K", bound=c.Context)
_SAYERS: dict[Notice, Callable[[Any], Said]] = {}


def say(context: c.Context) -> Said:
    """The words for a message."""
    return _SAYERS[context.notice](context)


def _says(kind: type[K]) -> Callable[[Callable[[K], Said]], Callable[[K], Said]]:
    def register(function: Callable[[K], Said]) -> Callable[[K], Said]:
        _SAYERS[kind.notice] = function
        return function

    return register


# Parts


@lru_cache(maxsize=1024)
def unit_names(name: str) -> tuple[str, ...]:
    """合肥市公安局庐阳分局莲花派出所, 庐阳分局莲花派出所, 莲花派出所, 办案单位."""
    names = [name]
    while (shorter := _LEVEL.sub("", names[-1], count=1)) and shorter != names[-1]:
        names.append(shorter)
    return (*names, NO_UNIT)


def moment(at: datetime) -> str:
    """11月23日 14:30, on a Chinese wall clock."""
    return _at(at)[1]


def day(on: date) -> str:
    """11月23日."""
    return f"{on.month}月{on.day}日"


def _at(at: datetime) -> tuple[str, str, str, str]:
    return _minute(int(at.timestamp()) // 60)


# Many messages name the same minute: it is worded once.
@lru_cache(maxsize=1024)
def _minute(minutes: int) -> tuple[str, str, str, str]:
    """`minutes`: whole ones since 1970; a number is looked up sooner than a datetime."""
    local = clock.local(datetime.fromtimestamp(minutes * 60, UTC))
    time = f"{local.hour:02}:{local.minute:02}"
    return (
        f"{local.year}年{local.month}月{local.day}日 {time}",
        f"{local.month}月{local.day}日 {time}",
        f"{local.month}/{local.day} {time}",
        time,
    )


def _when(at: datetime) -> tuple[Alternatives, Alternatives]:
    """For a field of type time, date or thing, and for an SMS, there never without the day."""
    full, short, shortest, time = _at(at)
    return (full, short, time), (full, short, shortest)


def _until(on: date) -> tuple[Alternatives, Alternatives]:
    """The same for a legal date, which ends at midnight."""
    full = f"{on.year}年{on.month}月{on.day}日"
    return (full, f"{full} 23:59", day(on)), (full, day(on))


def _values(
    context: c.CitizenContext | c.OfficerContext,
    matter: Alternatives,
    when: datetime | date,
    hint: Alternatives,
    **more: Alternatives,
) -> dict[str, Alternatives]:
    long, short = _when(when) if isinstance(when, datetime) else _until(when)
    values: dict[str, Alternatives] = {
        "matter": matter,
        "unit": unit_names(context.unit),
        "when": long,
        "short_when": short,
        "hint": hint,
        "reference": (context.reference,),
        **more,
    }
    if isinstance(context, c.CitizenContext):
        values["check_word"] = (context.check_word, NO_CHECK_WORD)
    return values


def _call(context: c.CitizenContext) -> str:
    return f"着急可拨打 {context.desk_phone}。" if context.desk_phone.strip() else "着急可拨打受案回执上的电话。"


def _chat(context: c.CitizenContext | c.OfficerContext, *lines: str) -> str:
    return "\n".join([f"【{context.reference}】", *(line for line in lines if line)])


# To persons concerned


@_says(c.Invitation)
def _invitation(context: c.Invitation) -> Said:
    hint = ("点开查进展、提问题、等回复", CHECK)
    values = _values(
        context, ("请加入案件服务", "请您加入"), context.until, hint, token=[context.token], until=[day(context.until)]
    )
    return Said(values, [])


_SAYERS[Notice.INVITATION_REMINDER] = _invitation


@_says(c.JoinedWelcome)
def _joined(context: c.JoinedWelcome) -> Said:
    values = _values(context, ("您已加入案件服务", "加入成功"), clock.now(), ("有问题直接发消息,民警会答复", CHECK))
    chat = _chat(
        context,
        f"您已加入,{context.unit}会把办理进展告诉您。",
        "有问题直接打字或发语音,民警会答复您。回复“询问进展”看到了哪一步。",
        _call(context),
    )
    return Said(values, [chat])


@_says(c.EnrolmentPending)
def _pending(context: c.EnrolmentPending) -> Said:
    values = _values(context, ("正在核实您的身份", "等待核实"), clock.now(), ("核实后通知您,请稍候", "请稍候"))
    chat = _chat(context, "手机号已收到,民警核实您的身份后会通知您,一般不超过 1 个工作日。", _call(context))
    return Said(values, [chat])


@_says(c.UpdatePosted)
def _update(context: c.UpdatePosted) -> Said:
    values = _values(
        context, ("您的事项有新的办理进展", "有新进展"), context.posted_at, ("点开查看,有问题可以直接问", CHECK)
    )
    following = f"下次联系您:{day(context.next_contact_on)}前。" if context.next_contact_on else ""
    chat = _chat(
        context,
        f"{context.unit}有新的办理进展告诉您。",
        "回复“询问进展”马上就能看到,也可以打开小程序“案管家”。",
        following,
    )
    return Said(values, [chat])


@_says(c.InquiryReceived)
def _received(context: c.InquiryReceived) -> Said:
    due = moment(context.due_at)
    values = _values(
        context, ("您的问题已经收到", "问题已收到"), context.due_at, ("民警会在这个时间前答复您", "请稍候")
    )
    return Said(
        values, [_chat(context, f"您的问题已经交给{context.unit},最晚 {due} 答复您。", "有要补充的,直接发来就可以。")]
    )


@_says(c.InquiryAnswered)
def _answered(context: c.InquiryAnswered) -> Said:
    values = _values(context, ("您的提问有了答复", "有答复了"), context.asked_at, ("请点开查看答复全文", CHECK))
    head = f"您 {moment(context.asked_at)} 问的事,{context.unit}答复如下:"
    whole = _chat(context, head, context.answer, "没说清楚的,直接回复就可以。")
    long = _chat(
        context,
        f"您 {moment(context.asked_at)} 问的事,{context.unit}已经答复。",
        "答复比较长,请打开小程序“案管家”看全文。没说清楚的,直接回复就可以。",
    )
    return Said(values, [whole, long])


@_says(c.InquiryClarification)
def _asked_back(context: c.InquiryClarification) -> Said:
    values = _values(context, ("民警想跟您再确认一下", "请您补充"), context.asked_at, ("请点开查看并回复", "请您回复"))
    head = f"您 {moment(context.asked_at)} 问的事,{context.unit}想再问问您:"
    whole = _chat(context, head, context.question, "请直接回复,打字、语音都可以。")
    long = _chat(context, f"{context.unit}想再问问您。", "内容比较长,请打开小程序“案管家”查看并回复。")
    return Said(values, [whole, long])


@_says(c.InquiryBreached)
def _breached(context: c.InquiryBreached) -> Said:
    due = moment(context.due_at)
    values = _values(
        context,
        ("答复超时了,向您道歉", "答复超时"),
        context.due_at,
        [f"已转{context.now_with},会在此时间前答复", "已转负责人,请稍候", "请稍候"],
        now_with=[context.now_with, "负责人"],
    )
    chat = _chat(
        context,
        f"很抱歉,您 {moment(context.asked_at)} 问的事,我们没有按时答复。",
        f"现在由{context.unit}{context.now_with}负责,最晚 {due} 答复您。",
        _call(context),
    )
    return Said(values, [chat])


@_says(c.CallBackPromised)
def _call_back(context: c.CallBackPromised) -> Said:
    due = moment(context.due_at)
    values = _values(context, ("民警会给您回电话", "等待回电"), context.due_at, ("请保持电话畅通", "请留意来电"))
    return Said(values, [_chat(context, f"{context.unit}最晚 {due} 给您回电话,请保持电话畅通。")])


@_says(c.RatingRequest)
def _rating(context: c.RatingRequest) -> Said:
    values = _values(
        context,
        [f"请您评价{context.about}", "请您评价"],
        context.until,
        ("点开就能评价,只要一下", "请您评价"),
        until=[day(context.until)],
        token=[context.token],
    )
    text = _chat(context, f"请您评价{context.unit}的{context.about},点一下就可以({day(context.until)}前有效):")
    choices = [(f"rate:{context.token}:{number}", label) for number, label in enumerate(RATINGS, start=1)]
    return Said(values, [text], choices)


@_says(c.MaterialReceived)
def _material(context: c.MaterialReceived) -> Said:
    values = _values(
        context,
        ("您的材料已经收到", "材料已收到"),
        clock.now(),
        ("请保留原件", "请留好原件"),
        receipt=[context.receipt],
    )
    return Said(values, [_chat(context, f"材料已收到(编号 {context.receipt}),会交给{context.unit}民警。请保留原件。")])


@_says(c.MaterialRejected)
def _material_rejected(context: c.MaterialRejected) -> Said:
    values = _values(
        context,
        ("您的材料没有收成,请重发", "材料未收成"),
        clock.now(),
        [f"原因:{context.why}", "请重新发送"],
        receipt=[context.receipt],
        why=[context.why, "文件有问题"],
    )
    chat = _chat(context, f"编号 {context.receipt} 的材料没有收成:{context.why}。", "请重新发一次,或带到派出所。")
    return Said(values, [chat])


@_says(c.VisitAnnounced)
def _visit_announced(context: c.VisitAnnounced) -> Said:
    due = moment(context.due_at)
    values = _values(context, ("会有民警给您打回访电话", "电话回访"), context.due_at, ("请保持电话畅通", "请留意来电"))
    chat = _chat(context, f"谢谢您的评价。最晚 {due},会有另一位民警给您打电话了解情况,请保持电话畅通。")
    return Said(values, [chat])


# To officers


def _to_officer(context: c.OfficerContext, matter: Alternatives, when: datetime, hint: Alternatives, line: str) -> Said:
    return Said(_values(context, matter, when, hint), [_chat(context, line, context.unit)])


@_says(c.EnrolmentToApprove)
def _to_approve(context: c.EnrolmentToApprove) -> Said:
    return _to_officer(
        context,
        ("有人等待入群核实", "等待核实"),
        clock.now(),
        ("请核实身份后处理", "请您处理"),
        "有人等待入群,请核实身份。",
    )


@_says(c.InquiryWarning)
def _warning(context: c.InquiryWarning) -> Said:
    line = f"有提问待答复,时间已过 {context.percent}%,最晚 {moment(context.due_at)} 答复。"
    hint = [f"时间已过{context.percent}%,请尽快答复", "请尽快答复"]
    return _to_officer(context, ("群众提问待答复", "提问待答复"), context.due_at, hint, line)


@_says(c.InquiryEscalated)
def _escalated(context: c.InquiryEscalated) -> Said:
    why = f"({context.why})" if context.why.strip() else ""
    line = f"有提问转由您答复{why},最晚 {moment(context.due_at)}。"
    return _to_officer(
        context, ("群众提问转由您答复", "转您答复"), context.due_at, [f"原因:{context.why}", "请尽快答复"], line
    )


@_says(c.InquiryOverdue)
def _overdue(context: c.InquiryOverdue) -> Said:
    line = f"{moment(context.asked_at)} 的提问超时未答,请督促。"
    return _to_officer(context, ("群众提问超时未答", "超时未答"), context.asked_at, ("请督促答复", "请您督促"), line)


@_says(c.SilenceReminder)
def _silence(context: c.SilenceReminder) -> Said:
    line = f"已有 {context.days} 天没有向当事人告知进展,请更新。"
    hint = [f"已{context.days}天未告知进展", "请更新进展"]
    return _to_officer(context, ("请向当事人告知进展", "请更新进展"), clock.now(), hint, line)


@_says(c.VisitAssigned)
def _visit_assigned(context: c.VisitAssigned) -> Said:
    line = f"有一个电话要打,请在 {moment(context.due_at)} 前完成。"
    return _to_officer(context, ("有回访电话待您完成", "待您回访"), context.due_at, ("请按时完成", "请您处理"), line)


@_says(c.SafeNoticeDue)
def _safe_notice(context: c.SafeNoticeDue) -> Said:
    line = f"有一位当事人需要用安全方式告知,请在 {moment(context.due_at)} 前完成。"
    hint = ("详情请在工作台查看", "请您处理")
    return _to_officer(context, ("安全告知待您完成", "安全告知"), context.due_at, hint, line)
