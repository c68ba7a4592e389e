"""How files are shown and handed out: as attachments, their content streamed out of its encryption."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field
from starlette.responses import StreamingResponse

from api.schemas import EXAMPLE_ID, View
from api.services import Services
from stewardship.foundation.errors import Gone
from stewardship.foundation.files.models import FileState, StoredFile
from stewardship.foundation.files.rules import TYPES

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


class AttachmentView(View):
    """A file that goes with an update."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    media_type: str = Field(examples=["application/pdf"])
    size: int = Field(examples=[204800], description="Bytes.")
    state: FileState = Field(examples=["clean"], description="Its content can be read once it is `clean`.")


async def handed_out(services: Services, file: StoredFile) -> StreamingResponse:
    """The content of a file whose reader was found to be allowed it, as an attachment. Raises Gone."""
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
        raise Gone("file_gone", "文件已按期清理", "如仍需要，请当事人重新发送。") from error
    return _chain(first, content)


async def _chain(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece
