"""Submitted material: a party sends it, the officers of the case read it once its scan has passed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import StreamingResponse
from tortoise.queryset import QuerySet

from api import limits
from api.deps import ActorDep, OwnMember, ReadableCase, ServicesDep
from api.paging import CursorQuery, Cursors, LimitQuery, Page
from api.schemas import EXAMPLE_ID, ClientKey, View
from api.uploads import BODY_SCHEMA, file_content
from kit.database import earlier_than
from stewardship.casework.cases.service import relation_of
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.dialogue.inquiries.models import InquiryKind
from stewardship.foundation.errors import Gone
from stewardship.foundation.files import service as files
from stewardship.foundation.files.models import FileState, StoredFile
from stewardship.foundation.files.rules import TYPES

router = APIRouter(tags=["files"])

CONTENT: dict[int | str, dict[str, Any]] = {
    200: {"content": {media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in TYPES}}
}


class FileView(View):
    """Submitted material; its content can be read once it is `clean`."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    media_type: str = Field(examples=["image/jpeg"], description="As its content shows; empty until it is fetched.")
    size: int = Field(examples=[204800], description="Bytes.")
    state: FileState = Field(examples=["clean"])
    created_at: datetime = Field(examples=["2026-03-02T02:00:00Z"])
    inquiry_id: UUID | None = Field(examples=[None])


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
    file = await files.access_file(actor, file, relation=relation_of(actor, case))
    content = await _started(services.files.read(file.id))
    headers = {
        "Content-Disposition": f'attachment; filename="{file.id}.{TYPES.get(file.media_type, "bin")}"',
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return StreamingResponse(content, media_type=file.media_type, headers=headers)


async def _started(content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same content with its first piece in hand, so that a missing blob is an error and not half an answer."""
    try:
        first = await anext(content)
    except (FileNotFoundError, StopAsyncIteration) as error:
        raise Gone("file_gone", "文件已按期清理", "如仍需要,请当事人重新发送。") from error
    return _chain(first, content)


async def _chain(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece
