"""A template's way from a draft into use. The old one stays in use until the new one is.

The platform decides: what it said is entered by hand, for WeChat has no interface that tells, and the gateway's differ.
Templates belong to the whole city, so the city's system administrators keep them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tortoise.expressions import Q

from delivery.models import Channel, Template, TemplateState
from delivery.templates import Definition, forget_templates
from delivery.trying import Trial, places, try_out
from kit import clock, database
from kit.database import atomic
from stewardship.foundation.actors import Actor
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import Conflict, Invalid, NotFound
from stewardship.foundation.org.administration import holds
from stewardship.foundation.org.models import Role

SUBJECT = "template"
UNDER_WAY = (TemplateState.DRAFT, TemplateState.SUBMITTED, TemplateState.APPROVED, TemplateState.REJECTED)
_NEXT: dict[TemplateState, frozenset[TemplateState]] = {
    TemplateState.DRAFT: frozenset({TemplateState.SUBMITTED, TemplateState.RETIRED}),
    TemplateState.SUBMITTED: frozenset({TemplateState.APPROVED, TemplateState.REJECTED, TemplateState.RETIRED}),
    TemplateState.APPROVED: frozenset({TemplateState.ACTIVE, TemplateState.RETIRED}),
    TemplateState.REJECTED: frozenset({TemplateState.DRAFT, TemplateState.RETIRED}),
    TemplateState.ACTIVE: frozenset(),
    TemplateState.RETIRED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Place:
    """What one notice says on one channel: the template in use, and the one on its way."""

    notice: str
    channel: Channel
    active: Template | None
    coming: Template | None


async def check_right(actor: Actor) -> None:
    """Raises NotFound for anybody but the city's system administrators."""
    if not await holds(actor, Role.SYSTEM_ADMINISTRATOR, None):
        raise NotFound("template_not_found", "没有找到消息模板", "消息模板由市局的系统管理员管理。")


async def overview(actor: Actor) -> list[Place]:
    """Every notice and channel that needs a template. Raises NotFound."""
    await check_right(actor)
    rows = await Template.filter(Q(state=TemplateState.ACTIVE) | Q(state__in=list(UNDER_WAY))).order_by("version")
    newest: dict[tuple[str, Channel, bool], Template] = {
        (row.notice, row.channel, row.state is TemplateState.ACTIVE): row for row in rows
    }
    return [
        Place(notice, channel, newest.get((notice, channel, True)), newest.get((notice, channel, False)))
        for notice, channel in places()
    ]


async def versions(actor: Actor, notice: str, channel: Channel) -> list[Template]:
    """Every version of a place, newest first. Raises NotFound."""
    await check_right(actor)
    return await Template.filter(notice=notice, channel=channel).order_by("-version")


async def access_template(actor: Actor, template_id: UUID) -> Template:
    """A version. Raises NotFound."""
    await check_right(actor)
    found = await Template.get_or_none(id=template_id)
    if found is None:
        raise NotFound("template_not_found", "没有找到消息模板")
    return found


def check_place(notice: str, channel: Channel) -> tuple[str, Channel]:
    """The place itself. Raises Invalid where the notice needs no template on the channel."""
    if (notice, channel) not in places():
        raise Invalid("template_place", "这类消息在此渠道不用模板", "请从列表中选择。")
    return notice, channel


def trial_of(template: Template) -> Trial:
    """What it would say, and why it cannot be used."""
    return try_out(template.notice, template.channel, Definition.model_validate(template.definition))


@atomic()
async def draft(actor: Actor, notice: str, channel: Channel, definition: Definition, template_id: str = "") -> Template:
    """Begin a new version. A draft may be unfinished. Raises NotFound, Invalid, Conflict where one is on its way."""
    await check_right(actor)
    check_place(notice, channel)
    await database.advisory_lock(SUBJECT, f"{notice}:{channel}")
    if await Template.exists(notice=notice, channel=channel, state__in=list(UNDER_WAY)):
        raise Conflict("template_under_way", "已有一个新版本在办理中", "请继续办理或放弃那个版本。")
    last = await Template.filter(notice=notice, channel=channel).order_by("-version").first()
    template = await Template.create(
        notice=notice,
        channel=channel,
        template_id=template_id,
        version=last.version + 1 if last else 1,
        state=TemplateState.DRAFT,
        definition=definition.model_dump(mode="json"),
        created_at=clock.now(),
        changed_at=clock.now(),
        changed_by_id=actor.id,
    )
    await _record(actor, template)
    return template


@atomic()
async def edit(actor: Actor, template_id: UUID, definition: Definition) -> Template:
    """Change a draft, or a rejected version, which is a draft again. Raises NotFound, Conflict."""
    template = await _locked(actor, template_id)
    if template.state not in {TemplateState.DRAFT, TemplateState.REJECTED}:
        raise Conflict("template_state", "提交后不能修改", "请等平台答复；要改内容，请放弃后重新起草。")
    template.definition = definition.model_dump(mode="json")
    await template.save(update_fields=["definition"])
    return await _move(actor, template, TemplateState.DRAFT, again=True)


@atomic()
async def submit(actor: Actor, template_id: UUID) -> Template:
    """It was handed in at the platform. Raises Invalid where it cannot be filled, Conflict, NotFound."""
    template = await _locked(actor, template_id)
    _check_usable(template)
    return await _move(actor, template, TemplateState.SUBMITTED)


@atomic()
async def approved(actor: Actor, template_id: UUID, platform_id: str) -> Template:
    """The platform took it, under this id. Raises Conflict, NotFound."""
    template = await _locked(actor, template_id)
    template.template_id, template.reason = platform_id, None
    await template.save(update_fields=["template_id", "reason"])
    return await _move(actor, template, TemplateState.APPROVED)


@atomic()
async def rejected(actor: Actor, template_id: UUID, reason: str) -> Template:
    """The platform refused it, for this reason. It may be changed and handed in again. Raises Conflict, NotFound."""
    template = await _locked(actor, template_id)
    template.reason = reason
    await template.save(update_fields=["reason"])
    return await _move(actor, template, TemplateState.REJECTED)


@atomic()
async def activate(actor: Actor, template_id: UUID) -> Template:
    """Use it from now on; the old one retires in the same moment. Raises Invalid, Conflict, NotFound."""
    template = await _locked(actor, template_id)
    _check_usable(template)
    old = await Template.filter(notice=template.notice, channel=template.channel, state=TemplateState.ACTIVE)
    await _move(actor, template, TemplateState.ACTIVE)
    for each in old:
        each.state = TemplateState.RETIRED
        await each.save(update_fields=["state"])
        await _record(actor, each)
    forget_templates()
    return template


@atomic()
async def give_up(actor: Actor, template_id: UUID) -> Template:
    """The version is not wanted any more. Never the one in use. Raises Conflict, NotFound."""
    return await _move(actor, await _locked(actor, template_id), TemplateState.RETIRED)


async def _locked(actor: Actor, template_id: UUID) -> Template:
    await check_right(actor)
    template = await Template.select_for_update().get_or_none(id=template_id)
    if template is None:
        raise NotFound("template_not_found", "没有找到消息模板")
    return template


def _check_usable(template: Template) -> None:
    problems = trial_of(template).problems
    if problems:
        first = problems[0]
        where = f"{first.field}：" if first.field else ""
        raise Invalid("template_unusable", "模板还不能用", f"{where}{first.message}。请修改后再试。")


async def _move(actor: Actor, template: Template, to: TemplateState, *, again: bool = False) -> Template:
    if to not in _NEXT[template.state] and not (again and template.state is to):
        raise Conflict("template_state", "现在不能这样操作", "请刷新后查看这个模板的状态。")
    template.state, template.changed_at, template.changed_by_id = to, clock.now(), actor.id
    await template.save(update_fields=["state", "changed_at", "changed_by_id"])
    await _record(actor, template)
    return template


async def _record(actor: Actor, template: Template) -> None:
    await audit.record(
        f"template.{template.state.value}",
        actor,
        (SUBJECT, template.id),
        notice=template.notice,
        channel=template.channel.value,
        version=template.version,
    )


def definition_from(data: dict[str, Any], keys: Sequence[str] = ()) -> Definition:
    """A definition as it was typed in. Raises Invalid with what is wrong, where pydantic's words would be English."""
    try:
        return Definition.model_validate(data)
    except ValueError as error:
        unknown = [key for key in keys if f"{key} is of a type" in str(error)]
        detail = f"字段 {unknown[0]} 的类型还不支持。" if unknown else "请核对字段名；短信正文须含有全部参数 {1}、{2}……"
        raise Invalid("template_definition", "模板内容有误", detail) from error
