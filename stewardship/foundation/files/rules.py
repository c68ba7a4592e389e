"""What may be submitted: types told by content, never by name or by what the sender claims; sizes; retention."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from stewardship.foundation.errors import Invalid

MAX_BYTES = 20 * 1024 * 1024
HEAD_BYTES = 4096
"""Enough of a file's beginning to tell its type."""
KEPT = timedelta(days=3 * 365)
"""A file's own retention, from when it was submitted; a case's legal hold comes on top (PIPL 第十九条)."""
REJECTED_KEPT = timedelta(days=7)
"""What a scan rejected is kept a week, so that the officer can ask the party about it."""

TYPES = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "application/pdf": "pdf",
    "video/mp4": "mp4",
    "audio/mp4": "m4a",
    "audio/amr": "amr",
    "audio/mpeg": "mp3",
    "audio/silk": "silk",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}
"""Media types that are taken in, and the name's ending they are handed out with."""

_OFFICE = {
    b"word/": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    b"xl/": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_MP4_BRANDS = {b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"3gp4", b"3gp5", b"qt  "}
_STARTS = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"#!AMR", "audio/amr"),
    (b"#!SILK", "audio/silk"),
    (b"\x02#!SILK", "audio/silk"),
    (b"ID3", "audio/mpeg"),
)


def media_type_of(head: bytes) -> str | None:
    """The type that a file's first bytes show, or None for one that is not taken in.

    Sources: the formats' own signatures (PNG 1.2 section 3.1, JFIF, PDF 1.7 section 7.5.2, ISO/IEC 14496-12 `ftyp`,
    RFC 4867 for AMR, MPEG-1 layer III frame headers, ECMA-376 for the office formats).
    """
    for start, media_type in _STARTS:
        if head.startswith(start):
            return media_type
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp":
        return _mp4(head[8:12])
    if head[:4] == b"PK\x03\x04":
        return _office(head)
    return "audio/mpeg" if _is_mp3_frame(head) else None


def _mp4(brand: bytes) -> str | None:
    if brand in {b"M4A ", b"M4B "}:
        return "audio/mp4"
    return "video/mp4" if brand in _MP4_BRANDS else None


def _office(head: bytes) -> str | None:
    """An office file is a zip whose first entries are named by ECMA-376; any other zip is refused."""
    if b"[Content_Types].xml" not in head and b"_rels/.rels" not in head:
        return None
    return next((kind for part, kind in _OFFICE.items() if part in head), None)


def _is_mp3_frame(head: bytes) -> bool:
    """Sync word, layer III, and neither a forbidden bit rate nor sampling rate."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return False
    return head[1] & 0x18 != 0x08 and head[2] >> 4 not in {0, 15} and head[2] & 0x0C != 0x0C


def check_type(head: bytes) -> str:
    """The type. Raises Invalid for one that is not taken in."""
    media_type = media_type_of(head)
    if media_type is None:
        raise Invalid("file_type", "不支持这种文件", "可以发送照片、视频、录音、PDF 或 Word、Excel 文件。")
    return media_type


def check_size(size: int) -> None:
    """Raises Invalid for an empty or too large file."""
    if size == 0:
        raise Invalid("file_empty", "文件是空的", "请重新选择文件。")
    if size > MAX_BYTES:
        raise Invalid("file_too_large", "文件太大", "单个文件最多 20 MB，请压缩或分几次发送。")


def receipt_of(file_id: UUID) -> str:
    """The number under which a party and an officer talk about a file."""
    return file_id.hex[-8:].upper()
