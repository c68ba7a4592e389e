"""Answers composed from the record: every sentence comes from a field, none is generated.

What a person may be told is asked of the disclosure table first; what it forbids is simply not in the answer, in the
same words for every case, so that nothing can be concluded from its absence.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from kit import clock
from stewardship.casework.cases.models import CaseKind
from stewardship.casework.cases.rules import stage_of
from stewardship.casework.disclosure.rules import Topic, topics_for

PERSON_OFFERED = "没有解决您的问题？回复“没有解决”，民警会直接答复您。"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the record says of one party's case, as far as an answer needs it."""

    reference: str
    kind: CaseKind | None
    stage: str
    roles: frozenset[str]
    awaited: str
    next_contact_on: date | None
    unit_name: str
    duty_phone: str
    steward_name: str | None
    last_update_at: datetime | None
    last_update_text: str | None


def day(value: date) -> str:
    """A date as people say it: 3月5日."""
    return f"{value.month}月{value.day}日"


def moment(value: datetime) -> str:
    """An instant on a Chinese wall clock: 今天 16:30, 明天 09:10, 3月5日 09:10."""
    at = clock.local(value)
    days = (at.date() - clock.today()).days
    name = {0: "今天", 1: "明天"}.get(days) or day(at.date())
    return f"{name} {at:%H:%M}"


def officer_title(name: str | None) -> str:
    """How a party hears of an officer: by surname, 王警官."""
    return f"{name[0]}警官" if name else "值班民警"


def handler_sentence(facts: Facts) -> str:
    """Who is responsible and how to reach them: the unit's desk phone, never an officer's own."""
    phone = f"，电话 {facts.duty_phone}" if facts.duty_phone else ""
    return f"负责：{facts.unit_name} {officer_title(facts.steward_name)}{phone}。"


def status_answer(facts: Facts) -> str:
    """Where the case stands, what is awaited, who is on it, when they are in touch next, and the last update."""
    topics = topics_for(facts.roles, facts.kind)
    lines = [f"【{facts.reference}】"]
    stage = stage_of(facts.kind, facts.stage)
    if Topic.STAGE in topics and stage is not None:
        lines.append(f"目前：{stage.now}{stage.following}")
    if Topic.AWAITED in topics and facts.awaited:
        lines.append(f"正在等待：{facts.awaited}。")
    if Topic.UPDATES in topics and facts.last_update_text and facts.last_update_at:
        lines.append(f"最近通报（{day(clock.local(facts.last_update_at).date())}）：{facts.last_update_text}")
    if Topic.UPDATES in topics and facts.next_contact_on:
        lines.append(f"民警最晚 {day(facts.next_contact_on)} 再和您联系。")
    lines += [handler_sentence(facts), PERSON_OFFERED]
    return "\n".join(lines)


def who_answer(facts: Facts) -> str:
    """Who is responsible and how to reach them."""
    return "\n".join([f"【{facts.reference}】", handler_sentence(facts), "需要民警打给您，请回复“请给我回电”。"])
