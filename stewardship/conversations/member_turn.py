"""A message of somebody who is in at least one group: from the record, to a person, into the files, or a rating."""

from __future__ import annotations

import base64
import re
from datetime import datetime, timedelta
from uuid import UUID

from kit.crypto import vault
from stewardship.casework.appointments import service as booking
from stewardship.casework.groups import service as groups
from stewardship.casework.groups.models import Member
from stewardship.conversations import appointments, rating_turn, texts
from stewardship.conversations.context import Context, load
from stewardship.conversations.intents import RECORD_KINDS, intent_of
from stewardship.conversations.models import Conversation
from stewardship.conversations.record_answers import compose, write_down
from stewardship.conversations.said import CHOOSE, NOTHING, Reply, Said, SaidKind
from stewardship.conversations.turn import Turn
from stewardship.dialogue.answering.record import moment, officer_title
from stewardship.dialogue.answering.understanding import Intent
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.dialogue.inquiries.models import TEXT, InquiryKind
from stewardship.foundation.files import service as files
from stewardship.foundation.files.rules import receipt_of
from stewardship.opinion.ratings import service as ratings

CHOICE_HOLDS = timedelta(minutes=30)
"""How long a chosen case stays the one meant."""
PENDING_HOLDS = timedelta(minutes=10)
"""How long a message waits for its case to be chosen; then it goes to the newest one, so that none is lost."""
TEXT_LENGTH = 2000
BOOKING = "book:"
_HEX_ID = re.compile(r"[0-9a-f]{32}")


class MemberTurn:
    """A message of somebody who is in at least one group."""

    def __init__(self, turn: Turn, context: Context) -> None:
        self.turn, self.context, self.said, self.actor = turn, context, turn.said, turn.actor

    async def take(self) -> Reply:
        if self.said.item_id.startswith(rating_turn.ITEM):
            return await self.rated() or NOTHING
        if self.said.item_id.startswith(BOOKING):
            return await self.book_item()
        chosen = await self.choose_if_asked()
        if chosen is not None:
            return chosen
        if self.said.media_id and not self.said.text:
            return await self.material(voice=self.said.kind is SaidKind.VOICE)
        if not (self.said.text.strip() or self.said.menu_key):
            return Reply(texts.HELP, outcome="help")
        return await self.short_answer() or await self.act(intent_of(self.said) or Intent.ASK)

    async def short_answer(self) -> Reply | None:
        """A digit or a score that answers something we asked."""
        return await self.pick_by_digit() or await self.rated()

    async def rated(self) -> Reply | None:
        return await rating_turn.rated(self.turn, self.context.person_id)

    async def act(self, intent: Intent) -> Reply:
        match intent:
            case Intent.HELP:
                return Reply(texts.HELP, outcome="help")
            case Intent.THANKS:
                return Reply(texts.THANKS, outcome="thanks")
            case Intent.RATE:
                return await self.offer_rating()
            case Intent.MY_CASES:
                return await self.list_cases()
        if self.context.facts is None:
            return await self.ask_which_case(intent)
        return await self.about_case(intent)

    async def about_case(self, intent: Intent) -> Reply:
        """What concerns the case that is clearly meant."""
        match intent:
            case Intent.STATUS | Intent.WHO:
                return await self.from_record(intent)
            case Intent.CHALLENGE:
                return await self.challenge()
            case Intent.CALL_BACK:
                return await self.ask(InquiryKind.CALL_BACK, texts.CALL_BACK, repeat=True)
            case Intent.EMERGENCY:
                reply = await self.ask(InquiryKind.QUESTION, texts.ASKED, repeat=True, threat=True)
                return Reply(f"{texts.EMERGENCY}\n{reply.text}", outcome="emergency")
        return await self.ask(InquiryKind.QUESTION, texts.ASKED)

    async def from_record(self, intent: Intent) -> Reply:
        answer = compose(self.context, self.turn.speaker, self.said, RECORD_KINDS[intent])
        if answer is None:
            return await self.ask_which_case(intent)
        await write_down([answer], self.turn.at)
        return Reply(answer.answer, outcome=answer.kind.value)

    async def ask(self, kind: InquiryKind, words: str, *, repeat: bool = False, threat: bool = False) -> Reply:
        """Put it to a person. The first message is acknowledged with the time an answer is due; those after are not."""
        member = await Member.get(id=self.context.member_id)
        asked = await inquiries.ask(
            self.actor,
            member,
            (self.said.text or self.said.menu_key)[:TEXT_LENGTH],
            channel=self.turn.speaker.channel,
            source_key=self.said.source_key,
            kind=kind,
            threat=threat,
        )
        if not asked.is_new and not repeat:
            return Reply(outcome="joined_inquiry")
        return Reply(self.promise(words, asked.due_at), outcome="asked")

    def promise(self, words: str, due_at: datetime | None) -> str:
        """An acknowledgement with who answers and by when."""
        facts = self.context.facts
        unit = facts.unit_name if facts else ""
        officer = officer_title(facts.steward_name) if facts else ""
        return words.format(unit=unit, officer=officer, due=moment(due_at) if due_at else "值班时间开始后")

    async def challenge(self) -> Reply:
        """The record did not answer: the original question goes to a person, with its original clock."""
        if self.context.inquiry_id is None or self.context.inquiry_waits:
            return await self.ask(InquiryKind.QUESTION, texts.ASKED, repeat=True)
        asked = await inquiries.challenge(
            self.actor,
            self.context.inquiry_id,
            self.said.text,
            channel=self.turn.speaker.channel,
            source_key=self.said.source_key,
        )
        return Reply(self.promise(texts.CHALLENGED, asked.due_at), outcome="challenged")

    async def material(self, *, voice: bool = False) -> Reply:
        """A picture, file or voice without words: kept as submitted material, and put to a person with the inquiry."""
        if self.context.facts is None:
            return await self.ask_which_case(Intent.ASK)
        case_id = self.context.case_id
        file = await files.announce(
            self.actor,
            media_id=self.said.media_id,
            person_id=self.context.person_id,
            case_id=case_id,
            origin=self.turn.speaker.channel,
            key=self.said.source_key,
        )
        member = await Member.get(id=self.context.member_id)
        label = "[语音]" if voice else "[图片]" if self.said.kind is SaidKind.PICTURE else "[文件]"
        asked = await inquiries.ask(
            self.actor,
            member,
            label,
            channel=self.turn.speaker.channel,
            source_key=self.said.source_key,
            kind=InquiryKind.MATERIAL,
            file_id=file.id,
        )
        due = texts.MATERIAL_DUE.format(due=moment(asked.due_at)) if asked.due_at else ""
        words = texts.UNREADABLE_VOICE if voice else texts.MATERIAL
        return Reply(words.format(receipt=receipt_of(file.id), due=due), outcome="material")

    async def list_cases(self) -> Reply:
        return await self.ask_which_case(Intent.MY_CASES)

    async def ask_which_case(self, intent: Intent) -> Reply:
        """Several cases and none chosen: the message waits, sealed, until its case is known."""
        members = await groups.joined_members(self.context.person_id)
        labels = await groups.case_labels([m.case_id for m in members])
        kept = await self._waiting_messages()
        if intent is not Intent.MY_CASES:
            kept.append(self._sealed(intent))
        await self.turn.remember(
            {"kind": "choose_case", "members": [str(m.id) for m in members], "messages": kept}, PENDING_HOLDS
        )
        return Reply(texts.CHOOSE_CASE, outcome="choose_case", options=tuple(labels))

    async def _waiting_messages(self) -> list[dict[str, str]]:
        conversation = await Conversation.get_or_none(identity_id=self.context.identity_id)
        pending = conversation.pending if conversation else None
        return list(pending["messages"]) if pending and pending.get("kind") == "choose_case" else []

    def _sealed(self, intent: Intent) -> dict[str, str]:
        body = vault().ring.seal_text((self.said.text or self.said.menu_key)[:TEXT_LENGTH], TEXT)
        return {
            "intent": intent.value,
            "kind": self.said.kind.value,
            "source_key": self.said.source_key,
            "media_id": self.said.media_id,
            "text": base64.b64encode(body).decode(),
        }

    async def choose_if_asked(self) -> Reply | None:
        """A tap or a number answers the question which case, if it was asked; None for a further message."""
        conversation = await Conversation.get_or_none(identity_id=self.context.identity_id)
        pending = conversation.pending if conversation else None
        tapped = self.said.item_id.startswith(f"{CHOOSE}:")
        if pending and pending.get("kind") == "choose_case" and self.said.kind is SaidKind.TEXT:
            return await self.choose(pending, self.said.item_id.partition(":")[2] if tapped else self.said.text.strip())
        # A list from before must not choose from another one, and its number is no rating.
        return await self.list_cases() if tapped else None

    async def choose(self, pending: dict[str, object], number: str) -> Reply | None:
        members = pending.get("members")
        if not isinstance(members, list) or not number.isdigit():
            return None
        if not 1 <= int(number) <= len(members):
            return Reply(texts.NO_SUCH_CHOICE, outcome="no_such_choice")
        return await settle(self.turn, UUID(str(members[int(number) - 1])), pending)

    async def book_item(self) -> Reply:
        """A tap on one of the times of an offer: `book:<appointment>:<number>`, 0 for none of them."""
        _, _, rest = self.said.item_id.partition(":")
        id_, _, number = rest.rpartition(":")
        if not _HEX_ID.fullmatch(id_) or number not in {"0", "1", "2", "3"}:
            return Reply(texts.NO_SUCH_CHOICE, outcome="no_such_choice")
        return await self.book(UUID(id_), int(number))

    async def book(self, appointment_id: UUID, number: int) -> Reply:
        channel = self.turn.speaker.channel
        if number == appointments.NONE_SUITS:
            asked = await appointments.ask_other_times(
                self.actor, appointment_id, "", channel=channel, source_key=self.said.source_key
            )
            return Reply(self.promise(texts.OTHER_TIMES, asked.due_at), outcome="other_times")
        booked = await booking.book(self.actor, appointment_id, number, channel=channel)
        return await appointments.booked_reply(booked)

    async def pick_by_digit(self) -> Reply | None:
        """A bare digit picks a time where nothing else is open; where it may be a rating as well, it is asked back."""
        meant = await appointments.meaning_of(self.context.person_id, self.said.text)
        if meant is None or all(question.kind == appointments.RATING for question in meant.questions):
            # Ratings alone are told apart below, as before.
            return None
        if len(meant.questions) > 1:
            one, other = await appointments.ask_back(self.context.person_id, meant)
            return Reply(texts.WHICH_QUESTION.format(one=one.label, other=other.label), outcome="which_question")
        return await self.book(meant.questions[0].id, meant.number)

    async def offer_rating(self) -> Reply:
        open_ratings = await ratings.open_for(self.context.person_id)
        return Reply(texts.RATE if open_ratings else texts.NOTHING_TO_RATE, outcome="rate")


async def settle(turn: Turn, member_id: UUID, pending: dict[str, object]) -> Reply:
    """The case is known: what waited for it is taken in, in its order; the last answer is given."""
    member = await Member.get(id=member_id, person_id=turn.identity.person_id)
    await Conversation.update_or_create(
        identity_id=turn.identity.id,
        defaults={"case_id": member.case_id, "pending": None, "pending_until": None, "updated_at": turn.at},
    )
    contexts = await load([turn.speaker], chosen_since=turn.at - CHOICE_HOLDS, at=turn.at)
    context = contexts[0]
    messages = pending.get("messages")
    if context is None or context.facts is None:
        return NOTHING
    reply = Reply(texts.CHOSEN.format(reference=context.facts.reference), outcome="case_chosen")
    for kept in messages if isinstance(messages, list) else []:
        said = Said(
            SaidKind(kept["kind"]),
            kept["source_key"],
            text=vault().ring.open_text(base64.b64decode(kept["text"]), TEXT),
            media_id=kept["media_id"],
        )
        again = Turn(turn.speaker, said, turn.identity, turn.actor, turn.at)
        inner = MemberTurn(again, context)
        answer = await inner.material() if said.media_id else await inner.about_case(Intent(kept["intent"]))
        reply = answer if answer.text else reply
    return reply
