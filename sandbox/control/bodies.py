"""Request bodies of the control API."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from sandbox.faults import FaultKind
from sandbox.model import AccountKey


class Body(BaseModel):
    """Unknown fields are refused, so that a misspelt one is not silently ignored."""

    model_config = ConfigDict(extra="forbid")


PhoneNumber = Annotated[str, Field(pattern=r"^1\d{10}$", examples=["19900000001"])]


class PhoneBody(Body):
    name: Annotated[str, Field(min_length=1, max_length=30, examples=["周晓禾"])]
    phone_number: PhoneNumber
    note: Annotated[str, Field(max_length=60, description="Shown under the name on the page.")] = ""


class NewPhoneBody(PhoneBody):
    id: Annotated[str, Field(pattern=r"^[\w-]{1,40}$")] | None = None


class PhonePatch(Body):
    name: Annotated[str, Field(min_length=1, max_length=30)] | None = None
    phone_number: PhoneNumber | None = None
    note: Annotated[str, Field(max_length=60)] | None = None
    sms_state: Literal["on", "off", "empty"] | None = None


class ScanBody(Body):
    """One of the three."""

    url: str = ""
    ticket: str = ""
    scene: str = ""


class MenuBody(Body):
    """One of the two."""

    key: str = ""
    name: str = ""


class MessageBody(Body):
    """A message that the person sends; which fields count depends on `type`."""

    account: AccountKey = "oa"
    type: Literal["text", "image", "voice", "video", "shortvideo", "location", "link", "miniprogrampage", "file"] = (
        "text"
    )
    content: str = ""
    recognition: Annotated[str, Field(description="What speech recognition understood.")] = ""
    data_base64: str = ""
    filename: str = ""
    latitude: float = 31.82
    longitude: float = 117.23
    scale: int = 16
    label: str = ""
    title: str = ""
    description: str = ""
    url: str = ""
    path: str = ""


class MsgmenuBody(Body):
    entry: Annotated[int, Field(description="seq of the feed entry that shows the msgmenu")]
    item: Annotated[str, Field(description="id of the item")]


class BlockBody(Body):
    blocked: bool = True
    account: AccountKey = "oa"


class LocationBody(Body):
    latitude: float
    longitude: float
    precision: float = 30.0


class OpenBody(Body):
    path: str = ""
    query: str = ""
    scene: Annotated[int, Field(description="Scene of entry: 1001 from the list, 1014 from a subscribe message.")] = (
        1001
    )


class PhoneCodeBody(Body):
    consent: bool = True


class SessionBody(Body):
    session_from: str = ""


class DecisionsBody(Body):
    account: AccountKey = "mp"
    decisions: Annotated[dict[str, Literal["accept", "reject"]], Field(description="template id → answer")]


class RefuseBody(Body):
    account: AccountKey = "mp"
    templates: Annotated[list[str], Field(min_length=1)]


class SmsBody(Body):
    text: Annotated[str, Field(min_length=1, max_length=500)]
    extend: str = ""


class ClockBody(Body):
    offset_seconds: float


class WechatPatch(Body):
    """How one WeChat account sends callbacks. What is not given stays."""

    url: str | None = None
    token: str | None = None
    aes_key: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{43}$")] | None = None
    mode: Literal["plain", "compatible", "safe"] | None = None
    format: Literal["xml", "json"] | None = None
    timeout: Annotated[float, Field(gt=0, le=60)] | None = None
    tries: Annotated[int, Field(ge=1, le=5)] | None = None
    recognition: bool | None = None
    enabled: bool | None = None
    pages: list[str] | None = None


class SmsPatch(Body):
    """How the SMS gateway behaves. What is not given stays."""

    report_url: str | None = None
    reply_url: str | None = None
    report_delay: Annotated[float, Field(ge=0)] | None = None
    unknown_numbers: Literal["fail", "deliver"] | None = None
    timeout: Annotated[float, Field(gt=0, le=60)] | None = None
    tries: Annotated[int, Field(ge=1, le=5)] | None = None
    same_content_per_30_seconds: Annotated[int, Field(ge=1)] | None = None
    per_day: Annotated[int, Field(ge=1)] | None = None


class FieldBody(Body):
    key: Annotated[str, Field(examples=["thing1"])]
    label: str


class TemplateBody(Body):
    """WeChat templates have `fields`, SMS templates `text` with {1}, {2} …"""

    id: Annotated[str, Field(min_length=1)]
    title: str = ""
    fields: list[FieldBody] = []
    text: str = ""
    state: Literal["approved", "pending", "rejected"] = "approved"
    term: Literal["one_time", "long_term"] = "one_time"


class FaultBody(Body):
    kind: FaultKind
    path: str = ""
    account: Literal["", "oa", "mp", "sms"] = ""
    times: Annotated[int, Field(ge=1)] = 1
    errcode: int = -1
    errmsg: str = ""
    code: str = ""
    seconds: Annotated[float, Field(ge=0)] = 30.0
    status: Annotated[int, Field(ge=400, le=599)] = 502
    copies: Annotated[int, Field(ge=2, le=20)] = 2


class QuotaBody(Body):
    path: str
    day: int | None = None
    minute: int | None = None


class StoryBody(Body):
    number: int
    title: str
    state: Literal["pending", "running", "passed", "failed"] = "running"
    detail: str = ""


class ResetBody(Body):
    templates: bool = False
