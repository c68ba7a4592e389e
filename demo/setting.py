"""What stands in the platforms' consoles before anybody can be written to: templates, and the account's menu."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from delivery.catalogue import starting_templates
from delivery.models import Channel, TemplateState
from delivery.templates import Seed, seed_templates
from demo.phones import CONTROL
from demo.web import Web
from stewardship.conversations.said import MenuKey
from wechat.official_account import MenuButton, OfficialAccount

MENU = (
    MenuButton(
        "案件进展",
        below=(MenuButton("我的案件", MenuKey.MY_CASES.value), MenuButton("询问进展", MenuKey.STATUS.value)),
    ),
    MenuButton("请给我回电", MenuKey.CALL_BACK.value),
    MenuButton("评价", MenuKey.RATE.value),
)
"""The platform allows three buttons, with up to five below each."""
_KINDS = {Channel.MP_SUBSCRIBE: "mp_subscribe", Channel.OA_TEMPLATE: "oa_template", Channel.SMS: "sms"}


async def register_templates(platform: Web, public_url: str) -> int:
    """Put the house's templates into the local platform's console and into our table; answers how many we use."""
    seeds = starting_templates(public_url)
    for channel, kind in _KINDS.items():
        await platform.call("PUT", f"{CONTROL}/templates/{kind}", _console(seeds, channel))
    await seed_templates(seeds)
    return sum(seed.state is TemplateState.ACTIVE for seed in seeds)


def _console(seeds: Sequence[Seed], channel: Channel) -> list[dict[str, Any]]:
    """Each template once: several notices may share one."""
    found = {seed.template_id: _template(seed) for seed in seeds if seed.channel is channel}
    return list(found.values())


def _template(seed: Seed) -> dict[str, Any]:
    definition = seed.definition
    common: dict[str, Any] = {"id": seed.template_id, "title": definition.title}
    if seed.channel is Channel.SMS:
        return common | {"text": definition.text}
    fields = [{"key": each.key, "label": each.label} for each in definition.fields]
    return common | {"term": definition.term, "fields": fields}


async def create_menu(account: OfficialAccount) -> None:
    """The four keys, as the product understands them."""
    await account.set_menu(MENU)
