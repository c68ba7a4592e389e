"""One message being taken in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from stewardship.conversations.models import Conversation
from stewardship.conversations.said import Said, Speaker
from stewardship.foundation.actors import Actor
from stewardship.foundation.people.models import WechatIdentity


@dataclass(frozen=True, slots=True)
class Turn:
    """One message being taken in: who speaks, as whom, what, and when."""

    speaker: Speaker
    said: Said
    identity: WechatIdentity
    actor: Actor
    at: datetime

    async def remember(self, pending: dict[str, object] | None, holds: timedelta) -> None:
        """Keep what the next message of this identity must be read with."""
        await Conversation.update_or_create(
            identity_id=self.identity.id,
            defaults={"pending": pending, "pending_until": self.at + holds, "updated_at": self.at},
        )
