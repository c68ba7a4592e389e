"""Words for updates by kind and stage: what a case's officers are offered, and a unit's own."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from api.cases import StageCode
from api.deps import ActorDep, ReadableCase
from api.once import OnceRoute
from api.schemas import EXAMPLE_ID, Done, Payload, View, words
from api.update_drafts import Version
from kit import clock
from stewardship.casework.cases.models import CaseKind
from stewardship.casework.cases.rules import stage_of
from stewardship.casework.updates import templates
from stewardship.casework.updates.templates import EDITORS, LONGEST_DAYS, Offered, Wording
from stewardship.foundation.org import administration

router = APIRouter(tags=["update templates"], route_class=OnceRoute)

Title = Annotated[str, words(40), Field(examples=["已调取监控"])]
Text = Annotated[str, words(500), Field(examples=["已调取现场监控，正在核对。"])]
Awaited = Annotated[str, words(120), Field(examples=["核对监控"])]
Days = Annotated[int, Field(ge=0, le=LONGEST_DAYS, examples=[7], description="Until we are in touch next.")]


class UpdateTemplateView(View):
    """Words to start from. Without an `id` they are of the house and cannot be changed."""

    id: UUID | None = Field(examples=[EXAMPLE_ID])
    kind: CaseKind | None = Field(examples=["public_order"])
    stage: str = Field(examples=["investigating"])
    stage_name: str | None = Field(examples=["调查取证"])
    title: str = Field(examples=["已调取监控"])
    text: str = Field(examples=["已调取现场监控，正在核对。"])
    awaited: str = Field(examples=["核对监控"])
    days: int = Field(examples=[7])
    next_contact_on: date = Field(examples=["2026-03-09"], description="`days` from today.")
    version: int = Field(examples=[1])


class Templates(View):
    """Templates, those of the current stage first."""

    items: list[UpdateTemplateView]


class TemplateIn(Payload):
    kind: CaseKind | None = Field(default=None, examples=["public_order"])
    stage: StageCode
    title: Title
    text: Text
    awaited: Awaited
    days: Days = 7


class TemplateEdit(Payload):
    title: Title
    text: Text
    awaited: Awaited
    days: Days = 7
    expected_version: Version


def _view(offered: Offered) -> UpdateTemplateView:
    stage, wording = stage_of(offered.kind, offered.stage), offered.wording
    return UpdateTemplateView(
        id=offered.id,
        kind=offered.kind,
        stage=offered.stage,
        stage_name=stage.name if stage else None,
        title=offered.title,
        text=wording.text,
        awaited=wording.awaited,
        days=wording.days,
        next_contact_on=clock.today() + timedelta(days=wording.days),
        version=offered.version,
    )


@router.get("/cases/{case_id}/update-templates")
async def offer_templates(case: ReadableCase) -> Templates:
    """What may be said in this case: its current stage first, the unit's own words before the house's."""
    return Templates(items=[_view(each) for each in await templates.templates_for(case)])


@router.get("/units/{unit_id}/update-templates")
async def list_templates(unit_id: UUID, actor: ActorDep) -> Templates:
    """A unit's own."""
    await administration.unit_in(actor, unit_id, *EDITORS)
    return Templates(items=[_view(each) for each in await templates.templates_of(unit_id)])


@router.post("/units/{unit_id}/update-templates", status_code=201)
async def add_template(unit_id: UUID, payload: TemplateIn, actor: ActorDep) -> UpdateTemplateView:
    """A unit's own words for a stage; units below are offered them too."""
    await administration.unit_in(actor, unit_id, *EDITORS)
    wording = Wording(payload.text, payload.awaited, payload.days)
    return _view(await templates.add_template(actor, unit_id, payload.kind, payload.stage, payload.title, wording))


@router.put("/update-templates/{template_id}")
async def change_template(template_id: UUID, payload: TemplateEdit, actor: ActorDep) -> UpdateTemplateView:
    """Other words from now on."""
    wording = Wording(payload.text, payload.awaited, payload.days)
    return _view(
        await templates.change_template(
            actor, template_id, payload.title, wording, expected_version=payload.expected_version
        )
    )


@router.delete("/update-templates/{template_id}")
async def remove_template(template_id: UUID, actor: ActorDep) -> Done:
    """No longer offered."""
    await templates.remove_template(actor, template_id)
    return Done()
