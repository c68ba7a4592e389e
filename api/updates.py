"""Posting progress: who will see it and who will not, before it goes out."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import Field, model_validator

from api import limits
from api.cases import StageCode
from api.deps import ActorDep, ReadableCase, ServicesDep, WritableCase, officer_id_of
from api.file_views import AttachmentView, FileView
from api.names import officer_names
from api.once import OnceRoute
from api.paging import CursorQuery, Cursors, LimitQuery, Page
from api.schemas import EXAMPLE_ID, ClientKey, Done, Payload, Reason, View, words
from api.uploads import BODY_SCHEMA, file_content
from kit.crypto import vault
from kit.database import earlier_than
from stewardship.casework.cases.models import Case
from stewardship.casework.cases.rules import stage_of
from stewardship.casework.groups.models import Member
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.casework.updates import service as updates
from stewardship.casework.updates import withdrawal
from stewardship.casework.updates.attachments import MAX_ATTACHMENTS, attachments_of
from stewardship.casework.updates.models import TEXT, AudienceKind, Update, UpdateAddressee
from stewardship.casework.updates.rules import Audience, Candidate, held_back, recipients
from stewardship.foundation.files import service as files
from stewardship.foundation.people.models import Person
from stewardship.foundation.people.rules import masked_name

router = APIRouter(tags=["updates"], route_class=OnceRoute)

FileIds = Annotated[
    tuple[UUID, ...],
    Field(max_length=MAX_ATTACHMENTS, examples=[[]], description="Uploaded by `POST /cases/{case_id}/attachments`."),
]


class AudienceIn(Payload):
    """To whom it is addressed: `everyone`, the `sides`, or the members named."""

    kind: AudienceKind = Field(examples=["sides"])
    sides: frozenset[Side] = Field(default=frozenset(), examples=[["a"]])
    member_ids: frozenset[UUID] = Field(default=frozenset(), max_length=100, examples=[[]])

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.kind is AudienceKind.SIDES) != bool(self.sides):
            raise ValueError("sides go with the kind `sides`")
        if (self.kind is AudienceKind.MEMBERS) != bool(self.member_ids):
            raise ValueError("member_ids go with the kind `members`")
        return self

    def audience(self) -> Audience:
        return Audience(self.kind, self.sides, self.member_ids)


class UpdateIn(Payload):
    text: Annotated[str, words(updates.TEXT_LENGTH)] = Field(examples=["已调取现场监控，正在核对。"])
    awaited: Annotated[str, words(updates.AWAITED_LENGTH)] = Field(examples=["等待鉴定意见"])
    next_contact_on: date = Field(examples=["2026-03-09"], description="Legal date in Asia/Shanghai, within 60 days.")
    audience: AudienceIn
    stage: StageCode | None = Field(default=None, examples=[None], description="Enter this stage with it.")
    file_ids: FileIds = ()


class Reached(View):
    """A member, masked."""

    member_id: UUID = Field(examples=[EXAMPLE_ID])
    name: str = Field(examples=["张*"])
    side: Side = Field(examples=["a"])
    roles: list[PartyRole] = Field(examples=[["victim"]])


class Preview(View):
    """Who will see it now, who after a protected person has been told safely, and who never."""

    sees: list[Reached]
    waits: list[Reached]
    does_not_see: list[Reached]


class PostedView(View):
    """What came of it."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    member_ids: list[UUID] = Field(examples=[[EXAMPLE_ID]])
    held_member_ids: list[UUID] = Field(examples=[[]])
    near_copy: bool = Field(examples=[False], description="It repeats the last one, and counts as silence.")


class UpdateView(View):
    """An update as the officers see it."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    posted_at: datetime = Field(examples=["2026-03-02T02:00:00Z"])
    author_id: UUID = Field(examples=[EXAMPLE_ID])
    author_name: str | None = Field(examples=["王敏"])
    stage_name: str | None = Field(examples=["调查取证"])
    text: str = Field(examples=["已调取现场监控，正在核对。"])
    awaited: str = Field(examples=["等待鉴定意见"])
    next_contact_on: date = Field(examples=["2026-03-09"])
    audience: AudienceKind = Field(examples=["sides"])
    sides: list[Side] = Field(examples=[["a"]])
    near_copy: bool = Field(examples=[False])
    addressed: int = Field(examples=[1])
    waiting: int = Field(examples=[0], description="Addressees who wait until a protected person has been told.")
    seen: int = Field(examples=[1])
    attachments: list[AttachmentView]
    withdrawn_at: datetime | None = Field(examples=[None])
    withdrawable_until: datetime | None = Field(
        examples=["2026-03-02T02:10:00Z"], description="Until then it can be taken back; null once it was."
    )


class Because(Payload):
    reason: Reason


@router.post("/cases/{case_id}/updates/preview")
async def preview(payload: AudienceIn, case: WritableCase) -> Preview:
    """Who would see an update to this audience, who would wait, and who would not."""
    everyone = await updates.candidates_of(case.id)
    addressed = recipients(everyone, payload.audience(), case.kind)
    waiting = held_back(addressed, everyone)
    names = await _names(case)

    def show(candidates: list[Candidate]) -> list[Reached]:
        return [
            Reached(
                member_id=c.member_id,
                name=names[c.member_id],
                side=c.side,
                roles=[PartyRole(role) for role in sorted(c.roles)],
            )
            for c in candidates
        ]

    return Preview(
        sees=show([c for c in addressed if c.member_id not in waiting]),
        waits=show([c for c in addressed if c.member_id in waiting]),
        does_not_see=show([c for c in everyone if c not in addressed]),
    )


async def _names(case: Case) -> dict[UUID, str]:
    members = await Member.filter(case_id=case.id)
    persons = {p.id: p for p in await Person.filter(id__in=[m.person_id for m in members])}
    return {m.id: masked_name(persons[m.person_id].name) for m in members}


@router.post("/cases/{case_id}/updates", status_code=201)
async def post_update(payload: UpdateIn, case: WritableCase, actor: ActorDep) -> PostedView:
    """Post progress to the members it is meant for; each is told on a channel they can use."""
    posted = await updates.post_update(
        actor,
        case.id,
        text=payload.text,
        awaited=payload.awaited,
        next_contact_on=payload.next_contact_on,
        audience=payload.audience.audience(),
        stage=payload.stage,
        file_ids=payload.file_ids,
    )
    return posted_view(posted)


def posted_view(posted: updates.Posted) -> PostedView:
    """Who reads it, who waits."""
    return PostedView(
        id=posted.update.id,
        member_ids=list(posted.member_ids),
        held_member_ids=list(posted.held_member_ids),
        near_copy=posted.update.near_copy,
    )


@router.get("/cases/{case_id}/updates")
async def list_updates(
    case: ReadableCase, services: ServicesDep, cursor: CursorQuery = None, limit: LimitQuery = 20
) -> Page[UpdateView]:
    """What was posted, newest first, with how many it reached."""
    cursors = Cursors(services.session_key, f"updates:{case.id}")
    place = cursors.read(cursor)
    query = Update.filter(case_id=case.id)
    if place is not None:
        query = query.filter(earlier_than("posted_at", place))
    rows = await query.order_by("-posted_at", "-id").limit(limit + 1)
    addressees = await UpdateAddressee.filter(update_id__in=[row.id for row in rows])
    by_update: dict[UUID, list[UpdateAddressee]] = {row.id: [] for row in rows}
    for each in addressees:
        by_update[each.update_id].append(each)
    carried = await attachments_of([row.id for row in rows])
    authors = await officer_names(row.author_id for row in rows)

    def show(row: Update) -> UpdateView:
        attached = [AttachmentView.model_validate(file) for file in carried[row.id]]
        return _view(case, row, by_update[row.id], attached, authors.get(row.author_id))

    return cursors.page(rows, limit, lambda row: (row.posted_at, row.id), show)


def _view(
    case: Case,
    update: Update,
    addressees: list[UpdateAddressee],
    attached: list[AttachmentView],
    author_name: str | None,
) -> UpdateView:
    stage = stage_of(case.kind, update.stage) if update.stage else None
    return UpdateView(
        id=update.id,
        posted_at=update.posted_at,
        author_id=update.author_id,
        author_name=author_name,
        stage_name=stage.name if stage else None,
        text=vault().ring.open_text(update.text, TEXT),
        awaited=update.awaited,
        next_contact_on=update.next_contact_on,
        audience=update.audience,
        sides=[Side(side) for side in update.sides],
        near_copy=update.near_copy,
        addressed=len(addressees),
        waiting=sum(each.released_at is None for each in addressees),
        seen=sum(each.seen_at is not None for each in addressees),
        attachments=attached,
        withdrawn_at=update.withdrawn_at,
        withdrawable_until=None if update.withdrawn_at else update.posted_at + withdrawal.WITHDRAW_WITHIN,
    )


@router.post("/cases/{case_id}/updates/{update_id}/withdraw")
async def withdraw(update_id: UUID, payload: Because, case: WritableCase, actor: ActorDep) -> Done:
    """Take it back within ten minutes: who has not read it never will, who has is told so."""
    await withdrawal.withdraw(actor, case, update_id, payload.reason)
    return Done()


@router.post("/cases/{case_id}/attachments", status_code=201, openapi_extra=BODY_SCHEMA)
async def upload_attachment(
    request: Request,
    case: WritableCase,
    actor: ActorDep,
    services: ServicesDep,
    client_key: Annotated[ClientKey, Query()],
) -> FileView:
    """A file of up to 20 MB (form field `file`) that is to go with an update; its addressees open it once scanned."""
    officer_id = officer_id_of(actor)
    await services.limiter.check(limits.UPLOAD, str(officer_id))
    file = await files.store(
        actor,
        services.files,
        file_content(request),
        origin="desk",
        officer_id=officer_id,
        case_id=case.id,
        key=f"desk:{case.id}:{client_key}",
    )
    return FileView.model_validate(file)
