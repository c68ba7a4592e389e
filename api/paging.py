"""Cursor paging: `(sort value, id)` of the last row, signed, so that it can neither be read as a filter nor forged."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Generic, TypeVar
from uuid import UUID

import orjson
from fastapi import Query
from pydantic import BaseModel, Field

from stewardship.foundation.errors import Invalid

MAX_LIMIT = 100
SIGNATURE_BYTES = 16

T = TypeVar("T")
R = TypeVar("R")

CursorQuery = Annotated[
    str | None,
    Query(max_length=200, description="`next` of the page before; absent for the first page.", examples=[None]),
]
LimitQuery = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Rows a page.", examples=[20])]


class Page(BaseModel, Generic[T]):
    """One page of a list."""

    items: list[T]
    next: str | None = Field(default=None, description="Cursor of the next page; null on the last.", examples=[None])


class Cursors:
    """Makes and reads the cursors of one list. A cursor of another list does not fit."""

    def __init__(self, key: bytes, name: str) -> None:
        self._key = hashlib.sha256(b"cursor\0" + name.encode() + b"\0" + key).digest()

    def make(self, at: datetime, row_id: UUID) -> str:
        body = orjson.dumps([at.isoformat(), str(row_id)])
        return base64.urlsafe_b64encode(self._sign(body) + body).decode()

    def read(self, cursor: str | None) -> tuple[datetime, UUID] | None:
        """Where the page before ended. Raises Invalid `bad_cursor` for one that is not ours."""
        if cursor is None:
            return None
        try:
            raw = base64.b64decode(cursor.encode(), altchars=b"-_", validate=True)
            signature, body = raw[:SIGNATURE_BYTES], raw[SIGNATURE_BYTES:]
            # The last character has bits that decoding ignores: only the one way of writing it is ours.
            canonical = base64.urlsafe_b64encode(raw).decode() == cursor
            if not canonical or not hmac.compare_digest(signature, self._sign(body)):
                raise ValueError("signature")
            at, row_id = orjson.loads(body)
            return datetime.fromisoformat(at), UUID(row_id)
        except (ValueError, TypeError) as error:
            raise Invalid("bad_cursor", "翻页标记无效", "请从第一页重新开始。") from error

    def page(
        self,
        rows: Sequence[R],
        limit: int,
        place: Callable[[R], tuple[datetime, UUID]],
        render: Callable[[R], T],
    ) -> Page[T]:
        """A page from `limit + 1` rows that were asked for: the surplus row says that there is more."""
        shown = rows[:limit]
        more = self.make(*place(shown[-1])) if len(rows) > limit and shown else None
        return Page(items=[render(row) for row in shown], next=more)

    def _sign(self, body: bytes) -> bytes:
        return hmac.new(self._key, body, hashlib.sha256).digest()[:SIGNATURE_BYTES]
