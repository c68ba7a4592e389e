"""A small town on a running installation, for the desk's stories: `python -m tests.desk.town HOME`.

Starts servers, processes and the local platform on free ports, seeds the town, prints one line of JSON saying where and
who, and stays up until its standard input ends. A program of its own, because it starts servers that end with it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp

from demo.load import PASSWORD, TOTP_SECRET
from demo.web import Web
from kit import clock_offset, crypto, database, logs
from kit.crypto import vault
from kit.servers import embedded
from kit.signing import Signer
from settings import Settings
from stewardship import reactions
from stewardship.casework.cases import service as cases
from stewardship.casework.groups import service as groups
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.dialogue.inquiries.models import Inquiry
from stewardship.exchange import clients
from stewardship.foundation.actors import SYSTEM, Actor, ActorKind
from stewardship.foundation.audit import service as audit
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import TOTP, Officer, Role
from tests.faults import installation
from tests.faults.storm import settings_for
from tests.faults.town import Town, build
from tests.support.world import acting, draft, follower, post, register

CASES = 4
OFFICERS = (
    "steward",
    "colleague",
    "instructor",
    "sub_instructor",
    "inspector",
    "other_steward",
    "centre_officer",
)
LATE_QUESTION = "我的手机什么时候能还给我？"
LATE_BY = timedelta(minutes=50)
ADMINISTRATORS = {
    "administrator": ("郑理", "800001", Role.SYSTEM_ADMINISTRATOR),
    "other_administrator": ("冯核", "800002", Role.SYSTEM_ADMINISTRATOR),
    "security": ("陈安", "800003", Role.SECURITY_ADMINISTRATOR),
    "other_security": ("卫全", "800005", Role.SECURITY_ADMINISTRATOR),
    "auditor": ("楚审", "800004", Role.AUDIT_ADMINISTRATOR),
}
"""Whoever keeps the city's promises, logins and log: two of those who change things, because one alone does not."""
MOBILE = "19900009998"
LONG_NAME = "阿卜杜热依木·买买提艾力·图尔荪托合提"


async def seed(settings: Settings, url: str) -> dict[str, Any]:
    """Cases with chatting parties, an update, somebody who asks to be let in; every officer can log in."""
    crypto.open_vault(settings.encryption_keys.get_secret_value(), settings.index_keys.get_secret_value())
    reactions.register()
    async with database.connected(url, pool=4), aiohttp.ClientSession() as session:
        platform = Web(session, f"http://127.0.0.1:{settings.sandbox_port}")
        town = await build(platform, f"http://127.0.0.1:{settings.port}", CASES)
        for each in ADMINISTRATORS.values():
            await _administrator(town, *each)
        await _let_in(town)
        for case in town.cases[:2]:
            await post(town.world, case, "已调取现场监控，正在逐段核对，预计三天内完成。")
        await _waits_for_approval(town)
        await _is_late(town, platform)
        await _looked_at_by_a_stranger(town)
        return {
            "desk": f"http://127.0.0.1:{settings.port}",
            "platform": f"http://127.0.0.1:{settings.sandbox_port}",
            "officers": {name: getattr(town.world, name).number for name in OFFICERS}
            | {name: number for name, (_, number, _) in ADMINISTRATORS.items()},
            "cases": [str(case.id) for case in town.cases],
            "machine": await _case_system(town),
            "station": town.world.station.code,
            "proof_key": Signer(settings.proof_seed).public_key,
            "phones": [[str(each.case_id), each.telephone] for each in town.chatting],
        }


async def _administrator(town: Town, name: str, number: str, role: Role) -> None:
    officer = await org.create_officer(SYSTEM, number=number, name=name, unit_id=town.world.bureau.id, mobile=MOBILE)
    await org.grant_role(SYSTEM, officer.id, role, town.world.bureau.id)


async def _case_system(town: Town) -> list[str]:
    """Another system may write: the id and the secret that sign its requests."""
    administrator = await Officer.get(number=ADMINISTRATORS["administrator"][1])
    name, unit = "执法办案平台", town.world.bureau.id
    registered = await clients.register(await acting(administrator), unit, name=name, source_system="case-system")
    return [str(registered.client.id), registered.secret]


async def _let_in(town: Town) -> None:
    """The published password and second factor, except for one officer, who has yet to set theirs up."""
    hashed = await asyncio.to_thread(org.hasher.hash, PASSWORD)
    sealed = vault().ring.seal_text(TOTP_SECRET, TOTP)
    await Officer.all().update(password_hash=hashed, totp_secret=sealed, totp_confirmed=True)
    await Officer.filter(id=town.world.other_steward.id).update(totp_secret=None, totp_confirmed=False)


async def _waits_for_approval(town: Town) -> None:
    registered = await register(town.world, [draft(PartyRole.VICTIM, Side.A, name=LONG_NAME)])
    [issued] = registered.issued
    identity = await follower("desk-waits")
    number = (await draft_number(issued.member.person_id)) or ""
    await groups.prove_phone(
        Actor(ActorKind.CITIZEN), issued.invitation.id, identity.id, number, verified_by_platform=False
    )


async def _is_late(town: Town, platform: Web) -> None:
    """Two asked: one was answered when the promise was over, the other was not at all."""
    answered, waiting = town.chatting[-2:]
    for citizen in (answered, waiting):
        phone = f"/control/phones/{citizen.telephone}/messages"
        await platform.call("POST", phone, {"type": "text", "content": LATE_QUESTION}, query={"wait": "10"})
    offset = await clock_offset.move(LATE_BY)
    await platform.call("PUT", "/control/clock", {"offset_seconds": offset.total_seconds()})
    asked = await Inquiry.get(member_id=answered.member_id)
    await inquiries.answer(await acting(town.world.steward), asked.id, "明天上午可以来所里领取。")


async def _looked_at_by_a_stranger(town: Town) -> None:
    """A read of a case by somebody whom it does not concern, as one who had a role then leaves it behind."""
    stranger, case = await acting(town.world.other_steward), town.cases[0]
    await audit.record(
        "case.read",
        stranger,
        ("case", case.id),
        case_id=case.id,
        unit_id=case.unit_id,
        relation=cases.relation_of(stranger, case),
    )


async def draft_number(person_id: Any) -> str | None:
    """The number that was registered for them."""
    from stewardship.foundation.people.models import Contact

    contact = await Contact.filter(person_id=person_id).first()
    return contact.value if contact else None


def main() -> int:
    settings = settings_for(Path(sys.argv[1]).absolute())
    logs.configure("town")
    with embedded(settings.home) as servers:
        urls = {"STEWARD_DATABASE_URL": servers.database_url, "STEWARD_REDIS_URL": servers.redis_url}
        installation.migrate(settings, urls)
        with installation.running(settings, servers.database_url, servers.redis_url):
            found = asyncio.run(seed(settings, servers.database_url))
            sys.stdout.write(json.dumps(found) + "\n")
            sys.stdout.flush()
            sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
