"""What people do while everything breaks: parties write, officers answer, stewards post progress."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Awaitable, Callable

import asyncpg
from tortoise.exceptions import OperationalError

from demo.checks import StoryFailed
from demo.web import Web
from kit import clock
from stewardship.casework.updates.models import AudienceKind
from stewardship.casework.updates.rules import Audience
from stewardship.casework.updates.service import post_update
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.dialogue.inquiries.models import Inquiry, InquiryState
from stewardship.foundation.errors import BusinessError
from tests.faults.town import Citizen, Town

AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, OperationalError, StoryFailed)
"""The database or the platform does not answer now; whoever wanted something tries again."""
QUESTIONS = ("鉴定费谁出？", "我的车什么时候能取？", "还要等多久", "证人的话算数吗", "对方道歉了吗")
FROM_RECORD = ("询问进展", "谁负责")
STEPS = ("已调取监控", "已委托鉴定", "已询问证人", "已约定调解时间", "已送达通知", "已核对材料")
CALLBACK_FAULTS = ("duplicate_callback", "reorder_callbacks", "lose_answer", "delay_callback")
SENDING_FAULTS = ("error", "http_error", "timeout_after", "timeout_before", "stale_token")
SMS_FAULTS = ("duplicate_report", "drop_report", "delay_report")


class Traffic:
    """All of it, until `stop` is set."""

    def __init__(self, town: Town, platform: Web, chance: random.Random, stop: asyncio.Event) -> None:
        self._town, self._platform, self._chance, self._stop = town, platform, chance, stop
        self._numbers = itertools.count(1)
        self.done: Counter[str] = Counter()

    async def run(self) -> None:
        """Returns when all have stopped. Raises what is no fault but a defect."""
        async with asyncio.TaskGroup() as group:
            for citizen in self._town.chatting:
                group.create_task(self._often(0.4, 1.6, lambda citizen=citizen: self._write(citizen)))  # type: ignore[misc]  # bound now.
            group.create_task(self._often(0.4, 1.2, self._post))
            group.create_task(self._often(0.3, 0.9, self._answer))
            group.create_task(self._often(0.5, 1.5, self._disturb))

    async def _often(self, least: float, most: float, what: Callable[[], Awaitable[None]]) -> None:
        while not self._stop.is_set():
            try:
                await what()
            except AWAY as error:
                self.done[f"away: {type(error).__name__}"] += 1
            await asyncio.sleep(self._chance.uniform(least, most))

    async def _write(self, citizen: Citizen) -> None:
        number = next(self._numbers)
        if self._chance.random() < 0.4:
            text = self._chance.choice(FROM_RECORD)
        else:
            text = f"第{number}问：{self._chance.choice(QUESTIONS)}"
        body = {"type": "text", "content": text}
        await self._platform.call("POST", f"/control/phones/{citizen.telephone}/messages", body)
        self.done["messages written"] += 1

    async def _post(self) -> None:
        case = self._chance.choice(self._town.cases)
        await post_update(
            self._town.steward,
            case.id,
            text=f"{self._chance.choice(STEPS)}，编号{next(self._numbers)}",
            awaited="等待下一步",
            next_contact_on=clock.today(),
            audience=Audience(AudienceKind.EVERYONE),
        )
        self.done["updates posted"] += 1

    async def _answer(self) -> None:
        waiting = await Inquiry.filter(state=InquiryState.WAITING).order_by("opened_at").first()
        if waiting is None:
            return
        try:
            await inquiries.answer(
                self._town.steward, waiting.id, "已经核实，请等通知。", expected_version=waiting.version
            )
            self.done["answers"] += 1
        except BusinessError:
            self.done["answers that came too late"] += 1

    async def _disturb(self) -> None:
        kind = self._chance.choice([*CALLBACK_FAULTS, *CALLBACK_FAULTS, *SENDING_FAULTS, *SMS_FAULTS])
        fault: dict[str, object] = {"kind": kind, "seconds": 1.0, "copies": self._chance.randint(2, 3)}
        if kind in CALLBACK_FAULTS:
            fault["account"] = "oa"
        elif kind in SENDING_FAULTS:
            fault["path"] = "/cgi-bin/message/custom/send"
        await self._platform.call("POST", "/control/faults", fault)
        self.done[f"fault {kind}"] += 1
