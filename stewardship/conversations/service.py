"""The only entry for a citizen's message, from any channel.

`receive` decides what a message is and calls one command for it, all on the caller's transaction: the raw row, the
effects and the answer commit together. `answer_from_record` is the same for what the record answers at once, for many
speakers in a few statements; both say the same things.

A stranger, a person who left, and the holder of a stolen phone are answered by the same words on the same path.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from kit import clock
from kit.database import in_transaction
from stewardship.casework.groups import service as groups
from stewardship.casework.groups.models import Invitation, Member, MemberState
from stewardship.conversations import appointments, texts
from stewardship.conversations.context import Context, load
from stewardship.conversations.intents import RECORD_KINDS, intent_of
from stewardship.conversations.member_turn import CHOICE_HOLDS, TEXT_LENGTH, MemberTurn, settle
from stewardship.conversations.models import Conversation
from stewardship.conversations.rating_turn import rated
from stewardship.conversations.record_answers import compose, write_down
from stewardship.conversations.said import Reply, Said, SaidKind, Speaker
from stewardship.conversations.turn import Turn
from stewardship.dialogue.answering.understanding import Intent, understand
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.dialogue.inquiries.models import InquiryKind
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.errors import BusinessError, Gone
from stewardship.foundation.people import service as people
from stewardship.foundation.people.models import Platform, ProtectionPlan, WechatIdentity
from stewardship.foundation.people.rules import PHONE, usable
from stewardship.opinion.ratings import rules as rating_rules
from stewardship.opinion.ratings import service as ratings

SMS = "sms"
UNLOCKED = timedelta(minutes=10)
"""How long a protected person need not repeat the code word."""


@dataclass(frozen=True, slots=True)
class Question:
    """A message that the record may answer: who, what, and how it is recognised."""

    speaker: Speaker
    said: Said
    intent: Intent


def question_for_record(speaker: Speaker, said: Said) -> Question | None:
    """The message as a question to the record, or None where it has to go the longer way."""
    intent = intent_of(said)
    return Question(speaker, said, intent) if intent in RECORD_KINDS else None


async def answer_from_record(questions: Sequence[Question]) -> list[Reply | None]:
    """Answer what the record answers, on the caller's transaction; None for a speaker who must go the longer way."""
    at = clock.now()
    contexts = await load([q.speaker for q in questions], chosen_since=at - CHOICE_HOLDS, at=at)
    answers = [
        compose(c, q.speaker, q.said, RECORD_KINDS[q.intent]) if c is not None and not c.protected else None
        for q, c in zip(questions, contexts, strict=True)
    ]
    await write_down([a for a in answers if a is not None], at)
    return [Reply(a.answer, a.context.identity_id, a.kind.value) if a is not None else None for a in answers]


async def receive(speaker: Speaker, said: Said) -> Reply:
    """Take in one message, whatever it is, on the caller's transaction, and say what to answer."""
    platform = Platform.OFFICIAL_ACCOUNT if speaker.channel == "oa" else Platform.MINI_PROGRAM
    identity = await people.identity_of(platform, speaker.app_id, speaker.openid)
    # One person's messages are taken in one after the other, so that several in a row join one inquiry.
    identity = await WechatIdentity.select_for_update().get(id=identity.id)
    try:
        async with in_transaction():
            reply = await _Arrival(_turn(speaker, said, identity, clock.now())).take()
    except BusinessError as error:
        reply = Reply("\n".join(filter(None, (error.title + "。", error.detail))), outcome=error.code)
    return Reply(reply.text, identity.id, reply.outcome, reply.options)


def _turn(speaker: Speaker, said: Said, identity: WechatIdentity, at: datetime) -> Turn:
    known = identity.person_id if people.trusted(identity) else None
    return Turn(speaker, said, identity, Actor(ActorKind.CITIZEN, known, identity_id=identity.id), at)


class _Arrival:
    """A message of whoever it may be: a follower, a stranger, a protected person, a member."""

    def __init__(self, turn: Turn) -> None:
        self.turn, self.said, self.identity, self.actor, self.at = turn, turn.said, turn.identity, turn.actor, turn.at

    async def take(self) -> Reply:
        match self.said.kind:
            case SaidKind.FOLLOWED | SaidKind.SCANNED:
                return await self.arrive()
            case SaidKind.UNFOLLOWED:
                await WechatIdentity.filter(id=self.identity.id).update(following=False)
                return Reply(outcome="unfollowed")
        contexts = await load([self.turn.speaker], chosen_since=self.at - CHOICE_HOLDS, at=self.at)
        return await self.stranger() if contexts[0] is None else await self.known(contexts[0])

    async def known(self, context: Context) -> Reply:
        """Somebody we know and believe; whether they may hear anything is decided here."""
        spoken = context.protected and await self.says_code_word(context)
        if context.protected and not await self.unlocked(context, spoken=spoken):
            return await self.stranger()
        if context.memberships == 0:
            # Whoever has left was perhaps asked before, or for what was before, how it went.
            return await rated(self.turn, context.person_id) or await self.stranger()
        if spoken:
            # It asks for nothing, and must not stand in a thread.
            return Reply(texts.HELP, outcome="unlocked")
        return await MemberTurn(self.turn, context).take()

    async def arrive(self) -> Reply:
        """Followed or scanned; with a scene it is an invitation."""
        await WechatIdentity.filter(id=self.identity.id).update(following=True, refused=False)
        await people.ask_for_unionid(self.identity)
        if not self.said.scene:
            return Reply(texts.WELCOME, outcome="followed")
        if people.trusted(self.identity) and self.actor.id is not None:
            try:
                invitation = await groups.invitation_of(self.said.scene)
            except Gone:
                return Reply(texts.ALREADY_JOINED, outcome="already_joined")
            if (await Member.get(id=invitation.member_id)).person_id == self.actor.id:
                # WeChat has proved this person's phone before: the same person joins a further case at once.
                return await self.join_known(invitation)
        if not usable(self.identity.trust):
            return Reply(texts.HOW_TO_JOIN, outcome="stranger")
        await groups.open_invitation(self.actor, self.said.scene, self.identity.id)
        return Reply(texts.PROVE_PHONE, outcome="invitation_opened")

    async def join_known(self, invitation: Invitation) -> Reply:
        await groups.join_known(self.actor, invitation.id, self.identity.id)
        return Reply(texts.ALREADY_JOINED, outcome="joined")

    async def stranger(self) -> Reply:
        """Whom we do not know or believe. A number answers an opened invitation; all else says how to join."""
        text = self.said.text.strip()
        if understand(text) is Intent.EMERGENCY:
            return Reply(texts.EMERGENCY, outcome="emergency")
        digits = "".join(filter(str.isdigit, text)).removeprefix("86")
        invitation = await groups.opened_by(self.identity.id) if PHONE.match(digits) else None
        if invitation is None or not usable(self.identity.trust):
            return Reply(texts.HOW_TO_JOIN, outcome="stranger")
        proof = await groups.prove_phone(
            self.actor, invitation.id, self.identity.id, digits, verified_by_platform=False
        )
        if proof.outcome == "pending_approval":
            return Reply(texts.PENDING, outcome="pending_approval")
        if proof.tries_left:
            return Reply(texts.WRONG_PHONE.format(left=proof.tries_left), outcome="wrong_phone")
        return Reply(texts.NO_TRIES, outcome="invitation_void")

    async def unlocked(self, context: Context, *, spoken: bool) -> bool:
        """A protected person is a stranger until they say the code word, and for ten minutes after each message."""
        conversation = await Conversation.get_or_none(identity_id=context.identity_id)
        open_until = conversation.unlocked_until if conversation else None
        if not spoken and (open_until is None or open_until <= self.at):
            return False
        await Conversation.update_or_create(
            identity_id=context.identity_id, defaults={"unlocked_until": self.at + UNLOCKED}
        )
        return True

    async def says_code_word(self, context: Context) -> bool:
        plan = await ProtectionPlan.get_or_none(person_id=context.person_id)
        return plan is not None and people.is_code_word(plan, self.said.text)


async def receive_sms(phone: str, text: str, source_key: str) -> str:
    """A person answered an SMS: a time, a rating, else a question on their case, on the caller's transaction.

    The number must be a usable contact of exactly one person; who shares a phone is telephoned instead. An answer to
    nobody we know is kept in the inbox alone. Answers what became of it, as a short code.
    """
    person_id = await people.sole_holder(phone)
    if person_id is None:
        return "stranger"
    actor = Actor(ActorKind.CITIZEN, person_id)
    outcome = await _answer_by_sms(actor, person_id, phone, text, source_key)
    if outcome is not None:
        return outcome
    members = await _members_by_sms(person_id)
    intent = understand(text)
    if not members or intent is Intent.THANKS:
        return "no_reply_needed"
    await inquiries.ask(
        actor,
        members[0],
        text[:TEXT_LENGTH],
        channel=SMS,
        source_key=source_key,
        kind=InquiryKind.QUESTION,
        threat=intent is Intent.EMERGENCY,
    )
    return "asked"


async def _members_by_sms(person_id: UUID) -> list[Member]:
    joined = await groups.joined_members(person_id)
    return joined or await Member.filter(person_id=person_id, state=MemberState.INVITED).order_by("-invited_at")


async def _answer_by_sms(actor: Actor, person_id: UUID, phone: str, text: str, source_key: str) -> str | None:
    """What a digit or a score answers; None for everything else. What comes too late goes to a person as a message."""
    meant = await appointments.meaning_of(person_id, text)
    if meant is not None and len(meant.questions) > 1:
        one, other = await appointments.ask_back(person_id, meant)
        members = await _members_by_sms(person_id)
        if members:
            await appointments.notify_which(members[0], one, other)
        return "which_question"
    if meant is not None and meant.questions[0].kind == appointments.APPOINTMENT:
        try:
            return await appointments.answer(
                actor, meant.questions[0], meant.number, channel=SMS, source_key=source_key, text=text
            )
        except BusinessError:
            return None
    score = rating_rules.parse_score(text if meant is None else str(meant.number))
    open_ratings = await ratings.open_for_phone(phone) if score is not None else []
    if score is None or not open_ratings:
        return None
    rating_id = meant.questions[0].id if meant is not None else open_ratings[0].id
    await ratings.rate(actor, rating_id=rating_id, score=score[0], comment=score[1], channel=SMS)
    return "rated"


async def settle_unchosen(limit: int = 100) -> int:
    """Messages whose case nobody chose in time go to the person's newest case, so that none is lost; how many talks."""
    at = clock.now()
    waiting = await Conversation.filter(pending_until__lte=at, pending__isnull=False).limit(limit)
    settled = 0
    for conversation in waiting:
        settled += await _settle_one(conversation.identity_id, at)
    return settled


async def _settle_one(identity_id: UUID, at: datetime) -> bool:
    async with in_transaction():
        identity = await WechatIdentity.select_for_update().get(id=identity_id)
        conversation = await Conversation.get(identity_id=identity_id)
        pending = conversation.pending
        if not pending or conversation.pending_until is None or conversation.pending_until > at:
            return False
        conversation.pending = conversation.pending_until = None
        await conversation.save(update_fields=["pending", "pending_until"])
        members = pending.get("members") or []
        if pending.get("kind") != "choose_case" or not pending.get("messages") or not members:
            return False
        channel = "oa" if identity.platform is Platform.OFFICIAL_ACCOUNT else "mp"
        turn = _turn(Speaker(identity.app_id, identity.openid, channel), Said(SaidKind.OTHER, ""), identity, at)
        await settle(turn, UUID(str(members[0])), pending)
        await inquiries.acknowledge_by_message(UUID(str(members[0])))
        return True
