"""What notices of appointments, hand-overs and threats say; the rest of the catalogue is `delivery.wording`."""

from __future__ import annotations

from datetime import datetime

from delivery import contexts as c
from delivery.fields import Alternatives
from delivery.phrases import Said, call_line, chat_text, moment, officer_said, says, values_of, ways_of
from kit import clock


@says(c.HandlerChanged)
def _handler_changed(context: c.HandlerChanged) -> Said:
    values = values_of(
        context, ["接待您的民警有变动", "民警变动"], context.since, ["有问题照常发消息或打电话", "照常联系即可"]
    )
    chat = chat_text(
        context,
        f"{context.unit}现由其他民警办理您的事项，办理不受影响。",
        "有问题照常在这里发消息。",
        call_line(context),
    )
    return Said(values, [chat])


def _number(at: datetime) -> Alternatives:
    return ways_of(at)[:3]


def _line(label: str, words: str) -> str:
    return f"{label}:{words.strip()}" if words.strip() else ""


def _three(context: c.AppointmentOffered) -> tuple[dict[str, Alternatives], list[tuple[str, str]], str]:
    """The three times: as values of an SMS, as lines to tap, and as lines to read."""
    times = (context.first, context.second, context.third)
    values = {name: _number(at) for name, at in zip(("first", "second", "third"), times, strict=True)}
    labels = [(f"book:{context.appointment}:{number}", moment(at)) for number, at in enumerate(times, start=1)]
    choices = [*labels, (f"book:{context.appointment}:0", "都不合适")]
    return values, choices, "点选或直接回复数字；都不合适回复 0，民警会和您另约。"


@says(c.AppointmentOffered)
def _offered(context: c.AppointmentOffered) -> Said:
    times, choices, how = _three(context)
    values = values_of(
        context, ["请选一个来所的时间", "请选时间"], context.first, ["点开选一个时间", "请您选择"], **times
    )
    chat = chat_text(
        context,
        f"{context.unit}请您来所{context.purpose}，请选一个时间：",
        _line("地点", context.place),
        _line("请带", context.bring),
        how,
    )
    return Said(values, [chat], choices)


def _booked_said(context: c.AppointmentBooked, matter: Alternatives, head: str) -> Said:
    hint = [f"地点：{context.place}" if context.place.strip() else "点开查看要带的材料", "请准时到达"]
    values = values_of(context, matter, context.at, hint, place=[context.place.strip() or "值班室", "值班室"])
    chat = chat_text(
        context,
        head,
        _line("地点", context.place),
        _line("请带", context.bring),
        _line("费用", context.fee),
        "来不了请提前告诉我们，可以改约。",
        call_line(context),
    )
    return Said(values, [chat])


@says(c.AppointmentBooked)
def _booked(context: c.AppointmentBooked) -> Said:
    head = f"约好了：{moment(context.at)}，到{context.unit}{context.purpose}。"
    return _booked_said(context, ["来所时间已约好", "已约好"], head)


@says(c.AppointmentReminder)
def _reminder(context: c.AppointmentReminder) -> Said:
    head = f"提醒您：{moment(context.at)}，到{context.unit}{context.purpose}。"
    return _booked_said(context, ["提醒您按时来所", "来所提醒"], head)


@says(c.AppointmentMoved)
def _moved(context: c.AppointmentMoved) -> Said:
    times, choices, how = _three(context)
    values = values_of(
        context,
        ["来所时间有变，请另选", "请另选时间"],
        context.was_at,
        ["这个时间请不要来，请另选", "请另选时间"],
        was=_number(context.was_at),
        **times,
    )
    chat = chat_text(
        context,
        f"很抱歉，{moment(context.was_at)} 民警有任务，请您不要在这个时间来。请另选一个时间：",
        how,
        call_line(context),
    )
    return Said(values, [chat], choices)


@says(c.AppointmentColleague)
def _colleague(context: c.AppointmentColleague) -> Said:
    values = values_of(context, ["改由其他民警接待您", "民警变动"], context.at, ["时间地点都不变", "时间不变"])
    chat = chat_text(context, f"{moment(context.at)} 改由其他民警接待您，时间和地点都不变。", call_line(context))
    return Said(values, [chat])


@says(c.AppointmentCancelled)
def _cancelled(context: c.AppointmentCancelled) -> Said:
    values = values_of(
        context, ["来所安排已取消", "安排已取消"], context.at, ["请不要前来，民警会再联系您", "请勿前来"]
    )
    chat = chat_text(
        context,
        f"{moment(context.at)} 的来所安排取消了，请您不要前来。",
        "需要再约的，民警会联系您。",
        call_line(context),
    )
    return Said(values, [chat])


@says(c.WhichQuestion)
def _which(context: c.WhichQuestion) -> Said:
    values = values_of(
        context,
        ["请说明回复的是哪件事", "请您补充"],
        context.asked_at,
        ["请按短信里的数字回复", "请您回复"],
        one=[context.one, "第一件"],
        other=[context.other, "第二件"],
    )
    return Said(values, [])


# To officers


@says(c.ThreatReported)
def _threat(context: c.ThreatReported) -> Said:
    line = f"{moment(context.reported_at)} 有当事人说自己正有危险，已请其拨打110，请马上查看。"
    return officer_said(
        context, ["当事人称有危险", "有人称有危险"], context.reported_at, ["请马上查看并联系", "请马上查看"], line
    )


@says(c.AppointmentChanged)
def _appointment_changed(context: c.AppointmentChanged) -> Said:
    line = f"{moment(context.at)} 的来所安排：{context.what}。"
    return officer_said(context, ["来所安排有变化", "安排有变化"], context.at, [context.what, "请查看"], line)


@says(c.HandoverOffered)
def _handover_offered(context: c.HandoverOffered) -> Said:
    line = f"有 {context.count} 件案件请您接手，到 {moment(context.back_at)}。请在工作台接收或退回。"
    hint = [f"共{context.count}件，请接收或退回", "请接收或退回"]
    return officer_said(context, ["有案件请您接手", "请您接手"], context.back_at, hint, line)


@says(c.HandoverRefused)
def _handover_refused(context: c.HandoverRefused) -> Said:
    line = f"有 {context.count} 件交接的案件没有人接手，现在由您负责，请另行安排。"
    hint = [f"共{context.count}件，请另行安排", "请另行安排"]
    return officer_said(context, ["交接案件待安排", "待安排"], context.back_at, hint, line)


@says(c.HandoverReturned)
def _handover_returned(context: c.HandoverReturned) -> Said:
    line = f"您的假期结束，{context.count} 件案件已经交还给您，期间发生了什么请看工作台。"
    hint = [f"共{context.count}件，请看期间情况", "请看期间情况"]
    return officer_said(context, ["案件已交还给您", "案件交还"], clock.now(), hint, line)
