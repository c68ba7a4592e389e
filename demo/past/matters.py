"""Cases of the past: registered, joined, told of, asked about, closed and rated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from demo.alive import NEXT_STAGE, ROLES, STORIES
from demo.past.ledger import Ledger
from demo.past.opinions import rate
from demo.past.questions import ask
from demo.past.scene import Scene, Station
from kit import clock
from kit.crypto import vault
from stewardship.casework.cases.models import BRIEF, Case, CaseKind, CaseStage
from stewardship.casework.cases.rules import CLOSED, REPORTED
from stewardship.casework.groups.models import CaseGroup, Member, MemberChange, MemberState
from stewardship.casework.parties.models import Party, Side
from stewardship.casework.updates.models import TEXT, AudienceKind, Update, UpdateAddressee
from stewardship.foundation.actors import Actor
from stewardship.foundation.people.models import CONTACT, NAME, Contact, Person, Trust

KINDS = (CaseKind.PUBLIC_ORDER, *CaseKind, CaseKind.DISPUTE)
SETTLED_BEFORE = 4
"""Days before today by which a case was closed: its ratings and return visits were over too."""
LONGEST = 24
JOINED, JOINED_LATE, NOT_INVITED = 0.84, 0.92, 0.95
"""Up to these draws a party joins within a day, later, or does not want to be invited; the others never join."""
DECLINED = "本人不愿加入"
OFFICE_HOURS = (*(0,) * 9, 4, 5, 3, 0, 0, 3, 4, 3)


@dataclass(frozen=True, slots=True)
class _Matter:
    case: Case
    steward: Actor
    closed_at: datetime
    said: str
    awaited: str


def add_case(scene: Scene, station: Station, ledger: Ledger, day: date) -> None:
    """One case that was registered on a day, with all that came of it."""
    matter = _case(scene, station, day)
    ledger.add(matter.case)
    group = CaseGroup(case_id=matter.case.id, opened_at=matter.case.registered_at)
    ledger.add(group)
    members = [_member(scene, ledger, matter, group, place) for place in (0, 1)]
    joined = [member for member in members if member.state is MemberState.JOINED]
    _stages(scene, ledger, matter, joined)
    for member in joined:
        _questions(scene, station, ledger, matter, member)
    rate(scene, station, ledger, matter.case, joined)


def _case(scene: Scene, station: Station, day: date) -> _Matter:
    draw, kind = scene.draw, scene.draw.choice(KINDS)
    registered = scene.moment(day)
    latest = clock.local(scene.until).date() - timedelta(days=SETTLED_BEFORE)
    closed = scene.moment(min(day + timedelta(days=draw.randint(2, LONGEST)), latest), OFFICE_HOURS)
    steward = draw.choices(station.stewards, (5, 4, 2))[0]
    brief, said, awaited = draw.choice(STORIES[kind])
    case = Case(
        reference=f"A{day:%y%m%d}{draw.randrange(10**8):08d}",
        kind=kind,
        stage=CLOSED,
        sensitivity_known=True,
        unit_id=station.unit_id,
        steward_id=steward.id,
        brief=vault().ring.seal_text(brief, BRIEF),
        registered_at=registered,
        stage_since=closed,
        closed_at=closed,
        awaited=awaited,
    )
    return _Matter(case, steward, closed, said, awaited)


# --- who joins --------------------------------------------------------------------------------------------------------


def _member(scene: Scene, ledger: Ledger, matter: _Matter, group: CaseGroup, place: int) -> Member:
    case, at = matter.case, matter.case.registered_at
    person = _person(scene, ledger, at)
    side = (Side.A, Side.B)[place]
    assert case.kind is not None  # noqa: S101 — every case of the past has one.
    roles = [ROLES[case.kind][place].value]
    party = Party(case_id=case.id, person_id=person.id, roles=roles, side=side, added_at=at)
    member = Member(
        group_id=group.id,
        case_id=case.id,
        party_id=party.id,
        person_id=person.id,
        side=side,
        state=MemberState.INVITED,
        invited_at=at,
    )
    ledger.add(party, member)
    _enrol(scene, ledger, matter, member)
    return member


def _person(scene: Scene, ledger: Ledger, at: datetime) -> Person:
    ring, number = vault().ring, scene.number()
    person = Person(name_sealed=ring.seal_text(next(scene.person_names), NAME), created_at=at)
    contact = Contact(
        person_id=person.id,
        value_sealed=ring.seal_text(number, CONTACT),
        value_index=vault().index.of(number, CONTACT),
        trust=Trust.TRUSTED,
        created_at=at,
    )
    ledger.add(person, contact)
    return person


def _enrol(scene: Scene, ledger: Ledger, matter: _Matter, member: Member) -> None:
    at, how = matter.case.registered_at, scene.draw.random()
    if JOINED_LATE <= how < NOT_INVITED:
        member.state, member.invited_at, member.reason = MemberState.NOT_INVITED, None, DECLINED
        ledger.add(_change(member, at, MemberState.NOT_INVITED, matter.steward, DECLINED))
        return
    ledger.add(_change(member, at, MemberState.INVITED, matter.steward))
    if how < JOINED_LATE:
        hours = scene.draw.expovariate(1 / 2) if how < JOINED else scene.draw.uniform(25, 44)
        member.state, member.joined_at = MemberState.JOINED, at + timedelta(hours=min(hours, 44), minutes=4)
        ledger.add(_change(member, member.joined_at, MemberState.JOINED, None))


def _change(member: Member, at: datetime, state: MemberState, officer: Actor | None, reason: str = "") -> MemberChange:
    by = ("officer", officer.id) if officer else ("citizen", member.person_id)
    return MemberChange(member_id=member.id, at=at, state=state, reason=reason, by_kind=by[0], by_id=by[1])


# --- how it went on ---------------------------------------------------------------------------------------------------


def _stages(scene: Scene, ledger: Ledger, matter: _Matter, joined: list[Member]) -> None:
    case, steward = matter.case, matter.steward
    assert case.kind is not None  # noqa: S101 — every case of the past has one.
    began = case.registered_at + (matter.closed_at - case.registered_at) * scene.draw.uniform(0.1, 0.5)
    stages = ((REPORTED, case.registered_at), (NEXT_STAGE[case.kind], began), (CLOSED, matter.closed_at))
    ledger.add(*(CaseStage(case_id=case.id, stage=stage, at=at, by_id=steward.id) for stage, at in stages))
    case.last_update_at = began
    _update(ledger, matter, began, joined)
    ledger.tell(case.registered_at, "case.registered", steward, ("case", case.id), case)
    ledger.tell(matter.closed_at, "case.closed", steward, ("case", case.id), case, episode=1)


def _update(ledger: Ledger, matter: _Matter, at: datetime, joined: list[Member]) -> None:
    case = matter.case
    assert case.kind is not None  # noqa: S101 — every case of the past has one.
    update = Update(
        case_id=case.id,
        author_id=matter.steward.id,
        stage=NEXT_STAGE[case.kind],
        text=vault().ring.seal_text(matter.said, TEXT),
        awaited=matter.awaited,
        next_contact_on=clock.local(at).date() + timedelta(days=7),
        audience=AudienceKind.EVERYONE,
        posted_at=at,
    )
    there = [member for member in joined if member.joined_at is not None and member.joined_at <= at]
    ledger.add(update)
    ledger.add(
        *(
            UpdateAddressee(
                update_id=update.id, member_id=m.id, case_id=case.id, posted_at=at, released_at=at, created_at=at
            )
            for m in there
        )
    )
    ledger.tell(
        at, "update.posted", matter.steward, ("update", update.id), case, addressees=len(there), held=0, near_copy=False
    )


def _questions(scene: Scene, station: Station, ledger: Ledger, matter: _Matter, member: Member) -> None:
    """One after the other; people go on asking for some days after the end."""
    assert member.joined_at is not None  # noqa: S101 — the caller asks for those who joined.
    free, days = member.joined_at, (matter.closed_at - member.joined_at).days + 4
    for _ in range(scene.draw.choice((0, 1, 1, 1, 2, 2))):
        day = clock.local(member.joined_at).date() + timedelta(days=scene.draw.randint(0, max(days, 0)))
        at = scene.moment(day)
        if free < at < scene.until:
            free = ask(scene, station, ledger, matter.case, member, at) or free
