"""Afterwards: nothing lost, nothing twice. Each check names what it found; an empty list is what we promise."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from demo.web import Web
from kit import database, jobs
from stewardship.foundation.audit import service as audit
from stewardship.foundation.clocks import comparison
from tests.faults.town import Town

UPDATE_WORDS = re.compile("有新的办理进展|有新进展")
SETTLED = ("sent", "delivered", "unknown", "failed", "cancelled")


@dataclass
class Verdict:
    """What there is, and what is wrong with it."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)
    """Messages of parties whose three tries the platform used up in vain: it showed that to the person."""


async def settle(platform: Web, seconds: float) -> float:
    """Wait until nothing is under way any more; answers how long that took."""
    start = time.monotonic()
    await platform.call("DELETE", "/control/faults")
    while time.monotonic() < start + seconds:
        found = (await platform.call("GET", "/control/deliveries"))["deliveries"]
        pending = any(each["state"] == "pending" for each in found)
        sending = await database.fetchval("select count(*) from message where not state = any($1)", list(SETTLED))
        queued = await database.fetchval("select count(*) from pgqueuer where status = 'queued'")
        if not pending and not sending and not queued:
            break
        await asyncio.sleep(0.5)
    return time.monotonic() - start


async def judge(town: Town, platform: Web, app_id: str) -> Verdict:
    """All checks."""
    verdict = Verdict()
    await _messages(verdict, town, platform, app_id)
    await _inquiries(verdict)
    await _updates(verdict)
    await _telephones(verdict, town, platform)
    await _events(verdict)
    verdict.wrong += [f"job {each.name} is held: {each.error}" for each in await jobs.held()]
    return verdict


async def _messages(verdict: Verdict, town: Town, platform: Web, app_id: str) -> None:
    """Each text of a party, however often delivered, stands in exactly one inquiry, and it is that party's."""
    found = (await platform.call("GET", "/control/deliveries"))["deliveries"]
    members = {citizen.telephone: citizen.member_id for citizen in town.citizens}
    rows = await database.fetch(
        "select e.source_key, i.member_id from inquiry_entry e join inquiry i on i.id = e.inquiry_id"
        " where e.kind = 'asked' and e.source_key is not null"
    )
    places: dict[str, list[Any]] = {}
    for row in rows:
        places.setdefault(row["source_key"], []).append(row["member_id"])
    written = [each for each in found if each["body"]["MsgType"] == "text"]
    for each in written:
        stands = places.pop(f"{app_id}:message:{each['body']['MsgId']}", [])
        if each["state"] == "answered" and stands != [members[each["phone"]]]:
            verdict.wrong.append(f"{each['id']} was answered and stands in {len(stands)} inquiries")
        elif each["state"] != "answered":
            outcomes = ", ".join(f"{one['outcome']} {one['seconds']:.1f} s" for one in each["tries"])
            verdict.given_up.append(f"{each['id']} ({outcomes or each['state']}) stands in {len(stands)}")
            if len(stands) > 1:
                verdict.wrong.append(f"{each['id']} stands in {len(stands)} inquiries")
    verdict.wrong += [f"{key} was never written" for key in places]
    tries = [len(each["tries"]) for each in written]
    verdict.counts["messages written"] = len(written)
    verdict.counts["callbacks delivered"] = sum(tries)
    verdict.counts["messages in exactly one inquiry"] = len(rows)
    verdict.counts["messages given up by the platform"] = len(verdict.given_up)


async def _inquiries(verdict: Verdict) -> None:
    """One waits for a member at most, and waits exactly as long as its clock runs; every clock follows its log."""
    verdict.counts["inquiries"] = await database.fetchval("select count(*) from inquiry")
    several = await database.fetch(
        "select member_id from inquiry where state = 'waiting' group by member_id having count(*) > 1"
    )
    verdict.wrong += [f"member {row['member_id']} waits in several inquiries" for row in several]
    without = await database.fetch(
        "select i.id from inquiry i left join clock k on k.subject_id = i.id"
        " where (i.state = 'waiting') is distinct from coalesce(k.running, false)"
    )
    verdict.wrong += [f"inquiry {row['id']} and its clock disagree" for row in without]
    unanswered = await database.fetch(
        "select i.id, count(m.id) as told from inquiry i left join message m on m.subject_id = i.id"
        " and m.notice = 'inquiry_answered' where i.state = 'answered' group by i.id having count(m.id) <> 1"
    )
    verdict.wrong += [f"the answer to {row['id']} was sent {row['told']} times" for row in unanswered]
    last = None
    while True:
        page = await comparison.compare(last)
        verdict.counts["clocks"] += page.checked
        verdict.wrong += [f"clock {each.clock_id}: {each.column}" for each in page.differences]
        last = page.last
        if last is None:
            return


async def _updates(verdict: Verdict) -> None:
    """Each addressee has exactly one message of each update, and it went, may have gone, or is telephoned instead."""
    verdict.counts["updates"] = await database.fetchval("select count(*) from case_update")
    rows = await database.fetch(
        "select a.update_id, a.member_id, count(m.id) as messages, min(m.state) as state, min(m.reason) as reason,"
        " count(v.id) as calls, (select count(*) from delivery_attempt t where t.message_id = any(array_agg(m.id))"
        " and t.outcome = 'sent') as sends"
        " from update_addressee a left join message m on m.subject_id = a.update_id and m.member_id = a.member_id"
        " and m.notice = 'update_posted' left join visit v on v.message_id = m.id"
        " where a.released_at is not null group by a.update_id, a.member_id"
    )
    verdict.counts["addressees of updates"] = len(rows)
    for row in rows:
        what = f"update {row['update_id']} to {row['member_id']}"
        verdict.counts[f"updates {row['state']}"] += 1
        if row["messages"] != 1:
            verdict.wrong.append(f"{what}: {row['messages']} messages")
        elif row["state"] not in {"sent", "delivered", "unknown", "failed"}:
            verdict.wrong.append(f"{what}: {row['state']} {row['reason']}")
        elif row["state"] == "failed" and row["calls"] != 1:
            verdict.wrong.append(f"{what}: failed, and {row['calls']} telephone tasks")
        elif row["sends"] > 1:
            verdict.wrong.append(f"{what}: sent {row['sends']} times")
    verdict.counts["telephone tasks"] = await database.fetchval("select count(*) from visit")


async def _telephones(verdict: Verdict, town: Town, platform: Web) -> None:
    """What the telephones show: as many updates as were sent, and up to as many more as may have gone.

    A text message has gone for certain once its delivery report says so; some reports are lost here, as they are in
    the world.
    """
    for citizen in town.citizens:
        rows = await database.fetch(
            "select state, channel, count(*) as count from message where notice = 'update_posted' and member_id = $1"
            " group by state, channel",
            citizen.member_id,
        )
        unreported = sum(row["count"] for row in rows if (row["state"], row["channel"]) == ("sent", "sms"))
        went = sum(row["count"] for row in rows if row["state"] in {"sent", "delivered"}) - unreported
        perhaps = sum(row["count"] for row in rows if row["state"] == "unknown") + unreported
        shown = await _updates_shown(platform, citizen.telephone)
        verdict.counts["updates shown on telephones"] += shown
        verdict.counts["text messages without a report"] += unreported
        if not went <= shown <= went + perhaps:
            verdict.wrong.append(f"{citizen.telephone} shows {shown} updates; {went} went and {perhaps} may have")


async def _updates_shown(platform: Web, telephone: str) -> int:
    answer = await platform.send("GET", f"/control/phones/{telephone}/feed", query={"after": "0"})
    if answer.status != 200:
        return 0
    return sum(
        each["direction"] == "to_phone"
        and not each["content"].get("passive")
        and bool(UPDATE_WORDS.search(each["text"]))
        for each in answer.body["entries"]
    )


async def _events(verdict: Verdict) -> None:
    for _ in range(20):
        found = await audit.verify()
        if not found.unsealed:
            break
        await asyncio.sleep(0.5)
    verdict.counts["events"], verdict.counts["events not sealed yet"] = found.sealed, found.unsealed
    if not found.holds:
        verdict.wrong.append(f"the event chain breaks at seal {found.broken_at}")
    if found.unsealed:
        verdict.wrong.append(f"{found.unsealed} events are not sealed")
