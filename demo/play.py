"""Playing the demonstration in a process of its own, beside the running installation."""

from __future__ import annotations

import logging
import time

import aiohttp

from demo.alive import bring_to_life
from demo.city import Post, build_city
from demo.load import PASSWORD, TOTP_SECRET, load_city
from demo.past.loading import give_a_past
from demo.stage import Stage
from demo.story import STEPS
from demo.telling import tell
from demo.web import Web
from kit import logs
from scheduler import process
from settings import Settings, get_settings

POSTS = {
    Post.STEWARD: "案管家",
    Post.DEPUTY: "副职",
    Post.DUTY_OFFICER: "值班民警",
    Post.INSTRUCTOR: "教导员",
    Post.CENTRE_OFFICER: "民意中心民警",
    Post.INSPECTOR: "督察",
    Post.AUDIT_ADMINISTRATOR: "审计管理员",
}


PACE = 2.0
"""Seconds between two steps where somebody watches."""


async def main(*, watched: bool) -> int:
    """Load the city, play the story, leave a city that lives; answers the exit code. The two URLs must be set.

    `watched`: at a pace that eyes can follow, with what one needs afterwards to look around.
    """
    logs.configure("demo", level=logging.WARNING)
    settings = get_settings()
    async with process.opened(settings) as parts, aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        city = build_city()
        loaded = await load_city(settings, city)
        if loaded.units:
            print(f"城市就位：{loaded.units} 个单位，{loaded.officers} 名民警（{loaded.seconds:.1f} 秒）", flush=True)
        past = await give_a_past(city)
        if past.cases:
            print(f"过往几个月：{past.cases} 件案件，{past.inquiries} 次提问（{past.seconds:.1f} 秒）", flush=True)
        stage = Stage(
            parts, Web(http, _local(settings, settings.sandbox_port)), Web(http, _local(settings, settings.port)), city
        )
        await stage.set_up()
        told = await tell(stage, STEPS, pace=PACE if watched else 0.0)
        if told.well:
            await _let_it_live(stage)
        if watched:
            tell_logins(stage)
    print(f"story: {told.steps} steps, {told.passed} passed", flush=True)
    return 0 if told.well else 1


async def _let_it_live(stage: Stage) -> None:
    started = time.monotonic()
    cases = await bring_to_life(stage)
    if cases:
        print(f"全市另有 {cases} 件案件正在办理（{time.monotonic() - started:.1f} 秒）", flush=True)


def tell_logins(stage: Stage) -> None:
    """With what a person may look around at the desk: the story's own officers."""
    print(f"演示登录（全市民警同一密码 {PASSWORD}，动态码密钥 {TOTP_SECRET}）：")
    for post, desk in stage.desks.items():
        print(f"  {desk.officer.number}  {desk.name}  {POSTS[post]}")
    print("  此刻的动态码：steward demo --code", flush=True)


def _local(settings: Settings, port: int) -> str:
    """A server that listens on every address is on this machine too."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104 — compared, not bound.
    return f"http://{host}:{port}"
