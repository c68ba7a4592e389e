"""New versions of what is promised: proposed by one administrator, approved by another, taken by open clocks.

A version counts from `active_from`; `apply_due` lets the open clocks take it then, by pages of jobs, and closed ones
stay as they were. Unit and kind say how far it reaches: the unit's own for the kind, the unit's, the city's for the
kind, the city's; the narrower one wins.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import asyncpg

from kit import clock, database
from kit.database import atomic
from kit.ids import new_id
from kit.jobs import Job, enqueue, handler
from stewardship.foundation.actors import SYSTEM, Actor
from stewardship.foundation.approvals import service as approvals
from stewardship.foundation.approvals.models import Approval
from stewardship.foundation.audit import service as audit
from stewardship.foundation.clocks import policies, service
from stewardship.foundation.clocks.errors import InvalidPolicy
from stewardship.foundation.clocks.log import Entry, Kind
from stewardship.foundation.clocks.models import Clock, PromisePolicy
from stewardship.foundation.clocks.policy import Policy
from stewardship.foundation.clocks.words import policy_lines
from stewardship.foundation.errors import Conflict, Invalid
from stewardship.foundation.org.models import Role, Unit

CHANGE = "promise_policy"
JOB = "clocks.policy"
PAGE = 200
AHEAD = timedelta(days=366)

KindsOf = Callable[[Sequence[UUID]], Awaitable[Mapping[UUID, str | None]]]

_kinds: dict[str, KindsOf] = {}


def promises(subject: str, kinds_of: KindsOf) -> None:
    """A feature says that its subjects carry promises, and answers of which kind of case each is now."""
    _kinds[subject] = kinds_of


def subjects() -> list[str]:
    """What promises can be made about."""
    return sorted(_kinds)


async def kinds_of(subject: str, ids: Sequence[UUID]) -> Mapping[UUID, str | None]:
    """The kind of case of each of these subjects."""
    return await _kinds[subject](ids)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A new version to be: for which subject, unit (None: the city) and kind (None: every kind), from when."""

    subject: str
    unit_id: UUID | None
    case_kind: str | None
    policy: Policy
    active_from: datetime | None
    """None: as soon as it is approved."""
    base_version: int
    """The version that it replaces, 0 where there is none: what the proposer has seen."""

    @property
    def topic(self) -> str:
        """What two proposals would both change."""
        return f"{CHANGE}:{self.subject}:{self.unit_id or 'city'}:{self.case_kind or 'all'}"

    def to_json(self) -> dict[str, Any]:
        return {
            "subject": self.subject,
            "unit_id": str(self.unit_id) if self.unit_id else None,
            "case_kind": self.case_kind,
            "definition": self.policy.to_json(),
            "active_from": self.active_from.isoformat() if self.active_from else None,
            "base_version": self.base_version,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Proposal:
        """The inverse of `to_json`. Raises Invalid where the promise contradicts itself."""
        return cls(
            subject=data["subject"],
            unit_id=UUID(data["unit_id"]) if data["unit_id"] else None,
            case_kind=data["case_kind"],
            policy=policy_from(data["definition"]),
            active_from=datetime.fromisoformat(data["active_from"]) if data["active_from"] else None,
            base_version=int(data["base_version"]),
        )


_WRONG = {
    "an allowance": "时长超出范围：值班分钟不超过 100000，工作日不超过 366。",
    "a policy promises": "首次答复和完整答复至少承诺一项。",
    "challenge_window": "追问时间须在 1 小时到 60 天之间。",
    "warn_at": "提醒比例须在 1 到 99 之间，从小到大，不重复，最多 8 个。",
    "escalation: each": "每一级只写一次，级别越高越靠后，案管家本人不用写。",
    "escalation": "升级比例须在 1 到 1000 之间，从小到大，不重复，最多 8 步。",
}


def policy_from(definition: Mapping[str, Any]) -> Policy:
    """The policy of a definition. Raises Invalid with what is wrong in plain words."""
    try:
        return Policy.from_json(definition)
    except InvalidPolicy as error:
        detail = next((text for start, text in _WRONG.items() if str(error).startswith(start)), "请核对各项内容。")
        raise Invalid("policy_invalid", "答复承诺有误", detail) from error


async def propose(actor: Actor, proposal: Proposal, reason: str) -> Approval:
    """Propose a version to the other administrators. Raises NotFound, Invalid, Conflict."""
    await policies.first_policy(proposal.subject)
    return await approvals.propose(
        actor,
        CHANGE,
        topic=proposal.topic,
        unit_id=proposal.unit_id,
        payload=proposal.to_json(),
        reason=reason,
    )


async def _check(unit_id: UUID | None, payload: dict[str, Any]) -> None:
    proposal = Proposal.from_json(payload)
    if proposal.unit_id != unit_id:
        raise Invalid("policy_unit", "单位不对", "请重新选择单位。")
    if proposal.subject not in _kinds:
        raise Invalid("policy_subject", "没有这类承诺", "请从列表中选择。")
    if unit_id is not None and not await Unit.exists(id=unit_id, valid_to=None):
        raise Invalid("policy_unit", "这个单位已经撤销", "请选择现有的单位。")
    if proposal.active_from is not None and proposal.active_from > clock.now() + AHEAD:
        raise Invalid("policy_from", "生效时间太远", "请选择一年以内的时间。")
    if await latest_version(proposal.subject, unit_id, proposal.case_kind) != proposal.base_version:
        raise Conflict("policy_changed", "这项承诺已有新版本", "请刷新后，在新版本上重新提出。")


async def latest_version(subject: str, unit_id: UUID | None, case_kind: str | None) -> int:
    """The newest version for exactly this unit and kind, in force or to come; 0 where there is none."""
    row = await PromisePolicy.filter(subject=subject, unit_id=unit_id, case_kind=case_kind).order_by("-version").first()
    return row.version if row else 0


async def _carry_out(approval: Approval, _actor: Actor) -> dict[str, Any]:
    proposal = Proposal.from_json(approval.payload)
    version, at = proposal.base_version + 1, clock.now()
    row = await PromisePolicy.create(
        subject=proposal.subject,
        unit_id=proposal.unit_id,
        case_kind=proposal.case_kind,
        version=version,
        definition=approval.payload["definition"] | {"version": version},
        active_from=max(proposal.active_from or at, at),
        created_by_id=approval.proposed_by_id,
    )
    await apply_due()
    return {"policy_id": str(row.id), "version": version}


def _describe(payload: dict[str, Any]) -> list[str]:
    return policy_lines(policy_from(payload["definition"]))


approvals.register(approvals.Change(CHANGE, Role.SYSTEM_ADMINISTRATOR, _check, _carry_out, _describe))


@atomic()
async def apply_due() -> int:
    """Let the open clocks take every version whose time has come; answers how many versions there were."""
    at = clock.now()
    rows = await database.fetch(
        "update promise_policy set applied_at = $1 where id in (select id from promise_policy"
        " where applied_at is null and active_from <= $1 for update skip locked)"
        " returning id, subject, unit_id, case_kind, version",
        at,
    )
    for row in rows:
        await audit.record(
            "policy.effective", SYSTEM, ("policy", row["id"]), unit_id=row["unit_id"], version=row["version"]
        )
        await enqueue(JOB, {"policy_id": row["id"], "after": None}, dedupe_key=str(row["id"]))
    return len(rows)


@handler(JOB)
async def _next_page(job: Job) -> None:
    after = job.payload["after"]
    await policy_changed(UUID(job.payload["policy_id"]), UUID(after) if after else None)


async def policy_changed(policy_id: UUID, after: UUID | None = None) -> int:
    """Open clocks take what is promised to them now; answers how many in this page did. The next page is a job.

    A clock for which a narrower version counts keeps it. Answers from the record that may be challenged count as open.
    """
    policy = await PromisePolicy.get(id=policy_id)
    rows = await unsettled(policy.subject, policy.unit_id, after, PAGE)
    kinds = await kinds_of(policy.subject, [row["subject_id"] for row in rows])
    changed = 0
    for row in rows:
        changed += await _take_newest(row["id"], kinds.get(row["subject_id"]))
    if len(rows) == PAGE:
        await enqueue(JOB, {"policy_id": policy_id, "after": rows[-1]["id"]})
    return changed


_UNSETTLED = """
select k.id, k.subject_id, k.unit_id from clock k
where k.subject_kind = $1 and ($2::uuid is null or k.unit_id = $2) and ($3::uuid is null or k.id > $3)
  and (k.running or k.full_at is null and exists (
    select 1 from clock_entry e where e.clock_id = k.id and e.kind = 'answered_from_record' and e.at > $4))
order by k.id limit $5
"""


async def unsettled(subject: str, unit_id: UUID | None, after: UUID | None, limit: int) -> list[asyncpg.Record]:
    """A page of the clocks that are not over, by id."""
    since = clock.now() - service.LONGEST_CHALLENGE
    return await database.fetch(_UNSETTLED, subject, unit_id, after, since, limit)


async def _take_newest(clock_id: UUID, case_kind: str | None) -> bool:
    timer = await Clock.select_for_update().get(id=clock_id)
    state = await service.state_of(timer)
    newest = await policies.policy_for(timer.subject_kind, timer.unit_id, case_kind)
    if state.policy == newest or not (state.is_open or state.is_provisional):
        return False
    await service.add(timer, lambda seq, at: Entry(new_id(), seq, at, Kind.POLICY_CHANGED, policy=newest))
    return True


class PolicyState(StrEnum):
    """Whether a version counts."""

    IN_FORCE = "in_force"
    TO_COME = "to_come"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Standing:
    """A stored version, and whether it counts."""

    row: PromisePolicy
    policy: Policy
    state: PolicyState


async def policy_versions(subject: str, unit_id: UUID | None = None, limit: int = 200) -> list[Standing]:
    """The versions of every unit and kind, or of one unit only: the city's first, then by unit and kind, newest first.

    Raises Invalid for a subject without promises.
    """
    if subject not in _kinds:
        raise Invalid("policy_subject", "没有这类承诺", "请从列表中选择。")
    await policies.first_policy(subject)
    query = PromisePolicy.filter(subject=subject)
    rows = await (query.filter(unit_id=unit_id) if unit_id else query).order_by("-version").limit(limit)
    rows.sort(key=lambda row: (str(row.unit_id or ""), row.case_kind or ""))
    now, taken = clock.now(), set()
    found = []
    for row in rows:
        place = (row.unit_id, row.case_kind)
        state = PolicyState.SUPERSEDED if place in taken else PolicyState.IN_FORCE
        if row.active_from > now:
            state = PolicyState.TO_COME
        else:
            taken.add(place)
        found.append(Standing(row, Policy.from_json(row.definition), state))
    return found
