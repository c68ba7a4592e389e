"""Templates to start from: what an installation applies for at the platforms, and what demo and tests use as it is.

In production the platforms give their own ids and, for the mini-program's public library, their own field keys; an
administrator enters those as a new version. Several notices share a template, so that one consent serves them all.
"""

from __future__ import annotations

from delivery.models import Channel, RecipientKind, TemplateState
from delivery.notice import Notice
from delivery.registry import REGISTRY
from delivery.templates import SAFE_PRETEXT, Definition, Parameter, Seed, TemplateField

UNIT = Parameter(value="unit", limit=12)
WORD = Parameter(value="check_word", limit=8)
WHEN = Parameter(value="short_when", limit=12)
CODE = Parameter(value="token", limit=32)
GENUINE = "验证词“{{{word}}}”与回执一致才是真短信，民警不会要求转账。"

_FIELDS = (
    TemplateField(key="thing1", label="事项", value="matter"),
    TemplateField(key="thing2", label="办理单位", value="unit"),
    TemplateField(key="time3", label="时间", value="when"),
    TemplateField(key="thing4", label="温馨提示", value="hint"),
    TemplateField(key="character_string5", label="编号", value="reference"),
)

_SHARED: dict[str, tuple[str, frozenset[Notice]]] = {
    "progress": (
        "办理进度通知",
        frozenset(
            {
                Notice.JOINED_WELCOME,
                Notice.ENROLMENT_PENDING,
                Notice.UPDATE_POSTED,
                Notice.UPDATE_WITHDRAWN,
                Notice.MATERIAL_RECEIVED,
                Notice.MATERIAL_REJECTED,
                Notice.HANDLER_CHANGED,
            }
        ),
    ),
    "visit": (
        "预约到访提醒",
        frozenset(
            {
                Notice.APPOINTMENT_OFFERED,
                Notice.APPOINTMENT_BOOKED,
                Notice.APPOINTMENT_REMINDER,
                Notice.APPOINTMENT_MOVED,
                Notice.APPOINTMENT_COLLEAGUE,
                Notice.APPOINTMENT_CANCELLED,
            }
        ),
    ),
    "reply": (
        "咨询回复通知",
        frozenset(
            {
                Notice.INQUIRY_RECEIVED,
                Notice.INQUIRY_ANSWERED,
                Notice.INQUIRY_CLARIFICATION,
                Notice.INQUIRY_BREACHED,
                Notice.CALL_BACK_PROMISED,
            }
        ),
    ),
    "rating": ("服务评价提醒", frozenset({Notice.RATING_REQUEST, Notice.VISIT_ANNOUNCED})),
    "duty": ("待办提醒", frozenset(n for n, e in REGISTRY.items() if e.to is RecipientKind.OFFICER)),
}
"""Short id: title, and the notices that it serves."""


def _sms(text: str, *parameters: Parameter) -> Definition:
    return Definition(title="案件服务", text=text, parameters=parameters)


def _genuine(number: int) -> str:
    return GENUINE.format(word=number)


def _sms_texts(site: str) -> dict[Notice, Definition]:
    """By notice. A link's fixed part is the template's, as the reviewers of templates want it."""
    invitation = f"您在{{1}}的事项已登记。看进展、提问题、等回复，请打开 {site}/p/i/{{2}} ,{{3}}前有效。{_genuine(4)}"
    until = Parameter(value="until", limit=8)
    officer = "{1}有一件待办：{2}，时间{3}。请登录工作台处理。"
    matter = Parameter(value="matter", limit=12)
    texts = {
        Notice.INVITATION: _sms(invitation, UNIT, CODE, until, WORD),
        Notice.INVITATION_REMINDER: _sms(f"提醒您：{invitation}", UNIT, CODE, until, WORD),
        Notice.ENROLMENT_PENDING: _sms(f"{{1}}正在核实您的身份，核实后会通知您。{_genuine(2)}", UNIT, WORD),
        Notice.UPDATE_POSTED: _sms(
            f"您的事项有新的办理进展，请在微信“案管家”查看，也可拨打{{1}}值班电话询问。{_genuine(2)}", UNIT, WORD
        ),
        Notice.INQUIRY_RECEIVED: _sms(f"您的问题已收到，{{1}}最晚{{2}}答复您。{_genuine(3)}", UNIT, WHEN, WORD),
        Notice.INQUIRY_ANSWERED: _sms(
            f"您的提问{{1}}已经答复，请在微信“案管家”查看，也可拨打值班电话听取。{_genuine(2)}", UNIT, WORD
        ),
        Notice.INQUIRY_CLARIFICATION: _sms(
            f"您的提问{{1}}想再问问您，请在微信“案管家”查看并回复，也可拨打值班电话。{_genuine(2)}", UNIT, WORD
        ),
        Notice.INQUIRY_BREACHED: _sms(
            f"很抱歉，您的提问没有按时答复。现由{{1}}的{{2}}负责，最晚{{3}}答复您。{_genuine(4)}",
            UNIT,
            Parameter(value="now_with", limit=12),
            WHEN,
            WORD,
        ),
        Notice.CALL_BACK_PROMISED: _sms(f"{{1}}最晚{{2}}给您回电话，请保持电话畅通。{_genuine(3)}", UNIT, WHEN, WORD),
        Notice.RATING_REQUEST: _sms(
            f"请您评价{{1}}的服务：直接回复1满意，2基本满意，3不满意。{{2}}前有效。{_genuine(3)}", UNIT, until, WORD
        ),
        Notice.MATERIAL_RECEIVED: _sms(f"您的材料{{1}}已收到，请保留原件。{_genuine(2)}", UNIT, WORD),
        Notice.MATERIAL_REJECTED: _sms(
            f"您的材料{{1}}没有收成，请在微信“案管家”重新发送，或带到派出所。{_genuine(2)}", UNIT, WORD
        ),
        Notice.VISIT_ANNOUNCED: _sms(
            f"谢谢您的评价。{{1}}最晚{{2}}会有另一位民警给您打电话了解情况。{_genuine(3)}", UNIT, WHEN, WORD
        ),
    } | {
        notice: _sms(officer, UNIT, matter, WHEN)
        for notice, entry in REGISTRY.items()
        if entry.to is RecipientKind.OFFICER
    }
    return texts | _sms_about_visits()


def _sms_about_visits() -> dict[Notice, Definition]:
    """Of appointments and hand-overs. A time is picked by its number, because anybody can answer an SMS."""
    times = tuple(Parameter(value=value, limit=12) for value in ("first", "second", "third"))
    one, other = Parameter(value="one", limit=12), Parameter(value="other", limit=12)
    was, place = Parameter(value="was", limit=12), Parameter(value="place", limit=12)
    return {
        Notice.HANDLER_CHANGED: _sms(
            f"{{1}}现由其他民警办理您的事项，办理不受影响，有问题可拨打值班电话。{_genuine(2)}", UNIT, WORD
        ),
        Notice.APPOINTMENT_OFFERED: _sms(
            "{1}请您来所办事，请回复数字选时间：1为{2},2为{3},3为{4}；都不合适请回复0。" + _genuine(5),
            UNIT,
            *times,
            WORD,
        ),
        Notice.APPOINTMENT_BOOKED: _sms(
            f"已约好：{{1}}到{{2}}办事，地点{{3}}。来不了请提前打值班电话。{_genuine(4)}", WHEN, UNIT, place, WORD
        ),
        Notice.APPOINTMENT_REMINDER: _sms(
            f"提醒您：{{1}}到{{2}}办事，地点{{3}}。来不了请提前打值班电话。{_genuine(4)}", WHEN, UNIT, place, WORD
        ),
        Notice.APPOINTMENT_MOVED: _sms(
            "很抱歉，{1}民警有任务，请不要在这个时间来{2}。请回复数字另选：1为{3},2为{4},3为{5}；都不合适请回复0。"
            + _genuine(6),
            was,
            UNIT,
            *times,
            WORD,
        ),
        Notice.APPOINTMENT_COLLEAGUE: _sms(
            f"您{{1}}到{{2}}办事，改由其他民警接待，时间地点不变。{_genuine(3)}", WHEN, UNIT, WORD
        ),
        Notice.APPOINTMENT_CANCELLED: _sms(
            f"您{{1}}到{{2}}的安排取消了，请不要前来，民警会再联系您。{_genuine(3)}", WHEN, UNIT, WORD
        ),
        Notice.WHICH_QUESTION: _sms(
            f"您有两件事等您回复：{{1}}请回复11、12或13;{{2}}请回复21、22或23。{_genuine(3)}", one, other, WORD
        ),
    }


def starting_templates(public_url: str) -> list[Seed]:
    """Every template of the house, with the ids that demo and tests use. `public_url` stands in the SMS' links.

    The neutral SMS to protected persons is a DRAFT: whether it is neutral depends on the account's signature, which
    stands before every SMS.
    """
    seeds = []
    for short, (title, notices) in _SHARED.items():
        for notice in sorted(notices):
            # One-time consents are asked for at the citizen's taps; officers subscribe for long.
            term = "long_term" if short == "duty" else "one_time"
            definition = Definition(title=title, term=term, fields=_FIELDS)  # type: ignore[arg-type]  # one of the two.
            seeds.append(Seed(notice, Channel.MP_SUBSCRIBE, f"steward-mp-{short}", definition))
            seeds.append(Seed(notice, Channel.OA_TEMPLATE, f"steward-oa-{short}", definition))
    for number, (notice_, definition) in enumerate(_sms_texts(public_url.rstrip("/")).items(), start=1):
        seeds.append(Seed(notice_, Channel.SMS, f"20{number:05d}", definition))
    pretext = Parameter(value="pretext", limit=64)
    safe = _sms("您好，{1}，方便时请回电。", pretext)
    return [*seeds, Seed(SAFE_PRETEXT, Channel.SMS, "2000099", safe, TemplateState.DRAFT)]
