"""What must be known of the speakers before anything is decided: one statement for any number of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from kit import database
from kit.crypto import vault
from stewardship.casework.cases.models import CaseKind
from stewardship.casework.updates.models import TEXT
from stewardship.conversations.said import Speaker
from stewardship.dialogue.answering.record import Facts

LOAD = """
select who.number, i.id as identity_id, i.person_id, p.protected, member.members,
       m.id as member_id, c.id as case_id, c.reference, c.kind, c.stage, c.awaited, c.next_contact_on, c.unit_id,
       party.roles, u.name as unit_name, u.duty_phone, o.name as steward_name, c.steward_id,
       last.posted_at as last_update_at, last.text as last_update_text,
       q.id as inquiry_id, q.state as inquiry_state
from unnest($1::text[], $2::text[]) with ordinality as who(app_id, openid, number)
join wechat_identity i on i.app_id = who.app_id and i.openid = who.openid
join person p on p.id = i.person_id
left join conversation v on v.identity_id = i.id and v.updated_at > $3
cross join lateral (
  select count(*) as members,
         (array_agg(x.id order by (x.case_id = v.case_id) desc nulls last, x.joined_at desc))[1] as id,
         count(*) = 1 or bool_or(x.case_id = v.case_id) as clear
  from member x where x.person_id = i.person_id and x.state = 'joined') member
left join member m on m.id = member.id and member.clear
left join case_file c on c.id = m.case_id
left join party on party.id = m.party_id
left join unit u on u.id = c.unit_id
left join officer o on o.id = c.steward_id
left join lateral (
  select a.posted_at, t.text from update_addressee a join case_update t on t.id = a.update_id
  where a.member_id = m.id and a.released_at is not null and t.withdrawn_at is null
  order by a.posted_at desc limit 1) last on true
left join lateral (
  select x.id, x.state from inquiry x
  where x.member_id = m.id and (x.state = 'waiting' or (x.state = 'answered_from_record' and x.provisional_until > $4))
  order by x.state = 'waiting' desc, x.opened_at desc limit 1) q on true
where i.trust = 'trusted'
"""


@dataclass(frozen=True, slots=True)
class Context:
    """A trusted speaker: who they are, and, where it is clear which case they mean, what the record says of it."""

    identity_id: UUID
    person_id: UUID
    protected: bool
    memberships: int
    member_id: UUID | None
    case_id: UUID | None
    unit_id: UUID | None
    steward_id: UUID | None
    facts: Facts | None
    inquiry_id: UUID | None
    inquiry_waits: bool


async def load(speakers: Sequence[Speaker], *, chosen_since: datetime, at: datetime) -> list[Context | None]:
    """The context of each speaker, in order; None for a stranger, and for whom a stolen phone speaks: they look alike.

    The case is clear where there is one, or where one was chosen in the conversation since `chosen_since`.
    """
    rows = await database.fetch(LOAD, [s.app_id for s in speakers], [s.openid for s in speakers], chosen_since, at)
    found: list[Context | None] = [None] * len(speakers)
    for row in rows:
        found[row["number"] - 1] = _context(row)
    return found


def _context(row: asyncpg.Record) -> Context:
    return Context(
        identity_id=row["identity_id"],
        person_id=row["person_id"],
        protected=row["protected"],
        memberships=row["members"],
        member_id=row["member_id"],
        case_id=row["case_id"],
        unit_id=row["unit_id"],
        steward_id=row["steward_id"],
        facts=_facts(row) if row["case_id"] is not None else None,
        inquiry_id=row["inquiry_id"],
        inquiry_waits=row["inquiry_state"] == "waiting",
    )


def _facts(row: asyncpg.Record) -> Facts:
    text = row["last_update_text"]
    return Facts(
        reference=row["reference"],
        kind=CaseKind(row["kind"]) if row["kind"] else None,
        stage=row["stage"],
        roles=frozenset(row["roles"]),
        awaited=row["awaited"],
        next_contact_on=row["next_contact_on"],
        unit_name=row["unit_name"],
        duty_phone=row["duty_phone"],
        steward_name=row["steward_name"],
        last_update_at=row["last_update_at"],
        last_update_text=vault().ring.open_text(text, TEXT) if text is not None else None,
    )
