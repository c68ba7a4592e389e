"""People who can be reached, platforms that a test decides about, and a worker that a test can end at any point."""

from __future__ import annotations

import contextlib
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import orjson

from delivery.channels.base import Parcel, Result
from delivery.contexts import Context, InquiryAnswered, UpdatePosted
from delivery.dispatcher import Dispatcher
from delivery.hooks import Failure, Hooks, Refusal, SentMessage, install_hooks
from delivery.models import Channel, Outcome
from delivery.outbox import Outgoing, enqueue_many
from delivery.recipients import Credit, Dropped, Identity, MessageView, Phone, Recipient, Window
from kit import clock, database, jobs
from kit.ids import new_id
from wechat.errors import Ambiguous, CallError, Duplicate, NotSent, platform_error

NOON = datetime(2026, 3, 12, 4, 0, tzinfo=UTC)
"""Thursday, 12:00 in China."""
NIGHT = datetime(2026, 3, 12, 15, 30, tzinfo=UTC)
"""23:30 in China."""
IDEMPOTENT = frozenset({Channel.OA_TEMPLATE})


class Killed(BaseException):
    """The worker's process ended here."""


def update(**facts: Any) -> UpdatePosted:
    """There is news."""
    known: dict[str, Any] = {"unit": "莲花派出所", "reference": "A26031200000001", "check_word": "松竹"}
    return UpdatePosted(**(known | {"posted_at": NOON, "next_contact_on": date(2026, 3, 20)} | facts))


def answer(**facts: Any) -> InquiryAnswered:
    """A question was answered."""
    known: dict[str, Any] = {"unit": "莲花派出所", "reference": "A26031200000001", "check_word": "松竹"}
    return InquiryAnswered(**(known | {"asked_at": NOON, "answer": "鉴定意见预计下周出来。"} | facts))


@dataclass
class Air:
    """One platform. Each send takes the next of `fate`; without one it is accepted."""

    channel: Channel
    fate: deque[str | CallError] = field(default_factory=deque)
    accepted: list[Parcel] = field(default_factory=list)
    tried: list[Parcel] = field(default_factory=list)
    dead: bool = False

    async def send(self, parcel: Parcel, /) -> Result:
        """`accept`, `late` (accepted, answer lost), `lost` (neither), `killed_before`, `killed_after`, an error."""
        if self.dead:
            raise Killed
        self.tried.append(parcel)
        fate = self.fate.popleft() if self.fate else "accept"
        if isinstance(fate, CallError):
            raise fate
        if fate == "killed_before":
            self.dead = True
            raise Killed
        if fate == "lost":
            raise Ambiguous("TimeoutError")
        if fate == "broken":
            raise ZeroDivisionError
        self._accept(parcel)
        if fate == "killed_after":
            self.dead = True
            raise Killed
        if fate == "late":
            raise Ambiguous("TimeoutError")
        return Result(Outcome.SENT, platform_id=f"{self.channel.value[:8]}-{parcel.message_id.hex}")

    def _accept(self, parcel: Parcel) -> None:
        if self.channel in IDEMPOTENT and any(each.message_id == parcel.message_id for each in self.accepted):
            raise Duplicate(43110, "duplicate")
        self.accepted.append(parcel)


@dataclass
class Heard:
    """What the hooks were told."""

    sent: list[SentMessage] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)
    kill_in: str = ""
    broken_for: set[UUID] = field(default_factory=set)

    def hooks(self) -> Hooks:
        return Hooks(sent=self._sent, refused=self._refused, failed=self._failed)

    async def _sent(self, sent: Sequence[SentMessage]) -> None:
        if self.kill_in == "sent":
            self.kill_in = ""
            raise Killed
        if any(each.message.id in self.broken_for for each in sent):
            raise ZeroDivisionError
        self.sent += sent

    async def _refused(self, refused: Sequence[Refusal]) -> None:
        self.refused += refused

    async def _failed(self, failed: Sequence[Failure]) -> None:
        self.failed += failed


class Town:
    """Recipients by id; WeChat identities and consents are rows of the database, read anew for each chunk."""

    def __init__(self) -> None:
        self.people: dict[UUID, Recipient | Dropped] = {}
        self.air = {channel: Air(channel) for channel in Channel}
        self.heard = Heard()
        install_hooks(self.heard.hooks())

    def dispatcher(self, **options: Any) -> Dispatcher:
        """A worker's."""
        return Dispatcher(resolve=self.resolve, channels=self.air, hooks=self.heard.hooks(), **options)

    async def resolve(self, messages: Sequence[MessageView], /) -> Mapping[UUID, Recipient | Dropped]:
        return {message.id: await self._current(self.people[message.recipient_id]) for message in messages}

    async def _current(self, person: Recipient | Dropped) -> Recipient | Dropped:
        if isinstance(person, Dropped):
            return person
        return replace(
            person,
            oa=await _current_identity(person.oa) if person.oa else None,
            mp=await _current_identity(person.mp) if person.mp else None,
        )

    async def person(
        self, *, chat: bool = False, follows: bool = False, credits: int | None = None, phone: bool = True, **more: Any
    ) -> UUID:
        """`chat`: wrote just now; `follows`: the account; `credits`: consents for the update's template."""
        id_ = new_id()
        oa = mp = None
        if chat or follows:
            oa = Identity(await _identity("oa", wrote_at=clock.now() if chat else None), openid=f"oa-{id_}")
        if credits is not None:
            mp = Identity(await _identity("mp"), openid=f"mp-{id_}")
            await database.execute(
                "insert into subscription_credit (id, identity_id, template_id, remaining, long_term)"
                " values ($1, $2, 'steward-mp-progress', $3, false)",
                new_id(),
                mp.identity_id,
                credits,
            )
        phones = (Phone(new_id(), "+8619900000001"),) if phone else ()
        self.people[id_] = Recipient(**({"oa": oa, "mp": mp, "phones": phones} | more))
        return id_

    async def tell(self, *people: UUID, context: Context | None = None, **more: Any) -> list[UUID]:
        """Enqueue one notice for each; answers the messages' ids."""
        async with database.in_transaction():
            ids = await enqueue_many(
                [Outgoing(context=context or update(), recipient_id=person, **more) for person in people]
            )
        return [id_ for id_ in ids if id_ is not None]

    async def work(self, **options: Any) -> None:
        """Run every job that is queued, those for later included, until none is left."""
        for _ in range(60):
            if not await self.work_once(**options):
                return
        raise AssertionError("the jobs never end")

    async def work_once(self, *, waiting: bool = True, dispatcher: Dispatcher | None = None) -> int:
        """Run what is queued now; answers how many jobs. `waiting`: those for later too."""
        rows = await database.fetch(
            "select id, payload from pgqueuer where entrypoint = 'deliver' and ($1 or execute_after <= now())"
            " order by priority desc, id",
            waiting,
        )
        worker = dispatcher or self.dispatcher()
        for row in rows:
            await worker.run(jobs.Job(row["id"], "deliver", orjson.loads(row["payload"]), 0))
        return len(rows)

    async def work_until_killed(self, *, waiting: bool = True) -> None:
        """One pass of a worker that may be killed in it; what it had on its way to a platform dies with it."""
        with contextlib.suppress(Killed):
            await self.work_once(waiting=waiting)

    def accepted(self) -> Counter[UUID]:
        """How often the platforms took each message."""
        return Counter(parcel.message_id for air in self.air.values() for parcel in air.accepted)


async def states(ids: Sequence[UUID]) -> list[str]:
    """In order."""
    rows = {row["id"]: row["state"] for row in await database.fetch("select id, state from message")}
    return [rows[id_] for id_ in ids]


async def message(id_: UUID) -> dict[str, Any]:
    """The row."""
    row = await database.fetchrow("select * from message where id = $1", id_)
    assert row is not None
    return dict(row)


async def attempts(id_: UUID) -> list[tuple[str, str, str]]:
    """(channel, outcome, code) of a message's tries, in order."""
    rows = await database.fetch("select * from delivery_attempt where message_id = $1 order by at, id", id_)
    return [(row["channel"], row["outcome"], row["code"]) for row in rows]


async def queued_jobs() -> int:
    return int(await database.fetchval("select count(*) from pgqueuer where entrypoint = 'deliver'"))


async def _identity(platform: str, wrote_at: datetime | None = None) -> UUID:
    id_ = new_id()
    await database.execute(
        "insert into wechat_identity (id, platform, app_id, openid, trust, following, refused, message_window_at,"
        " message_window_used, touch_window_used, created_at)"
        " values ($1, $2, 'app', $3, 'trusted', $4, false, $5, 0, 0, $6)",
        id_,
        platform,
        f"{platform}-{id_}",
        platform == "oa",
        wrote_at,
        clock.now(),
    )
    return id_


async def _current_identity(identity: Identity) -> Identity:
    row = await database.fetchrow("select * from wechat_identity where id = $1", identity.identity_id)
    rows = await database.fetch("select * from subscription_credit where identity_id = $1", identity.identity_id)
    assert row is not None
    return replace(
        identity,
        following=row["following"],
        refused=row["refused"],
        message_window=Window(row["message_window_at"], row["message_window_used"]),
        touch_window=Window(row["touch_window_at"], row["touch_window_used"]),
        credits=tuple(
            Credit(each["template_id"], each["remaining"], each["long_term"], each["refused_at"] is not None)
            for each in rows
        ),
    )


def error(errcode: int) -> CallError:
    """The platform answers with this errcode."""
    return platform_error(errcode, "no")


def unreachable() -> CallError:
    return NotSent("ClientConnectorError")
