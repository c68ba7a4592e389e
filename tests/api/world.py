"""What a request of the tests may be about: the city's case with something of every kind in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import api
from delivery.models import Channel, Template
from delivery.templates import Definition, TemplateField
from kit import clock
from kit.crypto import vault
from kit.ids import new_id, new_token, token_hash
from stewardship import intake
from stewardship.casework.appointments import service as appointments
from stewardship.casework.appointments.models import Appointment, Purpose
from stewardship.casework.groups import service as groups
from stewardship.casework.groups.service import Issued
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.casework.updates import drafts, templates
from stewardship.casework.updates.models import AudienceKind, UpdateDraft
from stewardship.casework.updates.rules import Audience
from stewardship.casework.updates.service import post_update
from stewardship.dialogue.canned_replies import service as canned
from stewardship.dialogue.canned_replies.models import CannedReply
from stewardship.dialogue.contests.models import TEXT, Contest, Ground
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.exchange import clients, imports
from stewardship.exchange.clients import Registered
from stewardship.exchange.models import ImportJob
from stewardship.foundation.actors import SYSTEM, Actor, ActorKind
from stewardship.foundation.approvals.models import Approval
from stewardship.foundation.audit import verification
from stewardship.foundation.audit.models import AuditVerification
from stewardship.foundation.clocks import publishing
from stewardship.foundation.clocks.policy import Policy
from stewardship.foundation.clocks.publishing import Proposal
from stewardship.foundation.clocks.rules import Target
from stewardship.foundation.files import service as files
from stewardship.foundation.files.models import StoredFile
from stewardship.foundation.files.scanning import TestFileScanner
from stewardship.foundation.message_templates import service as message_templates
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import HolidayOverride, Role, RoleGrant, Shift, ShiftKind
from stewardship.foundation.people import service as people
from stewardship.foundation.people import sessions
from stewardship.foundation.people.models import Session, SessionKind
from stewardship.handover import service as handovers
from stewardship.handover.models import Handover, LeaveKind
from stewardship.opinion.ratings.models import Rating, RatingState
from stewardship.opinion.visits.models import CallOutcome, Visit, VisitPurpose, VisitState
from stewardship.reports.exports import service as exports
from stewardship.reports.exports.models import Export, Table
from stewardship.reports.rules import Period
from tests.api.city import City, acting, new_identity
from tests.api.platform import Platform

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


@dataclass
class World:
    """What the requests are aimed at."""

    city: City
    services: api.Services
    platform: Platform
    invited: Issued
    pending: Issued
    inquiry_id: UUID
    other_inquiry_id: UUID
    file: StoredFile
    rating: Rating
    rating_token: str
    rated: Rating
    task: Visit
    complaint: Visit
    shift: Shift
    grant: RoleGrant
    session: Session
    contact_id: UUID
    appointment: Appointment
    handover: Handover
    change: Approval
    verification: AuditVerification
    template: Template
    reply: CannedReply
    officer_session: Session
    update_id: UUID
    attachment_id: UUID
    draft: UpdateDraft
    template_id: UUID
    machines: dict[str, Registered]
    imported: ImportJob
    contest: Contest
    export: Export


async def build_world(city: City, services: api.Services, platform: Platform) -> World:
    """Everything that a request may be about."""
    steward = await acting(city.officers["steward"])
    await shift(city, "duty_officer", ShiftKind.DUTY)
    await HolidayOverride.create(day=clock.today(), workday=True, reason="测试")
    _, invited = await intake.enter_party(
        steward, city.case, intake.PartyDraft("王五", frozenset({PartyRole.WITNESS}), phone="13800000005")
    )
    _, pending = await intake.enter_party(
        steward, city.case, intake.PartyDraft("孙七", frozenset({PartyRole.FAMILY}), phone="13800000006", side=Side.A)
    )
    assert invited is not None
    assert pending is not None
    waiting = await new_identity()
    await groups.prove_phone(
        Actor(ActorKind.CITIZEN), pending.invitation.id, waiting.id, "13800000006", verified_by_platform=False
    )
    victim = city.members["victim"]
    token = new_token()
    asker = Actor(ActorKind.CITIZEN, victim.person_id)
    asked = await inquiries.ask(asker, victim, "什么时候有结果？", channel="mp", source_key=None)
    other = city.members["opponent"]
    elsewhere = await inquiries.ask(
        Actor(ActorKind.CITIZEN, other.person_id), other, "我也想问。", channel="mp", source_key=None
    )
    contact = await people.has_phone(victim.person_id, "13800000001")
    assert contact is not None
    return World(
        city,
        services,
        platform,
        invited,
        pending,
        asked.inquiry.id,
        elsewhere.inquiry.id,
        await clean_file(city, services),
        await rating(city, "closed", RatingState.SENT, token),
        token,
        await rating(city, "registered", RatingState.ANSWERED, new_token()),
        await visit(city, VisitPurpose.UNDELIVERABLE, city.officers["steward"].id),
        await visit(city, VisitPurpose.DISSATISFIED, city.officers["centre_officer"].id),
        await shift(city, "colleague", ShiftKind.LEAVE),
        await RoleGrant.get(officer_id=city.officers["colleague"].id),
        await session_of(city.citizens["victim"]),
        contact.id,
        await appointments.offer(steward, city.case.id, victim.id, appointments.Terms(Purpose.PROCEDURE)),
        await leave_of_colleague(city),
        await change(city),
        await verification.start(SYSTEM),
        await template(city),
        await reply(city),
        await desk_session(city.officers["colleague"].id),
        *await posted(city, services, steward),
        await drafts.draft_for_stage(SYSTEM, city.case, "case-system"),
        await update_template(city),
        await machines(city),
        await imports.upload(
            steward, city.station.id, filename="一.csv", data=sheet_of(city.officers["steward"].number, "钱二")
        ),
        await contested(city, asked.inquiry.id),
        await exports.start(
            await acting(city.officers["instructor"]),
            city.station.id,
            Table.CASES,
            Period(clock.today(), clock.today()),
        ),
    )


async def contested(city: City, inquiry_id: UUID) -> Contest:
    """A breach of the victim's inquiry that its steward contests; the sub-bureau's centre is no instructor of it."""
    at = clock.now()
    return await Contest.create(
        inquiry_id=inquiry_id,
        case_id=city.case.id,
        episode=1,
        target=Target.FIRST,
        missed_at=at,
        unit_id=city.station.id,
        owner_id=city.officers["steward"].id,
        raised_by_id=city.officers["steward"].id,
        ground=Ground.ANSWERED_OTHERWISE,
        evidence=vault().ring.seal_text("已电话答复。", TEXT),
        decider_unit_id=city.station.id,
        due_at=at + timedelta(days=3),
    )


async def leave_of_colleague(city: City) -> Handover:
    """A draft; the colleague has no cases."""
    at = clock.now()
    return await handovers.propose(
        await acting(city.officers["colleague"]),
        city.officers["colleague"].id,
        kind=LeaveKind.ANNUAL,
        starts_at=at,
        ends_at=at + timedelta(days=7),
    )


def sheet_of(steward: str, name: str) -> bytes:
    """A table with one case and one party."""
    return f"案件序号,案管家警号,当事人姓名,当事人身份\n1,{steward},{name},受害人\n".encode()


async def machines(city: City) -> dict[str, Registered]:
    """Another system that may write to the station, and one that may not."""
    administrator = await acting(city.officers["system_administrator"])
    units = {"machine": city.sub_bureau, "other_machine": city.other_sub_bureau}
    return {
        name: await clients.register(administrator, unit.id, name=name, source_system=name.replace("_", "-"))
        for name, unit in units.items()
    }


async def posted(city: City, services: api.Services, steward: Actor) -> tuple[UUID, UUID]:
    """An update to everyone, and the file that goes with it."""
    file = await clean_file(city, services, officer_id=steward.id)
    update = await post_update(
        steward,
        city.case.id,
        text="已调取现场监控。",
        awaited="核对监控",
        next_contact_on=clock.today(),
        audience=Audience(AudienceKind.EVERYONE),
        file_ids=[file.id],
    )
    return update.update.id, file.id


async def update_template(city: City) -> UUID:
    """The station's own words for a stage."""
    instructor = await acting(city.officers["instructor"])
    wording = templates.Wording("已调取监控。", "核对监控")
    kept = await templates.add_template(instructor, city.station.id, city.case.kind, "accepted", "监控", wording)
    assert kept.id is not None
    return kept.id


async def shift(city: City, who: str, kind: ShiftKind) -> Shift:
    """Today's entry of the station's roster for this officer."""
    return await org.roster(
        SYSTEM,
        unit_id=city.station.id,
        officer_id=city.officers[who].id,
        kind=kind,
        starts_at=clock.now(),
        ends_at=clock.now() + timedelta(hours=24),
    )


async def clean_file(city: City, services: api.Services, officer_id: UUID | None = None) -> StoredFile:
    """A picture that the victim or an officer has sent, past its scan."""

    async def content() -> AsyncIterator[bytes]:
        yield PNG

    victim = city.members["victim"]
    file = await files.store(
        SYSTEM,
        services.files,
        content(),
        origin="desk" if officer_id else "mp",
        person_id=None if officer_id else victim.person_id,
        officer_id=officer_id,
        case_id=city.case.id,
    )
    await files.scan(services.files, file.id, TestFileScanner())
    return await StoredFile.get(id=file.id)


async def rating(city: City, milestone: str, state: RatingState, token: str) -> Rating:
    """A rating that the victim was asked for."""
    at, victim = clock.now(), city.members["victim"]
    answered = state is RatingState.ANSWERED
    return await Rating.create(
        case_id=city.case.id,
        party_id=victim.party_id,
        member_id=victim.id,
        person_id=victim.person_id,
        officer_id=city.officers["steward"].id,
        unit_id=city.station.id,
        milestone=milestone,
        episode=1,
        state=state,
        token_hash=token_hash(token),
        due_at=at,
        sent_at=at,
        expires_at=at + timedelta(days=7),
        score=3 if answered else None,
        answered_at=at if answered else None,
    )


async def visit(city: City, purpose: VisitPurpose, assigned_to: UUID) -> Visit:
    """A call that is owed to the victim; of a complaint, one whose person has been heard."""
    heard = CallOutcome.DISSATISFIED if purpose is VisitPurpose.DISSATISFIED else None
    return await Visit.create(
        purpose=purpose,
        state=VisitState.OPEN,
        case_id=city.case.id,
        person_id=city.members["victim"].person_id,
        unit_id=city.station.id,
        handler_id=city.officers["steward"].id,
        assigned_to_id=assigned_to,
        due_at=clock.now() + timedelta(hours=20),
        outcome=heard,
    )


async def change(city: City) -> Approval:
    """A promise for the station, proposed by a second system administrator."""
    proposer = await org.create_officer(SYSTEM, number=new_id().hex[-10:], name="郑同", unit_id=city.bureau.id)
    await org.grant_role(SYSTEM, proposer.id, Role.SYSTEM_ADMINISTRATOR, city.bureau.id)
    proposal = Proposal("inquiry", city.station.id, None, Policy(0), None, 0)
    return await publishing.propose(await acting(proposer), proposal, "试行")


async def template(city: City) -> Template:
    """A new version of a template, drafted."""
    drafted = Definition(title="办理进度通知", fields=(TemplateField(key="thing1", label="事项", value="matter"),))
    actor = await acting(city.officers["system_administrator"])
    return await message_templates.draft(actor, "update_posted", Channel.MP_SUBSCRIBE, drafted)


async def desk_session(officer_id: UUID) -> Session:
    """A login of this officer's at the desk."""
    token = await sessions.open_session(SessionKind.OFFICER, officer_id=officer_id)
    return await Session.get(token_hash=token_hash(token))


async def reply(city: City) -> CannedReply:
    """A canned reply of the station."""
    draft = canned.Draft("已受理", "您的案件（{编号}）已受理。")
    instructor = await acting(city.officers["instructor"])
    return await canned.write(instructor, draft, own=False, unit_id=city.station.id)


async def session_of(identity_id: UUID) -> Session:
    """A further session of this WeChat user, on another device."""
    token = await sessions.open_session(SessionKind.CITIZEN, identity_id=identity_id)
    return await Session.get(token_hash=token_hash(token))
