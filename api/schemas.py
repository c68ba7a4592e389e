"""What schemas share: strict payloads, and texts without characters that a database or a screen cannot take."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

PRINTABLE = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
"""Everything but control characters; tab and line breaks are allowed."""


class Payload(BaseModel):
    """What is sent to us: unknown fields are refused, texts are trimmed, line ends are one kind."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, hide_input_in_errors=True, frozen=True)

    @field_validator("*", mode="after")
    @classmethod
    def _one_kind_of_line_end(cls, value: Any) -> Any:
        return value.replace("\r\n", "\n").replace("\r", "\n") if type(value) is str else value


class View(BaseModel):
    """What we send."""

    model_config = ConfigDict(from_attributes=True)


def words(max_length: int, min_length: int = 1) -> StringConstraints:
    """Constraints of a text in characters."""
    return StringConstraints(min_length=min_length, max_length=max_length, pattern=PRINTABLE, strip_whitespace=True)


Reason = Annotated[str, words(120), Field(description="Kept and shown to inspectors.", examples=["当事人本人要求"])]
ClientKey = Annotated[
    str,
    StringConstraints(min_length=8, max_length=64, pattern=r"^[0-9A-Za-z_-]+$"),
    Field(
        description="Made by the client for one tap; repeating the request with it changes nothing.",
        examples=["01JZX5M9K3QW8T7R6E5D4C3B2A"],
    ),
]
EXAMPLE_ID = UUID("01932c07-5d2e-7c3a-9b1f-2f6d8a4e5c70")


class Done(View):
    """It is done."""

    done: bool = Field(default=True, examples=[True])
