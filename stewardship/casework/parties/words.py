"""What people call the roles of a party."""

from __future__ import annotations

from stewardship.casework.parties.models import PartyRole

ROLES = {
    PartyRole.VICTIM: "受害人",
    PartyRole.REPORTER: "报案人",
    PartyRole.SUSPECT: "嫌疑人",
    PartyRole.SUSPECT_FAMILY: "嫌疑人家属",
    PartyRole.FAMILY: "家属",
    PartyRole.WITNESS: "证人",
    PartyRole.GUARDIAN: "监护人",
    PartyRole.LAWYER: "律师",
    PartyRole.DISPUTANT: "纠纷当事人",
    PartyRole.DRIVER: "驾驶人",
}


def roles_of(roles: list[str]) -> str:
    """A party's roles in a sentence; of none, 当事人."""
    return "、".join(ROLES[PartyRole(role)] for role in roles) or "当事人"
