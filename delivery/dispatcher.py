"""Runs the jobs of the outbox: re-check, plan, reserve, send, record; a chunk at a time, each message on its own.

    load → resolve → plan ─┬→ reserve and mark SENDING (one short transaction) → send (no transaction open)
                           │        → record, hooks, further jobs (one transaction) ─┐
                           └──────────── what was refused takes its next channel ────┘

A worker that ends between marking and recording leaves SENDING behind: the next run repeats it where the channel
notices repetitions, else it becomes UNKNOWN. See docs/decisions/delivery.md.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import structlog
from pydantic import ValidationError

from delivery import books, ledger, recording
from delivery.channels.base import Cause, Parcel, Result, Sender, result_of
from delivery.contexts import CONTEXTS, Context
from delivery.fields import NoWordingFits
from delivery.hooks import Hooks, install_hooks
from delivery.ledger import Loaded
from delivery.models import CONTEXT, Channel, Outcome
from delivery.outbox import JOB
from delivery.phrases import Said
from delivery.planner import Option, Plan, plan
from delivery.quotas import Quotas
from delivery.recipients import Dropped, Identity, Recipient, Resolver
from delivery.registry import REGISTRY, page_of
from delivery.reports import apply_report, prune, reconcile, reconcile_unknown
from delivery.templates import active_templates
from delivery.verdicts import Verdict, Work, after_sending, before_sending, target_id_of
from delivery.wording import say
from kit import clock, database, jobs
from kit.crypto import CryptoError, vault
from wechat.errors import CallError

__all__ = ["Dispatcher", "apply_report", "install", "prune", "reconcile", "reconcile_unknown"]

log = structlog.get_logger(__name__)

CHUNKS, CHUNKS_AT_PLATFORMS, LANES = 6, 2, 50
"""Chunks under way at once in one worker, how many of them may be with the platforms, and how many messages of each are
sent at once: as many in all as the HTTP client has connections. While those wait for their answers, the others use the
database."""
SINGLES = 20
"""Jobs of a single message under way at once: what is urgent does not wait behind chunks."""
LONGEST_WAIT = 5.0
"""Seconds to wait for the account's quota inside a job; longer waits become a job for later."""


class Dispatcher:
    """One worker's way from queued messages to the platforms."""

    def __init__(
        self,
        *,
        resolve: Resolver,
        channels: Mapping[Channel, Sender],
        hooks: Hooks | None = None,
        quotas: Quotas | None = None,
    ) -> None:
        """`channels`: those that this installation has. `quotas`: None limits nothing."""
        self.hooks = hooks or Hooks()
        self._resolve = resolve
        self._channels = channels
        self._connected = frozenset(channels)
        self._quotas = quotas or Quotas(None)
        self._chunks, self._singles = asyncio.Semaphore(CHUNKS), asyncio.Semaphore(SINGLES)
        self._chunks_out, self._singles_out = asyncio.Semaphore(CHUNKS_AT_PLATFORMS), asyncio.Semaphore(SINGLES)

    async def run(self, job: jobs.Job) -> None:
        """Handle one job. Messages that are not to be sent any more, or that another worker has, are passed over."""
        at, ids = datetime.fromisoformat(job.payload["at"]), [UUID(id_) for id_ in job.payload["ids"]]
        async with self._singles if len(ids) == 1 else self._chunks:
            works = await self._prepare(at, ids)
            await self._work(job, at, works)

    async def _prepare(self, at: datetime, ids: Sequence[UUID]) -> list[Work]:
        loaded = await ledger.load(at, ids)
        if not loaded:
            return []
        found = await self._resolve([each.view for each in loaded])
        templates = await active_templates()
        now = clock.now()
        works = []
        for each in loaded:
            to = found.get(each.view.id, Dropped("not_resolved"))
            # What was refused before stays refused, but the channel of an interrupted try may be needed for its repeat.
            plan_ = (
                Plan((), {})
                if isinstance(to, Dropped)
                else plan(
                    REGISTRY[each.view.notice], to, templates, now, connected=self._connected, refused=each.refused
                )
            )
            works.append(Work(each, to, plan_, _context(each)))
        return works

    async def _work(self, job: jobs.Job, at: datetime, works: list[Work]) -> None:
        """Rounds: what is refused by one channel goes to the next one at once. The last round ends the job."""
        while True:
            now = clock.now()
            settled = {work.loaded.view.id: before_sending(work, now) for work in works}
            verdicts = [verdict for verdict in settled.values() if verdict is not None]
            trying = [work for work in works if settled[work.loaded.view.id] is None]
            wait = await self._wait_for_quotas(trying)
            if wait:
                await recording.put_off(self.hooks, job, at, now, verdicts, [w.loaded.view.id for w in trying], wait)
                return
            if trying:
                async with self._singles_out if len(works) == 1 else self._chunks_out:
                    started = await self._start(at, now, trying)
                    results = await self._send_all(started)
                verdicts += [after_sending(work, result, now) for work, result in results]
            # Without an option: the books granted none, so that another channel is next, or a reason why there is none.
            works = [work for work in trying if work.option is None] + _for_next_channel(verdicts)
            await recording.surely(self.hooks, None if works else job, at, clock.now(), verdicts)
            if not works:
                return

    async def _wait_for_quotas(self, trying: Sequence[Work]) -> float:
        """Seconds to put the whole chunk off; 0.0 once the accounts' quotas allow it."""
        counts = Counter(first.channel for work in trying if (first := work.first()) is not None)
        for channel, number in counts.items():
            waited = 0.0
            while (wait := await self._quotas.take(channel, number)) > 0:
                if waited + wait > LONGEST_WAIT:
                    return wait
                await asyncio.sleep(wait)
                waited += wait
        return 0.0

    async def _start(self, at: datetime, now: datetime, trying: Sequence[Work]) -> list[Work]:
        """Reserve what the sends use up and mark them SENDING; answers those that may now be sent.

        A message whose books grant nothing loses that option; without another its next round settles it.
        """
        for work in trying:
            work.option, work.share = work.first(), None
        if not any(work.option is not None and work.option.books for work in trying):
            return await self._mark(at, now, trying)
        async with database.in_transaction():
            granted = await _reserve(trying, now)
            ours = await self._mark(at, now, granted)
            taken_elsewhere = [w.share for w in granted if w not in ours and w.share is not None]
            await books.give_back(taken_elsewhere)
        return ours

    async def _mark(self, at: datetime, now: datetime, works: Sequence[Work]) -> list[Work]:
        if not works:
            return []
        rows = [(w.loaded.view.id, w.option.channel, w.tries, w.loaded.state) for w in works if w.option]
        ours = await ledger.mark_sending(at, now, rows)
        for work in works:
            if work.loaded.view.id in ours:
                work.loaded.tries += 1
                work.loaded.sent_at = work.loaded.sent_at or now
        return [work for work in works if work.loaded.view.id in ours]

    async def _send_all(self, works: Sequence[Work]) -> list[tuple[Work, Result]]:
        """Send each. Lanes that take the next message when theirs is done cost less than a task for each message."""
        results: list[tuple[Work, Result]] = []
        waiting = iter(works)

        async def lane() -> None:
            for work in waiting:
                results.append((work, await self._send(work)))

        if len(works) == 1:
            await lane()
        else:
            await asyncio.gather(*(lane() for _ in range(min(LANES, len(works)))))
        return results

    async def _send(self, work: Work) -> Result:
        """One try. Whatever goes wrong in it is this message's result alone."""
        option = work.option
        if option is None or work.context is None:
            raise ValueError("nothing to try")
        try:
            return await self._channels[option.channel].send(_parcel(work, option, work.context))
        except NoWordingFits as error:
            log.error(
                "no_wording_fits", notice=work.context.notice.value, channel=option.channel.value, field=str(error)
            )
            return Result(Outcome.REFUSED, "no_wording_fits", cause=Cause.BAD_CONTENT)
        except CallError as error:
            result = result_of(error, option.channel)
            if result.cause in {Cause.BAD_CONTENT, Cause.MISCONFIGURED, Cause.OTHER}:
                log.error(
                    "send_refused", notice=work.context.notice.value, channel=option.channel.value, code=result.code
                )
            return result
        except Exception as error:
            # A bug in one channel must not leave the others of the chunk without a record; nobody knows if this went.
            log.exception("send_broke", channel=option.channel.value)
            return Result(Outcome.UNKNOWN, type(error).__name__)


def _context(loaded: Loaded) -> Context | None:
    """The facts of the message; None where they can no longer be read, which is logged."""
    try:
        plain = vault().ring.open(loaded.sealed_context, CONTEXT)
        return CONTEXTS[loaded.view.notice].model_validate_json(plain, extra="ignore")
    except (CryptoError, ValidationError) as error:
        log.error("context_unreadable", message=str(loaded.view.id), error=type(error).__name__)
        return None


def _parcel(work: Work, option: Option, context: Context) -> Parcel:
    target = option.target
    said = say(context)
    if option.pretext and isinstance(work.to, Recipient) and work.to.protected:
        said = Said({"pretext": [work.to.protected.pretext]}, [])
    return Parcel(
        work.loaded.view.id,
        target_id_of(option),
        target.openid if isinstance(target, Identity) else target.number,
        said,
        option.template,
        page_of(context),
    )


async def _reserve(trying: Sequence[Work], now: datetime) -> list[Work]:
    """Give each message its first option that the books grant; answers those that got one. In a transaction."""
    open_ = list(trying)
    granted: list[Work] = []
    for work in open_:
        work.option = work.share = None
    while open_:
        wanted = {work.loaded.view.id: entry for work in open_ if (entry := _entry(work)) is not None}
        given = await books.take(wanted, now) if wanted else {}
        waiting = []
        for work in open_:
            id_ = work.loaded.view.id
            if id_ in wanted and id_ not in given:
                waiting += [work] if _drop_first(work) else []
            else:
                work.option, work.share = work.first(), given.get(id_)
                granted.append(work)
        open_ = waiting
    return granted


def _entry(work: Work) -> books.Entry | None:
    option = work.first()
    if option is None or not option.books or not isinstance(option.target, Identity):
        return None
    template_id = option.template.template_id if option.template else ""
    return books.Entry(option.books[0], option.target.identity_id, template_id)


def _drop_first(work: Work) -> bool:
    """The books gave nothing for the first option: its next book, else the next option. False: none is left."""
    first = work.remaining()[0]
    rest = [option for option in work.plan.options if option is not first]
    if len(first.books) > 1:
        again = Option(first.channel, first.target, first.template, first.books[1:], first.pretext)
        rest.insert(0, again)
    work.plan = Plan(tuple(rest), work.plan.skipped, work.plan.later)
    return bool(work.remaining())


def _for_next_channel(verdicts: Iterable[Verdict]) -> list[Work]:
    """Those that a channel has just refused, ready for the next round."""
    works = []
    for verdict in verdicts:
        if verdict.change.refused is not None:
            work = verdict.work
            work.refused.append(verdict.change.refused)
            work.option = work.share = None
            work.loaded.sent_at = None
            works.append(work)
    return works


_installed: Dispatcher | None = None


def install(dispatcher: Dispatcher) -> None:
    """Called once by the worker's composition root: from now on jobs of the outbox go through this one."""
    global _installed  # noqa: PLW0603 — job handlers are registered by name, one dispatcher a process serves them.
    _installed = dispatcher
    install_hooks(dispatcher.hooks)


def installed() -> Dispatcher:
    """The process's dispatcher. Raises RuntimeError where none is installed."""
    if _installed is None:
        raise RuntimeError("the composition root has not called delivery.dispatcher.install")
    return _installed


@jobs.handler(JOB, transactional=False)
async def deliver(job: jobs.Job) -> None:
    """Send the messages of a job."""
    await installed().run(job)
