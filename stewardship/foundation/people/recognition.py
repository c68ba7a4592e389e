"""Recognising somebody: by a phone that WeChat has verified, and a protected person by their code word.

A verified phone recognises who joined by another account, or at the counter. Where it is not plain who that is, nothing
happens, and the answer is the same: a number that several persons share, a stolen or recycled one, a protected person
(whose contacts change only by a call to their safe number).
"""

from __future__ import annotations

from uuid import UUID

from kit.database import atomic
from stewardship.foundation.actors import Actor
from stewardship.foundation.audit import service as audit
from stewardship.foundation.people import service as people
from stewardship.foundation.people.models import Person, ProtectionPlan, Trust, WechatIdentity


@atomic()
async def recognise(actor: Actor, identity_id: UUID, phone: str) -> UUID | None:
    """Bind the identity to the one person whose trusted phone WeChat has verified; answers who, or None."""
    identity = await WechatIdentity.select_for_update().get(id=identity_id)
    if identity.person_id is not None or identity.trust is not Trust.UNVERIFIED:
        return identity.person_id if identity.trust is Trust.TRUSTED else None
    contacts = await people.persons_with_phone(phone)
    owners = {contact.person_id for contact in contacts}
    if len(owners) != 1 or any(contact.trust is not Trust.TRUSTED for contact in contacts):
        return None
    person_id = owners.pop()
    if await Person.exists(id=person_id, protected=True):
        return None
    await people.bind_identity(actor, identity_id, person_id)
    await audit.record("person.recognised", actor, ("person", person_id), identity=identity_id)
    return person_id


@atomic()
async def speak_code_word(actor: Actor, identity_id: UUID, text: str) -> bool:
    """Whether the protected person behind this WeChat has said their code word. A wrong one is an event as well."""
    identity = await WechatIdentity.get(id=identity_id)
    if not people.trusted(identity):
        return False
    plan = await ProtectionPlan.get_or_none(person_id=identity.person_id)
    if plan is None:
        return False
    spoken = people.is_code_word(plan, text)
    kind = "code_word.spoken" if spoken else "code_word.wrong"
    await audit.record(kind, actor, ("person", plan.person_id), identity=identity_id)
    return spoken
