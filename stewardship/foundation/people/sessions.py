"""Sessions of citizens and officers: opened, recognised by their token, ended."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from kit import clock
from kit.database import atomic
from kit.ids import new_token, token_hash
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import NotLoggedIn
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import Officer
from stewardship.foundation.people.models import Session, SessionKind, Trust, WechatIdentity

CITIZEN_SESSION = timedelta(days=30)
OFFICER_SESSION = timedelta(hours=12)


@atomic()
async def open_session(
    kind: SessionKind,
    *,
    identity_id: UUID | None = None,
    person_id: UUID | None = None,
    officer_id: UUID | None = None,
    device: str = "",
    address: str = "",
) -> str:
    """Start a session; answers its token, which is kept nowhere. It ends by itself after 30 days, or 12 hours."""
    token, at = new_token(32), clock.real_now()
    life = CITIZEN_SESSION if kind is SessionKind.CITIZEN else OFFICER_SESSION
    session = await Session.create(
        token_hash=token_hash(token),
        kind=kind,
        identity_id=identity_id,
        person_id=person_id,
        officer_id=officer_id,
        created_at=at,
        expires_at=at + life,
        device=device[:128],
        address=address[:45],
    )
    actor = Actor(
        ActorKind.CITIZEN if kind is SessionKind.CITIZEN else ActorKind.OFFICER,
        officer_id or person_id,
        device=device,
        address=address,
    )
    await audit.record("session.opened", actor, ("session", session.id), identity=identity_id)
    return token


async def actor_of(token: str, *, device: str = "", address: str = "") -> Actor:
    """Whose session this is, with the roles they hold now. Raises NotLoggedIn where it ended or never was.

    A citizen whose identity or every contact is stolen has no session: the holder of the phone is a stranger.
    """
    session = await Session.get_or_none(token_hash=token_hash(token))
    if session is None or session.revoked_at is not None or session.expires_at <= clock.real_now():
        raise NotLoggedIn
    if session.kind is SessionKind.OFFICER:
        return await _officer_actor(session, device, address)
    identity = await WechatIdentity.get_or_none(id=session.identity_id)
    if identity is None:
        raise NotLoggedIn
    known = identity.person_id is not None and identity.trust is Trust.TRUSTED
    return Actor(
        ActorKind.CITIZEN,
        identity.person_id if known else None,
        identity_id=identity.id,
        session_id=session.id,
        device=device,
        address=address,
    )


async def _officer_actor(session: Session, device: str, address: str) -> Actor:
    officer = await Officer.get_or_none(id=session.officer_id, active=True)
    if officer is None:
        raise NotLoggedIn
    return Actor(
        ActorKind.OFFICER,
        officer.id,
        identity_id=session.identity_id,
        session_id=session.id,
        home_unit_id=officer.unit_id,
        grants=await org.grants_of(officer.id),
        device=device,
        address=address,
    )


@atomic()
async def revoke_sessions(
    actor: Actor,
    *,
    reason: str,
    session_id: UUID | None = None,
    person_id: UUID | None = None,
    officer_id: UUID | None = None,
) -> int:
    """End one session, or all of a person or officer; answers how many ended."""
    query = Session.filter(revoked_at=None)
    if session_id is not None:
        query = query.filter(id=session_id)
    elif person_id is not None:
        identities = await WechatIdentity.filter(person_id=person_id).values_list("id", flat=True)
        query = query.filter(identity_id__in=identities)
    else:
        query = query.filter(officer_id=officer_id)
    count = await query.update(revoked_at=clock.real_now(), revoke_reason=reason)
    subject = session_id or person_id or officer_id
    if count and subject:
        await audit.record("session.revoked", actor, ("session", subject), reason=reason)
    return count
