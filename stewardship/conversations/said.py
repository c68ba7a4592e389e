"""What a citizen said, whatever the channel, and what they are answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID


class SaidKind(StrEnum):
    """What kind of thing came."""

    TEXT = "text"
    VOICE = "voice"
    PICTURE = "picture"
    FILE = "file"
    FOLLOWED = "followed"
    SCANNED = "scanned"
    UNFOLLOWED = "unfollowed"
    CLICKED = "clicked"
    OTHER = "other"


class MenuKey(StrEnum):
    """The buttons of the official account's menu."""

    MY_CASES = "my_cases"
    STATUS = "status"
    CALL_BACK = "call_back"
    RATE = "rate"


@dataclass(frozen=True, slots=True)
class Said:
    """One message or touch. `source_key` is equal for repetitions of the same thing and for nothing else."""

    kind: SaidKind
    source_key: str
    text: str = ""
    scene: str = ""
    menu_key: str = ""
    item_id: str = ""
    media_id: str = ""


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who said it: a user of one of our accounts, by the id the platform gave them."""

    app_id: str
    openid: str
    channel: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What to answer. An empty text means that nothing is to be said."""

    text: str = ""
    identity_id: UUID | None = None
    outcome: str = ""
    """A short code for the inbox and the metrics: `status`, `asked`, `joined`, …"""
    options: tuple[str, ...] = field(default=())
    """What can be chosen from, to be shown below the text and numbered from 1. A tap comes back as `CHOOSE:number`."""


CHOOSE = "choose"
NOTHING = Reply()
REPLY_SEAL = "inbox.reply"
"""The purpose under which a reply is kept sealed, for a repetition of the callback that it answered."""
CHAT_REPLY = "chat_reply"
"""The job that sends a reply where the platform shows none in its callback's answer: the mini-program's chat."""
