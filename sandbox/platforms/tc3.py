"""The signature of Tencent Cloud's API 3.0 (签名方法 v3, TC3-HMAC-SHA256), checked as the service checks it."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from sandbox.config import SmsConfig
from sandbox.errors import SmsError

SERVICE = "sms"
MAX_SKEW = 300
_AUTHORIZATION = re.compile(
    r"TC3-HMAC-SHA256\s+Credential=([^/,]+)/(\d{4}-\d{2}-\d{2})/(\w+)/tc3_request,"
    r"\s*SignedHeaders=([\w\-;]+),\s*Signature=([0-9a-f]{64})"
)


def verify_signature(headers: Mapping[str, str], body: bytes, config: SmsConfig) -> None:
    """Raises SmsError AuthFailure.* where the request is not signed with the account's key, or is too old."""
    match = _AUTHORIZATION.fullmatch(headers.get("authorization", "").strip())
    if match is None:
        raise SmsError("AuthFailure.SignatureFailure", "The Authorization header is malformed.")
    secret_id, date, service, signed, signature = match.groups()
    if secret_id != config.secret_id:
        raise SmsError("AuthFailure.SecretIdNotFound", "The SecretId is not found.")
    timestamp = headers.get("x-tc-timestamp", "")
    _check_time(timestamp, date)
    names = signed.split(";")
    if service != SERVICE or not {"content-type", "host"} <= set(names):
        raise SmsError("AuthFailure.SignatureFailure", "Service or signed headers are wrong.")
    request = canonical_request(headers, names, body)
    expected = sign(config.secret_key, date, timestamp, request)
    if not hmac.compare_digest(expected, signature):
        raise SmsError("AuthFailure.SignatureFailure", "The provided credentials could not be validated.")


def _check_time(timestamp: str, date: str) -> None:
    """Transport: against real time."""
    if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > MAX_SKEW:
        raise SmsError("AuthFailure.SignatureExpire", "The signature has expired.")
    if datetime.fromtimestamp(int(timestamp), UTC).strftime("%Y-%m-%d") != date:
        raise SmsError("AuthFailure.SignatureFailure", "The credential's date is not the timestamp's.")


def canonical_request(headers: Mapping[str, str], names: list[str], body: bytes) -> str:
    """POST / without a query; values trimmed and in lower case, as the document prescribes."""
    lines = "".join(f"{name}:{headers.get(name, '').strip().lower()}\n" for name in names)
    return f"POST\n/\n\n{lines}\n{';'.join(names)}\n{hashlib.sha256(body).hexdigest()}"


def sign(secret_key: str, date: str, timestamp: str, request: str) -> str:
    scope = f"{date}/{SERVICE}/tc3_request"
    text = f"TC3-HMAC-SHA256\n{timestamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = _digest(_digest(_digest(f"TC3{secret_key}".encode(), date), SERVICE), "tc3_request")
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _digest(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
