"""An inquiry's event log in plain words, so that a figure can be explained to the person it concerns.

Two sources, by time: the log of the promise's clock, from which every duration follows, and the marks and events that
were carried out about it. Texts and names of parties are in neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tortoise.expressions import Q

from kit import clock as time
from kit import database
from kit.database import atomic
from stewardship.dialogue.contests.models import Contest, ContestState
from stewardship.dialogue.contests.rules import contestable_until
from stewardship.dialogue.contests.service import may_contest
from stewardship.dialogue.inquiries.common import SUBJECT, scope
from stewardship.dialogue.inquiries.models import Inquiry
from stewardship.foundation.actors import Actor
from stewardship.foundation.audit import service as audit
from stewardship.foundation.clocks import policies
from stewardship.foundation.clocks import service as clocks
from stewardship.foundation.clocks.log import Channel, Entry, Kind
from stewardship.foundation.clocks.models import Clock
from stewardship.foundation.clocks.rules import ClockState, Episode, Segment, TargetState
from stewardship.foundation.errors import NotFound
from stewardship.foundation.org.models import Role

READERS = (Role.INSTRUCTOR, Role.CENTRE_OFFICER)
CHANNELS = {Channel.MESSAGE: "书面", Channel.CALL: "电话", Channel.COUNTER: "当面"}
WORDS = {
    Kind.HANDED_OVER: "交由{owner}（{unit}）负责",
    Kind.ASKED: "当事人提问",
    Kind.RESPONDED: "{person}{channel}先行答复",
    Kind.CLARIFICATION_ASKED: "{person}{channel}反问当事人：算首次答复，不算完整答复",
    Kind.ANSWERED: "{person}{channel}答复",
    Kind.ANSWERED_FROM_RECORD: "系统按案件记录答复：不算民警答复",
    Kind.ACKNOWLEDGED: "系统告知已收到：不算答复",
    Kind.NOTED: "内部记录：不算答复",
    Kind.CLOSED: "{person}注明不需要答复",
    Kind.CHALLENGED: "当事人表示没有解决，按原来的提问时间继续计时",
    Kind.REOPENED: "重新打开，另行计时",
    Kind.MERGED_INTO: "并入同案的另一个问题",
    Kind.MERGED_FROM: "同案的另一个问题并入，按较早的提问时间计时",
    Kind.PAUSED: "完整答复暂停计时",
    Kind.RESUMED: "完整答复恢复计时",
    Kind.POLICY_CHANGED: "答复承诺有调整",
    Kind.CALENDAR_CHANGED: "值班日历有调整",
    Kind.OWNER_ABSENT: "负责人不在岗",
}
MARKS = {
    "breach": "超过{target}时限",
    "warning": "{target}时限已用 {percent}%，提醒负责人",
    "escalation:duty_officer": "{target}时限将到，通知值班民警",
    "escalation:instructor": "{target}已超时，通知教导员",
    "escalation:sub_bureau": "{target}仍未完成，通知上级单位",
}
TARGETS = {"first": "首次答复", "full": "完整答复"}
STATUSES = {"open": "等待答复", "paused": "等待当事人或外部", "provisional": "系统已答复"}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened; `officer_id` is who did it or got it, where somebody is named."""

    at: datetime
    kind: str
    words: str
    officer_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """Who had it in which status, from when until when (None: still), and how much duty time that was so far."""

    episode: int
    unit_id: UUID
    unit_name: str | None
    officer_id: UUID | None
    officer_name: str | None
    status: str
    start: datetime
    end: datetime | None
    duty_minutes: float


@dataclass(frozen=True, slots=True)
class Promise:
    """How one promise of an episode went; `kept` is empty while that is open.

    Of a missed one: until when this reader could or can contest it, and how a contest stands.
    """

    episode: int
    target: str
    name: str
    due_at: datetime | None
    met_at: datetime | None
    missed_at: datetime | None
    kept: bool | None
    duty_minutes: float | None
    contestable_until: datetime | None
    contestable: bool
    contest_state: ContestState | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """All of an inquiry's history that its figures follow from; `logged` is false where the log was deleted."""

    inquiry_id: UUID
    reference: str
    logged: bool
    lines: list[Line]
    stretches: list[Stretch]
    promises: list[Promise]


@atomic()
async def explain(actor: Actor, inquiry_id: UUID) -> Explanation:
    """What happened to an inquiry, oldest first; the read is recorded. Raises NotFound outside the officer's scope."""
    inquiry = await Inquiry.get_or_none(Q(id=inquiry_id) & (scope(actor) | Q(unit_id__in=list(actor.units(*READERS)))))
    if inquiry is None:
        raise NotFound("inquiry_not_found", "没有找到这个问题", "可能不在您的权限范围内。")
    relation = next((role.value for role in READERS if inquiry.unit_id in actor.units(role)), "colleague")
    await audit.record(
        "inquiry.read",
        actor,
        (SUBJECT, inquiry.id),
        case_id=inquiry.case_id,
        unit_id=inquiry.unit_id,
        relation="owner" if inquiry.owner_id == actor.id else relation,
    )
    reference = await database.fetchval("select reference from case_file where id = $1", inquiry.case_id)
    timer = await Clock.get_or_none(subject_kind=SUBJECT, subject_id=inquiry.id)
    entries = await clocks.entries_of(timer) if timer is not None else []
    if timer is None or not entries:
        return Explanation(inquiry.id, reference, False, await _events(inquiry), [], [])
    state = await clocks.state_of(timer, entries)
    names = await _names(entries)
    lines = [_line(entry, names) for entry in entries]
    lines += [*await _marks(timer), *await _events(inquiry)]
    return Explanation(
        inquiry.id,
        reference,
        True,
        sorted(lines, key=lambda line: line.at),
        [await _stretch(episode, segment, names) for episode in state.episodes for segment in episode.segments],
        await _promises(actor, inquiry.id, state),
    )


Names = dict[UUID, str]


async def _names(entries: list[Entry]) -> Names:
    people = {entry.person for entry in entries if entry.person}
    holders = {id_ for entry in entries if entry.binding for id_ in (entry.binding.owner, entry.binding.unit)}
    rows = await database.fetch(
        "select id, name from officer where id = any($1::uuid[]) union all"
        " select id, name from unit where id = any($1::uuid[])",
        list(people | holders),
    )
    return {row["id"]: row["name"] for row in rows}


def _line(entry: Entry, names: Names) -> Line:
    binding, person = entry.binding, entry.person
    owner = binding and (names.get(binding.owner) if binding.owner != binding.unit else "值班民警")
    words = WORDS[entry.kind].format(
        owner=owner or "民警",
        unit=(binding and names.get(binding.unit)) or "本单位",
        person=(person and names.get(person)) or "民警",
        channel=CHANNELS[entry.channel] if entry.channel else "",
    )
    since = entry.started_at
    if since is not None and since < entry.at:
        words += f"（从 {time.local(since):%m月%d日 %H:%M} 起计）"
    return Line(entry.at, entry.kind.value, words, person or (binding.owner if binding and owner else None))


async def _marks(timer: Clock) -> list[Line]:
    rows = await database.fetch(
        "select target, mark, due_at from clock_mark where clock_id = $1 order by due_at", timer.id
    )
    return [Line(row["due_at"], f"mark.{row['mark']}", _of_mark(row["target"], row["mark"])) for row in rows]


def _of_mark(target: str, mark: str) -> str:
    name, _, percent = mark.partition(":")
    words = MARKS.get(mark) or MARKS.get(name, "计时节点")
    return words.format(target=TARGETS[target], percent=percent)


EVENTS = {
    "inquiry.opened": "登记为新问题",
    "inquiry.answered_from_record": "系统按案件记录答复并登记",
    "clock.backdated": "事后补记通话或面谈的时间",
    "inquiry.commented": "{person}批注",
    "inquiry.nudged": "{person}催办",
    "inquiry.taken_on": "{person}接办",
    "inquiry.reassigned": "{person}转办",
    "inquiry.contested": "{person}对超时提出异议",
    "inquiry.contest_overdue": "超时异议逾期未审核，报再上一级",
    "inquiry.adjusted": "上一级审核：异议成立，另列核定数字",
    "inquiry.contest_rejected": "上一级审核：异议不成立",
}
"""What the clock's own log does not tell."""


async def _events(inquiry: Inquiry) -> list[Line]:
    rows = await database.fetch(
        "select e.at, e.kind, o.id as officer_id, o.name as officer_name from event e"
        " left join officer o on e.actor_kind = 'officer' and o.id = e.actor_id"
        " where e.subject_id = $1 and e.subject_kind = 'inquiry' and e.kind = any($2::text[]) order by e.at, e.id",
        inquiry.id,
        list(EVENTS),
    )
    return [
        Line(
            row["at"],
            row["kind"],
            EVENTS[row["kind"]].format(person=row["officer_name"] or "教导员"),
            row["officer_id"],
        )
        for row in rows
    ]


async def _stretch(episode: Episode, segment: Segment, names: Names) -> Stretch:
    owned = segment.owner != segment.unit
    return Stretch(
        episode.number,
        segment.unit,
        names.get(segment.unit),
        segment.owner if owned else None,
        names.get(segment.owner) if owned else None,
        STATUSES[segment.status.value],
        segment.start,
        segment.end,
        round((await _duty(segment)).total_seconds() / 60, 1),
    )


async def _duty(segment: Segment) -> timedelta:
    """The log counts what still lasts up to its last entry only; whoever reads this wants to know it up to now."""
    if segment.end is not None:
        return segment.duty
    calendar = await policies.calendar_version(segment.calendar)
    return calendar.duty_between(segment.start, max(time.now(), segment.start))


async def _promises(actor: Actor, inquiry_id: UUID, state: ClockState) -> list[Promise]:
    contests = await Contest.filter(inquiry_id=inquiry_id)
    states = {(contest.episode, contest.target): contest.state for contest in contests}
    return [
        await _promise(actor, episode, target, states.get((episode.number, target.target)))
        for episode in state.episodes
        for target in (episode.first, episode.full)
        if target.promised
    ]


async def _promise(actor: Actor, episode: Episode, target: TargetState, contest: ContestState | None) -> Promise:
    missed = target.breach_at if target.breach_at is not None and target.breach_at <= time.now() else None
    held = episode.held_at(missed) if missed is not None else None
    until = None
    if missed is not None and held is not None and may_contest(actor, held):
        until = contestable_until(await policies.calendar_version(held.calendar), missed)
    return Promise(
        episode.number,
        target.target.value,
        TARGETS[target.target.value],
        target.due_at,
        target.met_at,
        missed,
        False if missed is not None else target.kept,
        None if target.waited is None else round(target.waited.total_seconds() / 60, 1),
        until,
        contest is None and until is not None and time.now() <= until,
        contest,
    )
