"""How far each kind of caller reaches by a route: the rules that the table in `api.access` is written in."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum

from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.org.models import Role


class Reach(StrEnum):
    """How far a caller reaches."""

    ALL = "all"
    UNIT = "unit"
    OWN = "own"
    NONE = "none"


ALL, UNIT, OWN, NONE = Reach.ALL, Reach.UNIT, Reach.OWN, Reach.NONE


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the table. `officer` is what any officer reaches, whatever their roles."""

    stranger: Reach = NONE
    citizen: Reach = NONE
    officer: Reach = NONE
    steward: Reach = NONE
    instructor: Reach = NONE
    centre_officer: Reach = NONE
    inspector: Reach = NONE
    system_administrator: Reach = NONE
    security_administrator: Reach = NONE
    audit_administrator: Reach = NONE
    machine: Reach = NONE
    """Another system, known by its signature."""

    def of(self, role: Role) -> Reach:
        """How far an officer with this role alone reaches."""
        own: Reach = getattr(self, role.value)
        return own if own is not NONE else self.officer

    @property
    def public(self) -> bool:
        """Whether the route asks nobody who they are."""
        return self.stranger is not NONE

    def admits(self, actor: Actor | None) -> bool:
        """Whether the gate lets this caller through to the route."""
        if self.public:
            return True
        if actor is None:
            return False
        if actor.kind is ActorKind.CITIZEN:
            return self.citizen is not NONE
        if actor.kind is ActorKind.MACHINE:
            return self.machine is not NONE
        return self.officer is not NONE or any(self.of(grant.role) is not NONE for grant in actor.grants)


PUBLIC = Rule(stranger=ALL, citizen=ALL, officer=ALL)
ANY_SESSION = Rule(citizen=OWN, officer=OWN)
CITIZEN = Rule(citizen=ALL)
PARTY = Rule(citizen=OWN)
OFFICER = Rule(officer=ALL)
CASE_READ = Rule(steward=OWN, instructor=UNIT, centre_officer=UNIT)
CASE_WRITE = Rule(steward=OWN, instructor=UNIT)
INQUIRY = Rule(steward=OWN, instructor=UNIT)
"""A steward's own are those they own or of their cases, and, while they are on duty, their desk's."""
HISTORY = Rule(steward=OWN, instructor=UNIT, centre_officer=UNIT)
CANNED = Rule(steward=OWN, instructor=UNIT, centre_officer=OWN, system_administrator=UNIT)
"""To choose from: one's own, and those of the units above one; to change: one's own, and those of units one keeps."""
REGISTER = Rule(steward=UNIT, instructor=UNIT)
VISIT = Rule(steward=OWN, instructor=UNIT, centre_officer=UNIT)
TEMPLATES = Rule(instructor=UNIT)
SUPERVISE = Rule(instructor=UNIT, centre_officer=UNIT)
SUPERVISE_INQUIRY = Rule(instructor=UNIT)
CONTEST = Rule(steward=OWN, instructor=UNIT)
DECIDE = Rule(instructor=UNIT)
REPORT = Rule(instructor=UNIT, centre_officer=UNIT)
TAKEN_OUT = Rule(instructor=OWN, centre_officer=OWN)
INSPECTION = Rule(inspector=UNIT)
IMPORT = Rule(steward=OWN, instructor=OWN)
EXCHANGE = Rule(machine=UNIT)
AUDIT = Rule(audit_administrator=ALL)
SYSTEM = Rule(system_administrator=UNIT)
CALENDAR = Rule(system_administrator=ALL)
SECURITY = Rule(security_administrator=UNIT)
CHANGE = Rule(system_administrator=OWN, security_administrator=OWN)
"""An administrator's own are the changes of a kind that their role makes, over their units."""
ROSTER_READ = Rule(steward=UNIT, instructor=UNIT, centre_officer=UNIT, system_administrator=UNIT)
ROSTER_WRITE = Rule(instructor=UNIT, system_administrator=UNIT)

APPOINTMENT = Rule(steward=OWN, instructor=UNIT)
"""A steward's own are those they receive and those of their cases."""
HANDOVER = Rule(steward=OWN, instructor=UNIT)
"""A steward's own are their leaves; to read and to answer, also those in which they are asked to take cases."""


def role_fields() -> frozenset[str]:
    """The columns that are roles; a test holds them against `Role`."""
    return frozenset(field.name for field in dataclasses.fields(Rule)) - {"stranger", "citizen", "officer", "machine"}
