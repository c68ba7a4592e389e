"""What a message says, for whoever has to say it in its place."""

from __future__ import annotations

from uuid import UUID

from pydantic import ValidationError

from delivery.contexts import CONTEXTS
from delivery.models import CONTEXT, Message
from delivery.notice import Notice
from delivery.wording import say
from kit.crypto import CryptoError, vault


async def words_of(message_id: UUID) -> str | None:
    """The message as the chat would have shown it, in full; None where it has no such words or cannot be read."""
    message = await Message.get_or_none(id=message_id)
    if message is None:
        return None
    try:
        plain = vault().ring.open(message.context, CONTEXT)
        context = CONTEXTS[Notice(message.notice)].model_validate_json(plain, extra="ignore")
    except (CryptoError, ValidationError):
        return None
    return next(iter(say(context).chat), None)
