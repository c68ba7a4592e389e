"""Message templates: what each notice says on each channel, and a new version on its way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from api.deps import ActorDep, ServicesDep
from api.once import OnceRoute
from api.schemas import EXAMPLE_ID, Payload, View, words
from api.services import HasTemplates
from delivery.comparing import Difference, compare
from delivery.models import Channel, Template, TemplateState
from delivery.templates import SMS_LENGTH, Definition, Ours, stored_templates
from delivery.trying import LIMITS, try_out, values_of
from stewardship.foundation.message_templates import service as templates
from stewardship.foundation.message_templates.service import Place
from stewardship.foundation.org.names import officer_names
from wechat.errors import CallError

router = APIRouter(tags=["administration"], route_class=OnceRoute)

NoticeName = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,48}$"), Field(examples=["update_posted"])]
PlatformId = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_-]{1,64}$"), Field(examples=["9Aw5ZV1j9xdWTFE"])]
ValueName = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,32}$"), Field(examples=["matter"])]


class FieldBody(Payload):
    """A field of a WeChat template: its key there, its label, and which of the notice's values fills it."""

    key: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,24}\d{1,3}$")] = Field(examples=["thing1"])
    label: Annotated[str, words(16, 0)] = Field(default="", examples=["事项"])
    value: ValueName


class ParameterBody(Payload):
    value: ValueName
    limit: int = Field(ge=1, le=64, examples=[12], description="Characters that the gateway's console allows.")


class DefinitionBody(Payload):
    title: Annotated[str, words(32, 0)] = Field(default="", examples=["办理进度通知"])
    term: Literal["one_time", "long_term"] = Field(default="one_time", examples=["one_time"])
    fields: list[FieldBody] = Field(default=[], max_length=10)
    parameters: list[ParameterBody] = Field(default=[], max_length=12, description="Of an SMS, as {1}, {2} …")
    text: Annotated[str, words(SMS_LENGTH, 0)] = Field(default="", examples=[""])

    def definition(self) -> Definition:
        """Raises Invalid."""
        return templates.definition_from(self.model_dump(), [each.key for each in self.fields])


class TemplateDraftIn(Payload):
    notice: NoticeName
    channel: Channel = Field(examples=["mp_subscribe"])
    definition: DefinitionBody


class EditIn(Payload):
    definition: DefinitionBody


class ApprovedIn(Payload):
    template_id: PlatformId


class RejectedIn(Payload):
    reason: Annotated[str, words(200)] = Field(examples=["关键词与类目不符"], description="The platform's words.")


class TriedFieldView(View):
    """A field with what it would say in an ordinary message; empty where nothing fits."""

    key: str = Field(examples=["thing1"])
    label: str = Field(examples=["事项"])
    value: str = Field(examples=["matter"])
    limit: str = Field(examples=["20 个字以内"])
    text: str = Field(examples=["您的事项有新的办理进展"])


class ProblemView(View):
    """What is wrong, at which field; an empty field: with the whole."""

    field: str = Field(examples=["thing1"])
    message: str = Field(examples=["内容放不下：20 个字以内"])


class TrialView(View):
    """The template tried with an ordinary message and with the longest that may come."""

    fields: list[TriedFieldView]
    text: str = Field(examples=[""], description="Of an SMS: what would be sent.")
    problems: list[ProblemView]


class MessageTemplateView(View):
    """A version of a template."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    notice: str = Field(examples=["update_posted"])
    channel: Channel = Field(examples=["mp_subscribe"])
    version: int = Field(examples=[2])
    state: TemplateState = Field(examples=["submitted"])
    template_id: str = Field(examples=["9Aw5ZV1j9xdWTFE"], description="On the platform; empty before it is approved.")
    reason: str = Field(examples=[""], description="Of a rejected one: what the platform said.")
    created_at: datetime = Field(examples=["2026-03-02T02:00:00Z"])
    changed_at: datetime | None = Field(examples=["2026-03-02T02:00:00Z"])
    changed_by_name: str | None = Field(examples=["王敏"])
    definition: DefinitionBody
    trial: TrialView


class TemplateVersions(View):
    items: list[MessageTemplateView]


class ValueView(View):
    """A value of the notice that may fill a field, from full to short: the fullest that fits is taken."""

    name: str = Field(examples=["matter"])
    examples: list[str] = Field(examples=[["您的事项有新的办理进展", "有新进展"]])


class PlaceView(View):
    """One notice on one channel: what is in use, what is on its way, what may be said."""

    notice: str = Field(examples=["update_posted"])
    channel: Channel = Field(examples=["mp_subscribe"])
    active: MessageTemplateView | None
    coming: MessageTemplateView | None
    values: list[ValueView]


class Places(View):
    """`limits`: what each type of field takes (the letters of its key)."""

    items: list[PlaceView]
    limits: dict[str, str] = Field(examples=[{"thing": "20 个字以内"}])


class FindingView(View):
    """What differs at a template; `grave`: messages by it would be refused."""

    template_id: str = Field(examples=["9Aw5ZV1j9xdWTFE"])
    notices: list[str] = Field(examples=[["update_posted"]])
    difference: Difference = Field(examples=["unknown_field"])
    values: list[str] = Field(
        examples=[["thing7"]], description="The field, then the account's word, then ours; what of it applies."
    )
    grave: bool = Field(examples=[True])


class ComparisonView(View):
    """One account: how many templates of ours there should be, how many it has, what differs, the grave first."""

    channel: Channel = Field(examples=["mp_subscribe"])
    answered: bool = Field(examples=[True], description="False: the platform could not be asked.")
    ours: int = Field(examples=[24])
    account: int = Field(examples=[24])
    findings: list[FindingView]


class Comparisons(View):
    items: list[ComparisonView]


async def _views(rows: Sequence[Template]) -> list[MessageTemplateView]:
    names = await officer_names(row.changed_by_id for row in rows)
    return [
        MessageTemplateView(
            id=row.id,
            notice=row.notice,
            channel=row.channel,
            version=row.version,
            state=row.state,
            template_id=row.template_id,
            reason=row.reason or "",
            created_at=row.created_at,
            changed_at=row.changed_at,
            changed_by_name=names.get(row.changed_by_id) if row.changed_by_id else None,
            definition=DefinitionBody.model_validate(row.definition),
            trial=TrialView.model_validate(templates.trial_of(row)),
        )
        for row in rows
    ]


async def _view(row: Template) -> MessageTemplateView:
    return (await _views([row]))[0]


async def _place(place: Place) -> PlaceView:
    ordinary = values_of(place.notice)[0]
    return PlaceView(
        notice=place.notice,
        channel=place.channel,
        active=await _view(place.active) if place.active else None,
        coming=await _view(place.coming) if place.coming else None,
        values=[ValueView(name=name, examples=list(said)) for name, said in ordinary.items()],
    )


@router.get("/message-templates")
async def list_templates(actor: ActorDep) -> Places:
    """Every notice and channel that needs a template."""
    return Places(items=[await _place(place) for place in await templates.overview(actor)], limits=LIMITS)


@router.get("/message-templates/comparison")
async def compare_templates(actor: ActorDep, services: ServicesDep) -> Comparisons:
    """Those in use and those approved, held against what the accounts have now. SMS gateways list nothing."""
    await templates.check_right(actor)
    ours = await stored_templates((TemplateState.ACTIVE, TemplateState.APPROVED))
    accounts: dict[Channel, HasTemplates] = {Channel.MP_SUBSCRIBE: services.mini_program}
    if services.official_account is not None:
        accounts[Channel.OA_TEMPLATE] = services.official_account
    return Comparisons(items=[await _comparison(ours, channel, account) for channel, account in accounts.items()])


async def _comparison(ours: Sequence[Ours], channel: Channel, account: HasTemplates) -> ComparisonView:
    used = len({each.template_id for each in ours if each.channel is channel})
    try:
        theirs = await account.templates()
    except CallError:
        return ComparisonView(channel=channel, answered=False, ours=used, account=0, findings=[])
    found = [FindingView.model_validate(each) for each in compare(ours, channel, theirs)]
    return ComparisonView(channel=channel, answered=True, ours=used, account=len(theirs), findings=found)


@router.get("/message-templates/{notice}/{channel}/versions")
async def list_template_versions(notice: NoticeName, channel: Channel, actor: ActorDep) -> TemplateVersions:
    """Every version of one place, newest first."""
    return TemplateVersions(items=await _views(await templates.versions(actor, notice, channel)))


@router.post("/message-templates/trials")
async def try_template(payload: TemplateDraftIn, actor: ActorDep) -> TrialView:
    """What it would say. Changes nothing."""
    await templates.check_right(actor)
    return TrialView.model_validate(
        try_out(*templates.check_place(payload.notice, payload.channel), payload.definition.definition())
    )


@router.post("/message-templates", status_code=201)
async def draft_template(payload: TemplateDraftIn, actor: ActorDep) -> MessageTemplateView:
    """Begin a new version; the one in use stays."""
    return await _view(await templates.draft(actor, payload.notice, payload.channel, payload.definition.definition()))


@router.put("/message-templates/{template_id}")
async def edit_template(template_id: UUID, payload: EditIn, actor: ActorDep) -> MessageTemplateView:
    """Change a draft or a rejected version."""
    return await _view(await templates.edit(actor, template_id, payload.definition.definition()))


@router.post("/message-templates/{template_id}/submit")
async def submit_template(template_id: UUID, actor: ActorDep) -> MessageTemplateView:
    """It was handed in at the platform's console."""
    return await _view(await templates.submit(actor, template_id))


@router.post("/message-templates/{template_id}/approved")
async def template_approved(template_id: UUID, payload: ApprovedIn, actor: ActorDep) -> MessageTemplateView:
    """The platform took it, under this id."""
    return await _view(await templates.approved(actor, template_id, payload.template_id))


@router.post("/message-templates/{template_id}/rejected")
async def template_rejected(template_id: UUID, payload: RejectedIn, actor: ActorDep) -> MessageTemplateView:
    """The platform refused it."""
    return await _view(await templates.rejected(actor, template_id, payload.reason))


@router.post("/message-templates/{template_id}/activate")
async def activate_template(template_id: UUID, actor: ActorDep) -> MessageTemplateView:
    """Use it from now on; the old one retires."""
    return await _view(await templates.activate(actor, template_id))


@router.post("/message-templates/{template_id}/give-up")
async def give_up_template(template_id: UUID, actor: ActorDep) -> MessageTemplateView:
    """The version on its way is not wanted any more."""
    return await _view(await templates.give_up(actor, template_id))
