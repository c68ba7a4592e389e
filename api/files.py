"""Submitted material: a party sends it, the officers of the case read it once its scan has passed."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import StreamingResponse
from tortoise.queryset import QuerySet

from api import limits
from api.deps import ActorDep, OwnMember, ReadableCase, ServicesDep
from api.file_views import CONTENT, FileView, handed_out
from api.paging import CursorQuery, Cursors, LimitQuery, Page
from api.schemas import ClientKey
from api.uploads import BODY_SCHEMA, file_content
from kit.database import earlier_than
from stewardship.casework.cases.service import relation_of
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.dialogue.inquiries.models import InquiryKind
from stewardship.foundation.files import service as files
from stewardship.foundation.files.models import StoredFile

router = APIRouter(tags=["files"])


@router.post("/my/cases/{case_id}/files", status_code=201, openapi_extra=BODY_SCHEMA)
async def upload(
    request: Request,
    member: OwnMember,
    actor: ActorDep,
    services: ServicesDep,
    client_key: Annotated[ClientKey, Query()],
) -> FileView:
    """Send a photo, video, recording or document of up to 20 MB (form field `file`); it waits for an officer."""
    await services.limiter.check(limits.UPLOAD, str(member.id))
    file = await files.store(
        actor,
        services.files,
        file_content(request),
        origin="mp",
        person_id=member.person_id,
        case_id=member.case_id,
        key=f"mp:{member.id}:{client_key}",
    )
    # As in a chat: an officer must come to see it. Repeating the request finds file and inquiry again.
    label = "[图片]" if file.media_type.startswith("image/") else "[文件]"
    await inquiries.ask(
        actor,
        member,
        label,
        channel="mp",
        source_key=f"mp:{member.id}:file:{client_key}",
        kind=InquiryKind.MATERIAL,
        file_id=file.id,
    )
    return FileView.model_validate(file)


@router.get("/my/cases/{case_id}/files")
async def list_my_files(
    member: OwnMember, services: ServicesDep, cursor: CursorQuery = None, limit: LimitQuery = 20
) -> Page[FileView]:
    """What the caller has sent, newest first; nobody else's."""
    mine = StoredFile.filter(case_id=member.case_id, person_id=member.person_id)
    return await _page(mine, Cursors(services.session_key, f"my-files:{member.id}"), cursor, limit)


@router.get("/cases/{case_id}/files")
async def list_files(
    case: ReadableCase, services: ServicesDep, cursor: CursorQuery = None, limit: LimitQuery = 20
) -> Page[FileView]:
    """What the case's parties have sent, newest first."""
    return await _page(
        StoredFile.filter(case_id=case.id), Cursors(services.session_key, f"files:{case.id}"), cursor, limit
    )


async def _page(files: QuerySet[StoredFile], cursors: Cursors, cursor: str | None, limit: int) -> Page[FileView]:
    place = cursors.read(cursor)
    if place is not None:
        files = files.filter(earlier_than("created_at", place))
    rows = await files.order_by("-created_at", "-id").limit(limit + 1)
    return cursors.page(rows, limit, lambda row: (row.created_at, row.id), FileView.model_validate)


@router.get("/cases/{case_id}/files/{file_id}", response_class=StreamingResponse, responses=CONTENT)
async def read_file(file_id: UUID, case: ReadableCase, actor: ActorDep, services: ServicesDep) -> StreamingResponse:
    """A file's content, as an attachment; the read is recorded."""
    file = await StoredFile.get_or_none(id=file_id, case_id=case.id)
    return await handed_out(services, await files.access_file(actor, file, relation=relation_of(actor, case)))
