"""What the notices say, in words that a 70-year-old understands; the one catalogue of delivery.

A notice names neither offence nor person: the case is its public reference and its unit, details stay behind login.
Each value has ways to say it from full to short, so that a field's limit is met by wording. The five values that every
notice has (`matter`, `unit`, `when`, `hint`, `reference`) fill the templates; the others are for SMS.
"""

from __future__ import annotations

from delivery import contexts as c
from delivery import visit_wording
from delivery.notice import Notice
from delivery.phrases import (
    CHECK,
    RATINGS,
    SAYERS,
    Said,
    call_line,
    chat_text,
    day,
    moment,
    officer_said,
    says,
    values_of,
)
from kit import clock

__all__ = ["say", "visit_wording"]


def say(context: c.Context) -> Said:
    """The words for a message."""
    return SAYERS[context.notice](context)


# To persons concerned


@says(c.Invitation)
def _invitation(context: c.Invitation) -> Said:
    hint = ("点开查进展、提问题、等回复", CHECK)
    values = values_of(
        context, ("请加入案件服务", "请您加入"), context.until, hint, token=[context.token], until=[day(context.until)]
    )
    return Said(values, [])


SAYERS[Notice.INVITATION_REMINDER] = _invitation


@says(c.JoinedWelcome)
def _joined(context: c.JoinedWelcome) -> Said:
    values = values_of(context, ("您已加入案件服务", "加入成功"), clock.now(), ("有问题直接发消息，民警会答复", CHECK))
    chat = chat_text(
        context,
        f"您已加入，{context.unit}会把办理进展告诉您。",
        "有问题直接打字或发语音，民警会答复您。回复“询问进展”看到了哪一步。",
        call_line(context),
    )
    return Said(values, [chat])


@says(c.EnrolmentPending)
def _pending(context: c.EnrolmentPending) -> Said:
    values = values_of(context, ("正在核实您的身份", "等待核实"), clock.now(), ("核实后通知您，请稍候", "请稍候"))
    chat = chat_text(context, "手机号已收到，民警核实您的身份后会通知您，一般不超过 1 个工作日。", call_line(context))
    return Said(values, [chat])


@says(c.UpdatePosted)
def _update(context: c.UpdatePosted) -> Said:
    values = values_of(
        context, ("您的事项有新的办理进展", "有新进展"), context.posted_at, ("点开查看，有问题可以直接问", CHECK)
    )
    following = f"下次联系您：{day(context.next_contact_on)}前。" if context.next_contact_on else ""
    chat = chat_text(
        context,
        f"{context.unit}有新的办理进展告诉您。",
        "回复“询问进展”马上就能看到，也可以打开小程序“案管家”。",
        following,
    )
    return Said(values, [chat])


@says(c.UpdateWithdrawn)
def _update_withdrawn(context: c.UpdateWithdrawn) -> Said:
    values = values_of(context, ("一条办理进展已撤回", "进展已撤回"), context.posted_at, ("请以后续通知为准", CHECK))
    chat = chat_text(
        context,
        f"{context.unit} {moment(context.posted_at)} 发的一条进展有误，已经撤回，请以后续通知为准。",
        call_line(context),
    )
    return Said(values, [chat])


@says(c.InquiryReceived)
def _received(context: c.InquiryReceived) -> Said:
    due = moment(context.due_at)
    values = values_of(
        context, ("您的问题已经收到", "问题已收到"), context.due_at, ("民警会在这个时间前答复您", "请稍候")
    )
    return Said(
        values,
        [chat_text(context, f"您的问题已经交给{context.unit}，最晚 {due} 答复您。", "有要补充的，直接发来就可以。")],
    )


@says(c.InquiryAnswered)
def _answered(context: c.InquiryAnswered) -> Said:
    values = values_of(context, ("您的提问有了答复", "有答复了"), context.asked_at, ("请点开查看答复全文", CHECK))
    head = f"您 {moment(context.asked_at)} 问的事，{context.unit}答复如下："
    whole = chat_text(context, head, context.answer, "没说清楚的，直接回复就可以。")
    long = chat_text(
        context,
        f"您 {moment(context.asked_at)} 问的事，{context.unit}已经答复。",
        "答复比较长，请打开小程序“案管家”看全文。没说清楚的，直接回复就可以。",
    )
    return Said(values, [whole, long])


@says(c.InquiryClarification)
def _asked_back(context: c.InquiryClarification) -> Said:
    values = values_of(
        context, ("民警想跟您再确认一下", "请您补充"), context.asked_at, ("请点开查看并回复", "请您回复")
    )
    head = f"您 {moment(context.asked_at)} 问的事，{context.unit}想再问问您："
    whole = chat_text(context, head, context.question, "请直接回复，打字、语音都可以。")
    long = chat_text(context, f"{context.unit}想再问问您。", "内容比较长，请打开小程序“案管家”查看并回复。")
    return Said(values, [whole, long])


@says(c.InquiryBreached)
def _breached(context: c.InquiryBreached) -> Said:
    due = moment(context.due_at)
    values = values_of(
        context,
        ("答复超时了，向您道歉", "答复超时"),
        context.due_at,
        [f"已转{context.now_with}，会在此时间前答复", "已转负责人，请稍候", "请稍候"],
        now_with=[context.now_with, "负责人"],
    )
    chat = chat_text(
        context,
        f"很抱歉，您 {moment(context.asked_at)} 问的事，我们没有按时答复。",
        f"现在由{context.unit}{context.now_with}负责，最晚 {due} 答复您。",
        call_line(context),
    )
    return Said(values, [chat])


@says(c.CallBackPromised)
def _call_back(context: c.CallBackPromised) -> Said:
    due = moment(context.due_at)
    values = values_of(context, ("民警会给您回电话", "等待回电"), context.due_at, ("请保持电话畅通", "请留意来电"))
    return Said(values, [chat_text(context, f"{context.unit}最晚 {due} 给您回电话，请保持电话畅通。")])


@says(c.RatingRequest)
def _rating(context: c.RatingRequest) -> Said:
    values = values_of(
        context,
        [f"请您评价{context.about}", "请您评价"],
        context.until,
        ("点开就能评价，只要一下", "请您评价"),
        until=[day(context.until)],
        token=[context.token],
    )
    text = chat_text(context, f"请您评价{context.unit}的{context.about}，点一下就可以（{day(context.until)}前有效）：")
    choices = [(f"rate:{context.token}:{number}", label) for number, label in enumerate(RATINGS, start=1)]
    return Said(values, [text], choices)


@says(c.MaterialReceived)
def _material(context: c.MaterialReceived) -> Said:
    values = values_of(
        context,
        ("您的材料已经收到", "材料已收到"),
        clock.now(),
        ("请保留原件", "请留好原件"),
        receipt=[context.receipt],
    )
    return Said(
        values, [chat_text(context, f"材料已收到（编号 {context.receipt}），会交给{context.unit}民警。请保留原件。")]
    )


@says(c.MaterialRejected)
def _material_rejected(context: c.MaterialRejected) -> Said:
    values = values_of(
        context,
        ("您的材料没有收成，请重发", "材料未收成"),
        clock.now(),
        [f"原因：{context.why}", "请重新发送"],
        receipt=[context.receipt],
        why=[context.why, "文件有问题"],
    )
    chat = chat_text(context, f"编号 {context.receipt} 的材料没有收成：{context.why}。", "请重新发一次，或带到派出所。")
    return Said(values, [chat])


@says(c.VisitAnnounced)
def _visit_announced(context: c.VisitAnnounced) -> Said:
    due = moment(context.due_at)
    values = values_of(
        context, ("会有民警给您打回访电话", "电话回访"), context.due_at, ("请保持电话畅通", "请留意来电")
    )
    chat = chat_text(context, f"谢谢您的评价。最晚 {due}，会有另一位民警给您打电话了解情况，请保持电话畅通。")
    return Said(values, [chat])


# To officers


@says(c.EnrolmentToApprove)
def _to_approve(context: c.EnrolmentToApprove) -> Said:
    return officer_said(
        context,
        ("有人等待入群核实", "等待核实"),
        clock.now(),
        ("请核实身份后处理", "请您处理"),
        "有人等待入群，请核实身份。",
    )


@says(c.InquiryWarning)
def _warning(context: c.InquiryWarning) -> Said:
    line = f"有提问待答复，时间已过 {context.percent}%，最晚 {moment(context.due_at)} 答复。"
    hint = [f"时间已过{context.percent}%，请尽快答复", "请尽快答复"]
    return officer_said(context, ("群众提问待答复", "提问待答复"), context.due_at, hint, line)


@says(c.InquiryEscalated)
def _escalated(context: c.InquiryEscalated) -> Said:
    why = f"({context.why})" if context.why.strip() else ""
    line = f"有提问转由您答复{why}，最晚 {moment(context.due_at)}。"
    return officer_said(
        context, ("群众提问转由您答复", "转您答复"), context.due_at, [f"原因：{context.why}", "请尽快答复"], line
    )


@says(c.InquiryOverdue)
def _overdue(context: c.InquiryOverdue) -> Said:
    line = f"{moment(context.asked_at)} 的提问超时未答，请督促。"
    return officer_said(context, ("群众提问超时未答", "超时未答"), context.asked_at, ("请督促答复", "请您督促"), line)


@says(c.SilenceReminder)
def _silence(context: c.SilenceReminder) -> Said:
    line = f"已有 {context.days} 天没有向当事人告知进展，请更新。"
    hint = [f"已{context.days}天未告知进展", "请更新进展"]
    return officer_said(context, ("请向当事人告知进展", "请更新进展"), clock.now(), hint, line)


@says(c.VisitAssigned)
def _visit_assigned(context: c.VisitAssigned) -> Said:
    line = f"有一个电话要打，请在 {moment(context.due_at)} 前完成。"
    return officer_said(context, ("有回访电话待您完成", "待您回访"), context.due_at, ("请按时完成", "请您处理"), line)


@says(c.SafeNoticeDue)
def _safe_notice(context: c.SafeNoticeDue) -> Said:
    line = f"有一位当事人需要用安全方式告知，请在 {moment(context.due_at)} 前完成。"
    hint = ("详情请在工作台查看", "请您处理")
    return officer_said(context, ("安全告知待您完成", "安全告知"), context.due_at, hint, line)


@says(c.InquiryNudged)
def _nudged(context: c.InquiryNudged) -> Said:
    line = f"教导员请您尽快答复群众提问，时限 {moment(context.due_at)}。"
    return officer_said(
        context, ("教导员请您尽快答复", "请尽快答复"), context.due_at, ("请尽快答复群众提问", "请您处理"), line
    )


@says(c.InquiryCommented)
def _commented(context: c.InquiryCommented) -> Said:
    line = "教导员对您负责的提问写了批注，请在工作台查看。"
    return officer_said(context, ("教导员有批注", "有批注"), clock.now(), ("请在工作台查看", "请您查看"), line)


@says(c.ContestToDecide)
def _contest(context: c.ContestToDecide) -> Said:
    due = moment(context.due_at)
    line = (
        f"有一件超时异议没有按期（{due}）审核，请您审核。" if context.late else f"有一件超时异议，请在 {due} 前审核。"
    )
    matter = ("超时异议逾期未审核", "超时异议待审核") if context.late else ("超时异议待审核",)
    return officer_said(context, matter, context.due_at, ("请在工作台审核", "请您处理"), line)


@says(c.ContestDecided)
def _contest_decided(context: c.ContestDecided) -> Said:
    outcome = "成立" if context.accepted else "不成立"
    line = f"您提出的超时异议已审核：{outcome}。理由请在工作台查看。"
    return officer_said(
        context,
        (f"超时异议审核结果：{outcome}", f"异议{outcome}"),
        clock.now(),
        ("理由请在工作台查看", "请您查看"),
        line,
    )


@says(c.DailyDigest)
def _digest(context: c.DailyDigest) -> Said:
    line = (
        f"今日提要：超时未答 {context.overdue} 件，今天到期 {context.due_today} 件，超期未联系 {context.silent} 件。\n"
        f"上一工作日以来：答复 {context.answered} 件，"
        f"收到评价 {context.rated} 份，其中不满意 {context.dissatisfied} 份。"
    )
    hint = (f"超时{context.overdue} 今天到期{context.due_today}", f"超时{context.overdue}件", "请在工作台查看")
    return officer_said(context, ("今日提要", "今日提要"), clock.now(), hint, line)
