"""`steward wechat`: our templates held against those of the accounts."""

from __future__ import annotations

import sys

import typer

from cli.surroundings import with_database

wechat_app = typer.Typer(help="The accounts on the WeChat platforms.", no_args_is_help=True)


@wechat_app.callback()
def _group() -> None:
    """The accounts on the WeChat platforms."""


@wechat_app.command()
def check() -> None:
    """Compares our templates with the accounts': what is missing there, what differs, what nobody uses."""
    sys.exit(0 if with_database(_check()) else 1)


async def _check() -> bool:
    """Whether every message by a template of ours would be taken."""
    from delivery.comparing import compare
    from delivery.models import Channel
    from delivery.templates import stored_templates
    from kit import valkey
    from settings import get_settings
    from wechat.clients import clients
    from wechat.errors import CallError

    settings = get_settings()
    redis = valkey.connect(str(settings.redis_url))
    ours = await stored_templates()
    well = True
    try:
        async with clients(settings, redis) as platforms:
            accounts = {Channel.MP_SUBSCRIBE: platforms.mini_program.templates}
            if platforms.official_account is not None:
                accounts[Channel.OA_TEMPLATE] = platforms.official_account.templates
            for channel, templates in accounts.items():
                try:
                    account = await templates()
                except CallError as error:
                    print(f"{channel.value}: not answered ({error})")
                    well = False
                    continue
                findings = compare(ours, channel, account)
                used = len({each.template_id for each in ours if each.channel is channel})
                print(f"{channel.value}: {used} templates of ours, {len(account)} on the account")
                for finding in findings:
                    mark = "PROBLEM" if finding.grave else "note   "
                    print(f"  {mark} {finding.template_id}: {finding.what}" + _for(finding.notices))
                    well = well and not finding.grave
    finally:
        await redis.aclose()
    print("SMS templates cannot be compared: look at the gateway's console.")
    return well


def _for(notices: tuple[str, ...]) -> str:
    return f" [{', '.join(notices)}]" if notices else ""
