"""One file out of a multipart form, as a stream: its bytes go straight into encryption, never to a temporary file.

FastAPI's own form parsing would spool the file to the disk in the clear.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from stewardship.foundation.errors import Invalid

FIELD = b"file"
BODY_SCHEMA: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary", "description": "Up to 20 MB."}},
                }
            }
        },
    }
}


class _FilePart:
    """Collects the data of the first part named `file`; other parts are passed over."""

    def __init__(self, boundary: bytes) -> None:
        self.collected = bytearray()
        self.complete = False
        self._header, self._value = bytearray(), bytearray()
        self._name: bytes | None = None
        self._taking = self._seen = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": lambda data, start, end: self._header.extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._data,
                "on_part_end": self._part_end,
                "on_end": self._end,
            },
        )

    def feed(self, chunk: bytes) -> bytes:
        """The file's bytes in this chunk of the body. Raises Invalid for what is no form."""
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise _malformed() from error
        data = bytes(self.collected)
        self.collected.clear()
        return data

    def _begin(self) -> None:
        self._name = None

    def _header_end(self) -> None:
        if bytes(self._header).lower() == b"content-disposition":
            self._name = parse_options_header(bytes(self._value))[1].get(b"name")
        self._header.clear()
        self._value.clear()

    def _headers_finished(self) -> None:
        self._taking = self._name == FIELD and not self._seen
        self._seen = self._seen or self._taking

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._taking:
            self.collected += data[start:end]

    def _part_end(self) -> None:
        self._taking = False

    def _end(self) -> None:
        self.complete = True


def _malformed() -> Invalid:
    return Invalid("upload_malformed", "上传没有成功", "请重新选择文件再试。")


async def file_content(request: Request) -> AsyncIterator[bytes]:
    """The content of the form's part `file`. Raises Invalid for what is no complete form."""
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise _malformed()
    try:
        part = _FilePart(boundary)
    except FormParserError as error:
        raise _malformed() from error
    async for chunk in request.stream():
        if data := part.feed(chunk):
            yield data
    if not part.complete:
        raise _malformed()
