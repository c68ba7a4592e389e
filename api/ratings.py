"""Saying how it went: a party's own ratings, in the mini-program or behind the link of an SMS; and subscriptions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path
from pydantic import Field, StringConstraints

from api import limits
from api.deps import ActorDep, AddressDep, DeviceDep, ServicesDep, identity_of
from api.once import OnceRoute
from api.schemas import EXAMPLE_ID, Done, Payload, View, words
from delivery.models import Channel, Template, TemplateState
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.errors import NotFound
from stewardship.foundation.people import service as people
from stewardship.foundation.people.models import SubscriptionCredit
from stewardship.opinion.ratings import service as ratings
from stewardship.opinion.ratings.models import Score
from stewardship.opinion.ratings.rules import COMMENT_LENGTH

router = APIRouter(tags=["ratings"], route_class=OnceRoute)

MAX_TEMPLATES = 5
"""WeChat asks for at most five templates in one prompt."""

RatingToken = Annotated[
    str, Path(min_length=8, max_length=64, pattern=r"^[0-9A-Za-z_-]+$", examples=["Vb3yQ0b6Q1-kJ2mN8pLx5w7Zt9RcAaE4"])
]
TemplateId = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_-]{8,64}$")]


class RatingView(View):
    """A rating that can be given now, or still be corrected (`score` is then what was given)."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    reference: str = Field(examples=["A26030212345678"])
    unit_name: str = Field(examples=["莲花派出所"])
    sent_at: datetime = Field(examples=["2026-03-02T02:00:00Z"])
    expires_at: datetime = Field(examples=["2026-03-09T02:00:00Z"])
    score: Literal[1, 2, 3] | None = Field(examples=[None])


class Ratings(View):
    """Unanswered ones first, then the newest."""

    items: list[RatingView]


class RatingIn(Payload):
    score: Score = Field(examples=[1], description="1 满意, 2 基本满意, 3 不满意.")
    comment: Annotated[str, words(COMMENT_LENGTH)] | None = Field(default=None, examples=["民警很耐心"])


class RatedView(View):
    """What came of it: after a 3 somebody else than the handler calls by `visit_by`."""

    score: Score = Field(examples=[3])
    changed: bool = Field(examples=[True], description="False: it only repeated what stood.")
    visit_by: datetime | None = Field(examples=["2026-03-03T02:00:00Z"])


class RatingComment(Payload):
    comment: Annotated[str, words(COMMENT_LENGTH)] = Field(examples=["民警很耐心"])


class Wish(Payload):
    wanted: bool = Field(examples=[False], description="Whether to be asked for ratings at all.")


class Consent(Payload):
    """What the person tapped in WeChat's prompt."""

    accepted: list[TemplateId] = Field(default_factory=list, max_length=MAX_TEMPLATES, examples=[["tmplUpdate0001"]])
    refused: list[TemplateId] = Field(default_factory=list, max_length=MAX_TEMPLATES, examples=[[]])


class Subscription(View):
    """A template that the mini-program may ask consent for, and what is left of it."""

    notice: str = Field(examples=["update_posted"])
    template_id: str = Field(examples=["tmplUpdate0001"])
    remaining: int = Field(examples=[1])
    long_term: bool = Field(examples=[False])


class Subscriptions(View):
    items: list[Subscription]


def _rated(rated: ratings.Rated) -> RatedView:
    return RatedView(score=rated.score, changed=rated.changed, visit_by=rated.visit.due_at if rated.visit else None)


@router.get("/my/ratings")
async def list_my_ratings(actor: ActorDep) -> Ratings:
    """What the caller can rate now."""
    rows = await ratings.open_for(actor.id) if actor.id else []
    return Ratings(items=[RatingView.model_validate(row) for row in rows])


@router.post("/my/ratings/{rating_id}")
async def rate(rating_id: UUID, payload: RatingIn, actor: ActorDep) -> RatedView:
    """Rate. It counts at once; another score within ten minutes corrects it."""
    return _rated(
        await ratings.rate(actor, rating_id=rating_id, score=payload.score, comment=payload.comment, channel="mp")
    )


@router.post("/my/ratings/{rating_id}/comment")
async def comment(rating_id: UUID, payload: RatingComment, actor: ActorDep) -> Done:
    """Add words within the hour."""
    await ratings.add_comment(actor, rating_id, payload.comment)
    return Done()


@router.put("/my/rating-wish")
async def set_wish(payload: Wish, actor: ActorDep) -> Done:
    """Whether to be asked for ratings."""
    if actor.id is None:
        raise NotFound("person_not_found", "还没有加入任何案件", "请先凭邀请加入。")
    if payload.wanted:
        await ratings.opt_in(actor, actor.id)
    else:
        await ratings.opt_out(actor, actor.id, "mp")
    return Done()


@router.get("/rating-links/{token}")
async def get_by_link(token: RatingToken, services: ServicesDep, address: AddressDep) -> RatingView:
    """What the link of an SMS asks; it needs no login. 410 after its week."""
    await services.limiter.check(limits.INVITATION_ADDRESS, address)
    return RatingView.model_validate(await ratings.asked_by(token))


@router.post("/rating-links/{token}")
async def rate_by_link(
    token: RatingToken, payload: RatingIn, services: ServicesDep, address: AddressDep, device: DeviceDep
) -> RatedView:
    """Rate by the link of an SMS."""
    await services.limiter.check(limits.INVITATION_ADDRESS, address)
    somebody = Actor(ActorKind.CITIZEN, device=device, address=address)
    return _rated(
        await ratings.rate(somebody, token=token, score=payload.score, comment=payload.comment, channel="link")
    )


@router.get("/my/subscriptions")
async def list_subscriptions(actor: ActorDep) -> Subscriptions:
    """Which templates to ask consent for, and what is left of earlier ones."""
    templates = await Template.filter(channel=Channel.MP_SUBSCRIBE, state=TemplateState.ACTIVE).order_by("notice")
    credits = {c.template_id: c for c in await SubscriptionCredit.filter(identity_id=identity_of(actor))}
    return Subscriptions(
        items=[
            Subscription(
                notice=each.notice,
                template_id=each.template_id,
                remaining=credits[each.template_id].remaining if each.template_id in credits else 0,
                long_term=credits[each.template_id].long_term if each.template_id in credits else False,
            )
            for each in templates
        ]
    )


@router.post("/my/subscriptions")
async def consent(payload: Consent, actor: ActorDep) -> Subscriptions:
    """Record what was tapped. A template that is not ours any more is passed over."""
    wanted = [*payload.accepted, *payload.refused]
    templates = await Template.filter(channel=Channel.MP_SUBSCRIBE, template_id__in=wanted)
    known = {each.template_id for each in templates}
    accepted = sorted(known & set(payload.accepted))
    refused = sorted(known & set(payload.refused) - set(payload.accepted))
    await people.add_credits(identity_of(actor), accepted, refused)
    return await list_subscriptions(actor)
