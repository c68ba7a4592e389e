"""A city that looks alive: cases, parties, questions and ratings in every state, all over the city, from a seed.

Written through the domain's services, as officers and parties would, with a little time passing in between; the running
worker and scheduler do the rest. Only once: a city that lives already is left alone.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from demo import names
from demo.city import Post
from demo.stage import Stage
from kit import clock
from stewardship import intake
from stewardship.casework.cases import service as cases
from stewardship.casework.cases.models import Case, CaseKind
from stewardship.casework.groups import service as groups
from stewardship.casework.groups.models import Member
from stewardship.casework.groups.service import Issued
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.casework.updates import service as updates
from stewardship.casework.updates.models import AudienceKind
from stewardship.casework.updates.rules import Audience
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.dialogue.inquiries.models import InquiryKind
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import Officer, Unit
from stewardship.foundation.people import service as people
from stewardship.foundation.people.models import Contact, Platform
from stewardship.opinion.ratings import service as ratings
from stewardship.opinion.ratings.models import Rating, RatingState

CASES = 36
SEED = 7
CHANNEL = "mp"

STORIES: dict[CaseKind, tuple[tuple[str, str, str], ...]] = {
    CaseKind.PUBLIC_ORDER: (
        ("商铺门前争执推搡", "已询问双方并调取监控。", "等待伤情鉴定意见"),
        ("楼道堆物引发争吵", "已到现场查看并拍照取证。", "等待物业说明情况"),
    ),
    CaseKind.CRIMINAL: (
        ("电动车被盗", "已调取沿线监控，正在比对。", "等待视频比对结果"),
        ("网络购物被骗", "已冻结涉案账户，正在调取流水。", "等待银行回函"),
    ),
    CaseKind.TRAFFIC_ACCIDENT: (
        ("路口两车刮擦", "已完成现场勘查。", "等待检验报告"),
        ("倒车碰撞非机动车", "已询问双方当事人。", "等待车辆检验"),
    ),
    CaseKind.DISPUTE: (
        ("装修噪音纠纷", "已约双方到所调解。", "等待双方确认调解时间"),
        ("押金退还纠纷", "已联系房东核实合同。", "等待房东提供收据"),
    ),
}
QUESTIONS = (
    "鉴定什么时候能出结果？",
    "还需要我补充什么材料吗？",
    "监控调到了没有？",
    "调解可以改到周末吗？",
    "我的车什么时候能取？",
)
ANSWERS = ("预计三个工作日内，有结果马上通知您。", "材料已经齐了，不用再跑一趟。", "已经调到，正在看，明天给您答复。")
NEXT_STAGE = {
    CaseKind.PUBLIC_ORDER: "investigating",
    CaseKind.CRIMINAL: "filed",
    CaseKind.TRAFFIC_ACCIDENT: "survey",
    CaseKind.DISPUTE: "handling",
}
ROLES = {
    CaseKind.PUBLIC_ORDER: (PartyRole.VICTIM, PartyRole.SUSPECT),
    CaseKind.CRIMINAL: (PartyRole.VICTIM, PartyRole.REPORTER),
    CaseKind.TRAFFIC_ACCIDENT: (PartyRole.DRIVER, PartyRole.DRIVER),
    CaseKind.DISPUTE: (PartyRole.DISPUTANT, PartyRole.DISPUTANT),
}


@dataclass(slots=True)
class _Matter:
    """A case in the making, with who handles it and who has joined."""

    case: Case
    steward: Actor
    members: list[Member]


class _Life:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._draw = random.Random(SEED)  # noqa: S311 — the same life in every demonstration.
        self._names = names.persons(random.Random(SEED + 1))  # noqa: S311 — likewise.
        self._people = 0

    async def begin(self) -> list[_Matter]:
        """Cases of the four kinds in units all over the city; most parties join, some have not yet."""
        teams = [unit for unit in self._stage.city.units if self._stage.city.of(unit.code, Post.STEWARD)]
        wanted = self._draw.sample([team for team in teams if team.code != self._stage.station.code], CASES)
        return [await self._register(team.code, kind) for team, kind in zip(wanted, _kinds(CASES), strict=True)]

    async def _register(self, unit_code: str, kind: CaseKind) -> _Matter:
        officer = await Officer.get(number=self._stage.city.of(unit_code, Post.STEWARD)[0].number)
        actor = Actor(
            ActorKind.OFFICER, officer.id, home_unit_id=officer.unit_id, grants=await org.grants_of(officer.id)
        )
        unit = await Unit.get(code=unit_code)
        brief, said, awaited = self._draw.choice(STORIES[kind])
        draft = intake.CaseDraft(unit.id, officer.id, kind, brief=brief, sensitivity_known=True)
        registered = await intake.register_case(actor, draft, [self._party(kind, place) for place in (0, 1)])
        joining = [issued for issued in registered.issued if self._draw.random() < 0.8]
        matter = _Matter(registered.case, actor, [await self._join(issued) for issued in joining])
        if self._draw.random() < 0.8:
            await self._post(matter, kind, said, awaited)
        return matter

    def _party(self, kind: CaseKind, place: int) -> intake.PartyDraft:
        self._people += 1
        return intake.PartyDraft(
            name=next(self._names),
            roles=frozenset({ROLES[kind][place]}),
            phone=f"1990001{self._people:04d}",
            side=(Side.A, Side.B)[place],
            by_sms=place == 0,
        )

    async def _join(self, issued: Issued) -> Member:
        """They prove their phone in the mini-program, on a telephone that is not on the table."""
        app_id = self._stage.parts.settings.mp.app_id
        identity = await people.identity_of(Platform.MINI_PROGRAM, app_id, f"demo-{issued.member.id.hex}")
        contact = await Contact.get(person_id=issued.member.person_id)
        citizen = Actor(ActorKind.CITIZEN, identity_id=identity.id)
        proof = await groups.prove_phone(
            citizen, issued.invitation.id, identity.id, contact.value, verified_by_platform=True
        )
        return proof.member

    async def _post(self, matter: _Matter, kind: CaseKind, said: str, awaited: str) -> None:
        await updates.post_update(
            matter.steward,
            matter.case.id,
            text=said,
            awaited=awaited,
            next_contact_on=clock.today() + timedelta(days=self._draw.randint(3, 9)),
            audience=Audience(AudienceKind.EVERYONE),
            stage=NEXT_STAGE[kind],
        )

    async def ask(self, matters: Sequence[_Matter]) -> list[tuple[_Matter, UUID]]:
        """One question each, from whoever joined."""
        asked = []
        for matter in matters:
            for member in matter.members[:1]:
                citizen = Actor(ActorKind.CITIZEN, member.person_id)
                kind = self._draw.choice((InquiryKind.QUESTION, InquiryKind.QUESTION, InquiryKind.CALL_BACK))
                words = "请给我回电" if kind is InquiryKind.CALL_BACK else self._draw.choice(QUESTIONS)
                made = await inquiries.ask(citizen, member, words, channel=CHANNEL, source_key=None, kind=kind)
                asked.append((matter, made.inquiry.id))
        return asked

    async def answer(self, asked: Sequence[tuple[_Matter, UUID]]) -> None:
        for matter, inquiry_id in asked:
            await inquiries.answer(matter.steward, inquiry_id, self._draw.choice(ANSWERS))

    async def close(self, matters: Sequence[_Matter]) -> None:
        for matter in matters:
            await cases.close(matter.steward, matter.case.id)

    async def rate(self, matters: Sequence[_Matter]) -> None:
        """Most are content; one in eight is not, and gets a return visit."""
        sent = await Rating.filter(case_id__in=[m.case.id for m in matters], state=RatingState.SENT).order_by("id")
        for rating in sent[: len(sent) * 3 // 4]:
            score = self._draw.choice((1, 1, 1, 1, 1, 2, 2, 3))
            citizen = Actor(ActorKind.CITIZEN, rating.person_id)
            await ratings.rate(citizen, rating_id=rating.id, score=score, channel=CHANNEL)


def _kinds(count: int) -> list[CaseKind]:
    kinds = list(CaseKind)
    return [kinds[number % len(kinds)] for number in range(count)]


async def bring_to_life(stage: Stage) -> int:
    """Make the city look alive; answers how many cases came. 0 where it does already."""
    if await Case.filter(closed_at=None).exclude(unit_id=stage.unit.id).count() >= CASES // 2:
        return 0
    life = _Life(stage)
    matters = await life.begin()
    early, late, soon, fresh, done = (matters[start : start + 7] for start in range(0, 35, 7))
    await life.answer(await life.ask(early))
    await life.ask(late)
    await life.close(done)
    await stage.clock.advance(timedelta(minutes=35))
    await life.ask(soon)
    await stage.clock.advance(timedelta(minutes=16))
    await life.ask(fresh)
    await life.rate(done)
    return len(matters)
