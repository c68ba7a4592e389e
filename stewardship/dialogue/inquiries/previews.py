"""What each party will read before it is sent: an officer sees their words as they arrive."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from delivery.wording import say
from stewardship.dialogue.inquiries import notices
from stewardship.dialogue.inquiries.common import check_text, in_scope, one_for_each_party
from stewardship.foundation.actors import Actor


@dataclass(frozen=True, slots=True)
class Preview:
    """The message to one party, as a chat shows it in full."""

    person_id: UUID
    text: str


async def preview(actor: Actor, inquiry_id: UUID, text: str, *, asks_back: bool = False) -> list[Preview]:
    """How an answer, or a question in return, would read to each party who gets it. Nothing is sent.

    Raises NotFound outside the officer's scope, Invalid for an empty or overlong text.
    """
    check_text(text)
    inquiry = await in_scope(actor, inquiry_id)
    context = notices.clarification if asks_back else notices.answered
    to = [inquiry] if asks_back else await one_for_each_party(inquiry)
    return [Preview(each.person_id, str(say(await context(each, text)).chat[0])) for each in to]
