"""The rules by which people are asked for a rating: what counts, what counted, proposing a new version."""

from __future__ import annotations

from datetime import datetime, timedelta

from fastapi import APIRouter
from pydantic import Field

from api.approvals import ChangeReason, ChangeView, change_view
from api.deps import ActorDep
from api.once import OnceRoute
from api.schemas import Payload, View
from stewardship.casework.cases.models import CaseKind, Sensitivity
from stewardship.casework.parties.models import PartyRole
from stewardship.foundation.org.names import officer_names
from stewardship.opinion.ratings import administration
from stewardship.opinion.ratings.rules import DEFAULT_RULES, NOT_ASKED, Milestone, RatingRules

router = APIRouter(tags=["administration"], route_class=OnceRoute)


class RulesBody(Payload):
    kinds: dict[Milestone, list[CaseKind]] = Field(
        examples=[{"case_closed": ["public_order", "dispute"]}], description="Whose parties are asked, by milestone."
    )
    delay_minutes: int = Field(ge=0, le=7 * 24 * 60, examples=[30])
    life_days: int = Field(ge=1, le=30, examples=[7])
    cap_days: int = Field(ge=1, le=365, examples=[7], description="A person is asked at most once in so many days.")
    excluded_roles: list[PartyRole] = Field(
        examples=[["suspect_family", "witness", "lawyer"]],
        description="Contains at least `fixed_roles` of `GET /rating-rules`: exclusions are only widened.",
    )

    def rules(self) -> RatingRules:
        """Raises Invalid."""
        return RatingRules(
            kinds={milestone: frozenset(kinds) for milestone, kinds in self.kinds.items()},
            delay=timedelta(minutes=self.delay_minutes),
            life=timedelta(days=self.life_days),
            cap=timedelta(days=self.cap_days),
            excluded_roles=frozenset(self.excluded_roles),
        )


class RulesView(View):
    """A version. Version 0 is what holds before anybody decides."""

    version: int = Field(examples=[1])
    active_from: datetime | None = Field(examples=["2026-03-02T02:00:00Z"])
    created_by_name: str | None = Field(examples=["王敏"])
    approved_by_name: str | None = Field(examples=["李强"])
    rules: RulesBody
    summary: list[str] = Field(examples=[["办结时评价：治安、纠纷"]])


class RatingRulesView(View):
    """What counts, and the versions newest first. Nobody takes the `fixed_` exclusions away."""

    in_force: RulesView
    versions: list[RulesView]
    fixed_roles: list[PartyRole] = Field(examples=[["lawyer"]])
    fixed_sensitivities: list[Sensitivity] = Field(examples=[["minor", "sexual"]])


class RulesProposal(RulesBody):
    base_version: int = Field(ge=0, examples=[0])
    reason: ChangeReason


def _body(rules: RatingRules) -> RulesBody:
    data = rules.to_json()
    return RulesBody(**{name: value for name, value in data.items() if name != "version"})


@router.get("/rating-rules")
async def get_rating_rules(actor: ActorDep) -> RatingRulesView:
    """What counts now and what counted."""
    rows = await administration.rules_versions()
    names = await officer_names(id_ for row in rows for id_ in (row.created_by_id, row.approved_by_id))
    versions = [
        RulesView(
            version=row.version,
            active_from=row.active_from,
            created_by_name=names.get(row.created_by_id) if row.created_by_id else None,
            approved_by_name=names.get(row.approved_by_id) if row.approved_by_id else None,
            rules=_body(rules := RatingRules.from_json(row.definition)),
            summary=administration.rules_lines(rules),
        )
        for row in rows
    ]
    default = RulesView(
        version=0,
        active_from=None,
        created_by_name=None,
        approved_by_name=None,
        rules=_body(DEFAULT_RULES),
        summary=administration.rules_lines(DEFAULT_RULES),
    )
    return RatingRulesView(
        in_force=versions[0] if versions else default,
        versions=[*versions, default],
        fixed_roles=sorted(NOT_ASKED),
        fixed_sensitivities=list(Sensitivity),
    )


@router.post("/rating-rules/proposals", status_code=201)
async def propose_rating_rules(payload: RulesProposal, actor: ActorDep) -> ChangeView:
    """Propose a version; another system administrator approves it under `/changes`."""
    proposed = await administration.propose(actor, payload.rules(), payload.reason, base_version=payload.base_version)
    return await change_view(actor, proposed)
