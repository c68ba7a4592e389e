"""SMS by Tencent Cloud's interface SendSms, signed with TC3-HMAC-SHA256.

Sources: 腾讯云文档 «发送短信» (SendSms, API 2021-01-11), «签名方法 v3», «错误码». Times are real, not the domain's.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from settings import SmsAccount
from wechat.answers import fields, optional_text
from wechat.errors import (
    Ambiguous,
    BadContent,
    BadRecipient,
    BadTemplateData,
    Busy,
    CallError,
    CountExceeded,
    MalformedAnswer,
    Misconfigured,
    PlatformError,
    QuotaExceeded,
    Refused,
)
from wechat.wire import Client, Url, exchange, json_object

MAX_NUMBERS = 200
"""In one call."""
MAX_CONTEXT = 512
"""Bytes of a session context."""
REGION = "ap-guangzhou"

_CONTENT_TYPE = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class SmsResult:
    """What the gateway says of one number."""

    phone: str = field(repr=False)
    serial_no: str
    """Under which the delivery report comes; empty if it was not accepted."""
    segments: int
    """How many messages are charged."""
    error: CallError | None
    """None: accepted. Ambiguous: it may be on its way. Else a PlatformError that says what follows."""


class SmsGateway:
    """The account's SMS gateway."""

    def __init__(
        self,
        http: Client,
        account: SmsAccount,
        *,
        base_url: str,
        region: str = REGION,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._http = http
        self._account = account
        self._url = Url(base_url).join("/")
        self._region = region
        self._clock = clock

    async def send(
        self, phones: Sequence[str], template_id: str, values: Sequence[str], *, session_context: str
    ) -> tuple[SmsResult, ...]:
        """Send one approved template to 1 to 200 different numbers (E.164), one result for each, in their order.

        `session_context`, our message id, comes back in the answer and stands in the gateway's records; delivery
        reports name the serial number only. Not idempotent. Raises NotSent and PlatformError (nobody got anything),
        Ambiguous (all may have), ValueError for a wrong number of numbers or too long a context.
        """
        if not 0 < len(phones) <= MAX_NUMBERS or len(set(phones)) != len(phones):
            raise ValueError("one call takes 1 to 200 different numbers")
        if len(session_context.encode()) > MAX_CONTEXT:
            raise ValueError("a session context has at most 512 bytes")
        body = orjson.dumps(
            {
                "PhoneNumberSet": list(phones),
                "SmsSdkAppId": self._account.app_id,
                "SignName": self._account.sign_name,
                "TemplateId": template_id,
                "TemplateParamSet": list(values),
                "SessionContext": session_context,
            }
        )
        answer = await exchange(self._http, "POST", str(self._url), body=body, headers=self._headers("SendSms", body))
        return _results(phones, fields(json_object(answer.body).get("Response")))

    def _headers(self, action: str, body: bytes) -> dict[str, str]:
        timestamp = int(self._clock())
        host = _host(self._url)
        return {
            "Authorization": authorization(
                self._account.secret_id,
                self._account.secret_key.get_secret_value(),
                service="sms",
                headers={"content-type": _CONTENT_TYPE, "host": host, "x-tc-action": action.lower()},
                body=body,
                timestamp=timestamp,
            ),
            "Content-Type": _CONTENT_TYPE,
            "Host": host,
            "X-TC-Action": action,
            "X-TC-Timestamp": str(timestamp),
            "X-TC-Version": "2021-01-11",
            "X-TC-Region": self._region,
        }


def authorization(
    secret_id: str, secret_key: str, *, service: str, headers: Mapping[str, str], body: bytes, timestamp: int
) -> str:
    """The Authorization header of a POST to `/` («签名方法 v3»). `headers`: those signed, lower case, names sorted."""
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    canonical = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    date = datetime.fromtimestamp(timestamp, UTC).date().isoformat()
    scope = f"{date}/{service}/tc3_request"
    text = f"TC3-HMAC-SHA256\n{timestamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"TC3{secret_key}".encode()
    for part in (date, service, "tc3_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    return f"TC3-HMAC-SHA256 Credential={secret_id}/{scope}, SignedHeaders={names}, Signature={signature}"


def _host(url: Url) -> str:
    """As the HTTP client writes it: the port only where it is not the scheme's own."""
    return url.authority


def _results(phones: Sequence[str], response: Mapping[str, Any]) -> tuple[SmsResult, ...]:
    if isinstance(error := response.get("Error"), Mapping):
        raised = _error(optional_text(error, "Code"), optional_text(error, "Message"))
        raise raised
    statuses = response.get("SendStatusSet")
    if not isinstance(statuses, list):
        raise MalformedAnswer("SendStatusSet")
    found = {optional_text(each, "PhoneNumber"): each for each in statuses if isinstance(each, Mapping)}
    return tuple(_result(phone, found.get(phone)) for phone in phones)


def _result(phone: str, status: Mapping[str, Any] | None) -> SmsResult:
    if status is None:
        return SmsResult(phone, "", 0, MalformedAnswer("the gateway does not mention this number"))
    code, fee = optional_text(status, "Code"), status.get("Fee")
    error = None if code == "Ok" else _error(code, optional_text(status, "Message"))
    serial_no = optional_text(status, "SerialNo")
    if error is None and not serial_no:
        error = MalformedAnswer("SerialNo")
    return SmsResult(phone, serial_no, fee if isinstance(fee, int) else 0, error)


_KINDS: tuple[tuple[str, type[PlatformError]], ...] = (
    # The first prefix that fits decides.
    ("RequestLimitExceeded", Busy),
    ("InternalError", Busy),
    ("LimitExceeded.PhoneNumberCountLimit", BadContent),
    ("LimitExceeded.PhoneNumber", CountExceeded),
    ("LimitExceeded", QuotaExceeded),
    ("FailedOperation.PhoneNumberInBlacklist", Refused),
    ("InvalidParameterValue.IncorrectPhoneNumber", BadRecipient),
    ("FailedOperation.TemplateP", BadTemplateData),
    ("FailedOperation.TemplateIncorrect", BadTemplateData),
    ("FailedOperation.TemplateUnapproved", BadTemplateData),
    ("InvalidParameterValue.TemplateParameter", BadTemplateData),
    ("InvalidParameterValue.ProhibitedUseUrl", BadTemplateData),
    ("FailedOperation.ContainSensitiveWord", BadContent),
    ("InvalidParameterValue.ContentLengthLimit", BadContent),
    ("FailedOperation.InsufficientBalance", Misconfigured),
    ("FailedOperation.SignatureIncorrect", Misconfigured),
    ("InvalidParameterValue.SdkAppIdNotExist", Misconfigured),
    ("AuthFailure", Misconfigured),
    ("UnauthorizedOperation", Misconfigured),
    ("UnsupportedRegion", Misconfigured),
)
_UNCLEAR = ("InternalError.Timeout", "InternalError.SendAndRecvFail")
"""The gateway itself does not know whether the message went out."""


def _error(code: str, message: str) -> CallError:
    if code.startswith(_UNCLEAR):
        return Ambiguous(code)
    if not code:
        return MalformedAnswer("Code")
    kind = next((kind for prefix, kind in _KINDS if code.startswith(prefix)), PlatformError)
    return kind(code, message)
