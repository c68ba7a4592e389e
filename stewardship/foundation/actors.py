"""Who acts: passed into every command, recorded in every event."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from stewardship.foundation.org.models import Role


class ActorKind(StrEnum):
    """A person concerned, an officer, another system, or this one itself."""

    CITIZEN = "citizen"
    OFFICER = "officer"
    MACHINE = "machine"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Grant:
    """A role with the units it covers: the unit it was given for and everything below."""

    role: Role
    unit_ids: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, from where, and with which roles.

    `id` is a person's, an officer's or a machine client's; a machine's home is the unit below which it writes.
    """

    kind: ActorKind
    id: UUID | None = None
    identity_id: UUID | None = None
    session_id: UUID | None = None
    home_unit_id: UUID | None = None
    grants: tuple[Grant, ...] = ()
    device: str = ""
    address: str = ""

    def has(self, *roles: Role) -> bool:
        """Whether any of the roles is held, over whatever unit."""
        return any(grant.role in roles for grant in self.grants)

    def units(self, *roles: Role) -> frozenset[UUID]:
        """The units over which any of the roles is held."""
        return frozenset().union(*(grant.unit_ids for grant in self.grants if grant.role in roles))


SYSTEM = Actor(ActorKind.SYSTEM)
"""What happens by time alone is done by the system."""
