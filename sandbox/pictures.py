"""Pictures that the platform draws: QR codes, and the sample picture that a phone sends."""

from __future__ import annotations

import base64
import io

import segno

SAMPLE_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
"""One pixel: what a phone sends where the caller gives no picture."""


def qr_png(text: str) -> bytes:
    picture = io.BytesIO()
    segno.make(text, error="m", micro=False).save(picture, kind="png", scale=8, border=3)
    return picture.getvalue()
