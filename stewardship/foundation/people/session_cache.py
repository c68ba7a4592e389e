"""Sessions in front of PostgreSQL: read from Valkey for half a minute, ended at once.

Whoever ends a session, or changes what its holder may do, calls `forget_…` after the commit. That leaves a marker for
a minute that means "ask the database", so that a request which read the row just before cannot put it back. With Valkey
away every request asks the database. What nobody forgot (a crash between commit and marker) is stale for 30 seconds.

A protected person is a stranger to their own session until they have said the code word, and ten minutes after they
last did something: whoever holds their phone learns nothing. With Valkey away they stay a stranger.
"""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import structlog
from tortoise.expressions import Q

from kit import clock
from kit.ids import token_hash
from kit.valkey import Redis, RedisError
from stewardship.foundation.actors import Actor, ActorKind, Grant
from stewardship.foundation.org.models import Role
from stewardship.foundation.people import sessions
from stewardship.foundation.people.models import Person, Session, WechatIdentity

log = structlog.get_logger(__name__)

KEPT_SECONDS = 30
MARKER = b"-"
MARKER_SECONDS = 2 * KEPT_SECONDS
RECENT = timedelta(minutes=5)
UNLOCKED_SECONDS = 600


def _key(hashed: bytes) -> str:
    return f"session:{hashed.hex()}"


def _dump(actor: Actor, protected: bool) -> bytes:
    return orjson.dumps(
        {
            "protected": protected,
            "kind": actor.kind.value,
            "id": actor.id,
            "identity_id": actor.identity_id,
            "session_id": actor.session_id,
            "home_unit_id": actor.home_unit_id,
            "grants": [[grant.role.value, list(grant.unit_ids)] for grant in actor.grants],
        },
        default=str,
    )


def _uuid(value: Any) -> UUID | None:
    return UUID(value) if value else None


def _load(stored: bytes) -> tuple[Actor, bool]:
    found = orjson.loads(stored)
    actor = Actor(
        ActorKind(found["kind"]),
        _uuid(found["id"]),
        identity_id=_uuid(found["identity_id"]),
        session_id=_uuid(found["session_id"]),
        home_unit_id=_uuid(found["home_unit_id"]),
        grants=tuple(Grant(Role(role), frozenset(map(UUID, units))) for role, units in found["grants"]),
    )
    return actor, found["protected"]


def _unlocked_key(session_id: UUID) -> str:
    return f"unlocked:{session_id}"


async def _is_protected(actor: Actor) -> bool:
    if actor.kind is not ActorKind.CITIZEN or actor.id is None:
        return False
    return await Person.exists(id=actor.id, protected=True)


class SessionCache:
    """Whose session a token is."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def actor(self, token: str, *, device: str = "", address: str = "") -> Actor:
        """As `sessions.actor_of`, at most 30 seconds old unless it was forgotten. Raises NotLoggedIn."""
        key = _key(token_hash(token))
        stored = await self._get(key)
        if stored is not None and stored != MARKER:
            actor, protected = _load(stored)
        else:
            actor = await sessions.actor_of(token)
            protected = await _is_protected(actor)
            if stored is None:
                await self._put(key, _dump(actor, protected))
        if protected and not await self._unlocked(actor):
            actor = dataclasses.replace(actor, id=None)
        return dataclasses.replace(actor, device=device, address=address)

    async def unlock(self, session_id: UUID) -> bool:
        """The session's person has said the code word; False where that cannot be remembered now."""
        try:
            await self._redis.set(_unlocked_key(session_id), b"1", ex=UNLOCKED_SECONDS)
        except RedisError as error:
            log.warning("session_cache_away", error=type(error).__name__)
            return False
        return True

    async def _unlocked(self, actor: Actor) -> bool:
        if actor.session_id is None:
            return False
        try:
            return await self._redis.getex(_unlocked_key(actor.session_id), ex=UNLOCKED_SECONDS) is not None
        except RedisError as error:
            log.warning("session_cache_away", error=type(error).__name__)
            return False

    async def _get(self, key: str) -> bytes | None:
        try:
            stored = await self._redis.get(key)
        except RedisError as error:
            log.warning("session_cache_away", error=type(error).__name__)
            return None
        return stored.encode() if isinstance(stored, str) else stored

    async def _put(self, key: str, value: bytes) -> None:
        try:
            await self._redis.set(key, value, ex=KEPT_SECONDS, nx=True)
        except RedisError as error:
            log.warning("session_cache_away", error=type(error).__name__)

    async def forget_session(self, session_id: UUID) -> None:
        """This one session was ended."""
        await self._forget(Q(id=session_id))

    async def forget_officer(self, officer_id: UUID) -> None:
        """The officer's sessions were ended, or their roles changed."""
        await self._forget(Q(officer_id=officer_id))

    async def forget_person(self, person_id: UUID) -> None:
        """The person's sessions were ended, their contacts marked, or a WeChat user was bound to them."""
        identities = await WechatIdentity.filter(person_id=person_id).values_list("id", flat=True)
        await self._forget(Q(person_id=person_id) | Q(identity_id__in=identities))

    async def forget_identity(self, identity_id: UUID) -> None:
        """The WeChat user was bound to somebody."""
        await self._forget(Q(identity_id=identity_id))

    async def _forget(self, which: Q) -> None:
        """Mark what may still be in the cache; sessions that ended long ago are not."""
        at = clock.real_now()
        recent = Q(revoked_at__isnull=True) | Q(revoked_at__gt=at - RECENT)
        hashes = await Session.filter(which & recent, expires_at__gt=at - RECENT).values_list("token_hash", flat=True)
        if not hashes:
            return
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                for hashed in hashes:
                    pipe.set(_key(bytes(hashed)), MARKER, ex=MARKER_SECONDS)
                await pipe.execute()
        except RedisError as error:
            log.warning("session_not_forgotten", error=type(error).__name__, sessions=len(hashes))
