"""The rules by which people are asked, as versions: proposed by one administrator, approved by another."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from kit import clock
from stewardship.casework.cases.models import CaseKind
from stewardship.casework.parties.words import ROLES
from stewardship.foundation.actors import Actor
from stewardship.foundation.approvals import service as approvals
from stewardship.foundation.approvals.models import Approval
from stewardship.foundation.errors import Conflict
from stewardship.foundation.org.models import Role
from stewardship.opinion.ratings.models import RatingRulesVersion
from stewardship.opinion.ratings.rules import DEFAULT_RULES, Milestone, RatingRules

CHANGE = "rating_rules"
MILESTONES = {Milestone.CASE_CLOSED: "办结"}
KINDS = {
    CaseKind.PUBLIC_ORDER: "治安",
    CaseKind.CRIMINAL: "刑事",
    CaseKind.TRAFFIC_ACCIDENT: "交通事故",
    CaseKind.DISPUTE: "纠纷",
}


async def rules_in_force() -> RatingRules:
    """What counts now: the newest version, or the default where nobody has decided anything yet."""
    row = await RatingRulesVersion.filter(active_from__lte=clock.now()).order_by("-version").first()
    return RatingRules.from_json(row.definition) if row else DEFAULT_RULES


async def rules_versions(limit: int = 100) -> list[RatingRulesVersion]:
    """Every version, newest first; the default, which nobody decided, is none of them."""
    return await RatingRulesVersion.all().order_by("-version").limit(limit)


async def propose(actor: Actor, rules: RatingRules, reason: str, *, base_version: int | None = None) -> Approval:
    """Propose rules in the place of the newest, or of the version that the proposer saw.

    Raises NotFound without the right over the whole city, Conflict where they were changed since.
    """
    base = await _latest() if base_version is None else base_version
    payload = {"definition": rules.to_json(), "base_version": base}
    return await approvals.propose(actor, CHANGE, topic=CHANGE, unit_id=None, payload=payload, reason=reason)


async def _latest() -> int:
    row = await RatingRulesVersion.all().order_by("-version").first()
    return row.version if row else 0


async def _check(_unit_id: object, payload: dict[str, Any]) -> None:
    RatingRules.from_json(payload["definition"])
    if payload["base_version"] != await _latest():
        raise Conflict("rating_rules_changed", "评价规则已有新版本", "请刷新后，在新版本上重新提出。")


async def _carry_out(approval: Approval, actor: Actor) -> dict[str, Any]:
    version = int(approval.payload["base_version"]) + 1
    row = await RatingRulesVersion.create(
        version=version,
        definition=approval.payload["definition"] | {"version": version},
        active_from=clock.now(),
        created_by_id=approval.proposed_by_id,
        approved_by_id=actor.id,
    )
    return {"rules_id": str(row.id), "version": version}


def rules_lines(rules: RatingRules) -> list[str]:
    """The rules in plain Chinese, line by line."""
    lines = []
    for milestone, kinds in rules.kinds.items():
        named = "、".join(KINDS[kind] for kind in CaseKind if kind in kinds)
        lines.append(f"{MILESTONES[milestone]}时评价：{named or '不发送'}")
    minutes = rules.delay // timedelta(minutes=1)
    lines.append(f"节点后 {minutes} 分钟发送（只在 9:00 至 20:00），{rules.life.days} 天内有效")
    lines.append(f"同一人 {rules.cap.days} 天内最多评价一次")
    named = "、".join(ROLES[role] for role in ROLES if role in rules.excluded_roles)
    return [*lines, f"不发送：{named}；未成年人、被保护人和敏感案件始终不发送"]


def _describe(payload: dict[str, Any]) -> list[str]:
    return rules_lines(RatingRules.from_json(payload["definition"]))


approvals.register(approvals.Change(CHANGE, Role.SYSTEM_ADMINISTRATOR, _check, _carry_out, _describe))
