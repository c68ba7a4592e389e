"""Taking an update back within minutes: who has not read it never will, who has is told."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from kit import clock, database
from kit.database import atomic
from stewardship.casework.cases import service as cases
from stewardship.casework.cases.models import Case
from stewardship.casework.groups.models import Member
from stewardship.casework.updates import notices
from stewardship.casework.updates.models import Update, UpdateAddressee
from stewardship.foundation.actors import Actor
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import Conflict, Invalid, NotAllowed, NotFound
from stewardship.foundation.org.models import Role

WITHDRAW_WITHIN = timedelta(minutes=10)


@atomic()
async def withdraw(actor: Actor, case: Case, update_id: UUID, reason: str) -> Update:
    """Take an update back. What is on its way is dropped, whoever has read it hears that it does not hold.

    The stage stays as it is; the silence clock runs again from what the parties had heard before. Raises NotFound,
    NotAllowed for who neither wrote it nor supervises, Conflict ten minutes after it was posted.
    """
    if not reason.strip():
        raise Invalid("withdraw_reason", "请写明撤回原因", "原因会留存备查。")
    case = await cases.lock_case(case.id)
    update = await Update.select_for_update().get_or_none(id=update_id, case_id=case.id)
    if update is None:
        raise NotFound("update_not_found", "没有找到这条进展")
    check_withdrawable(actor, case, update)
    update.withdrawn_at = clock.now()
    await update.save(update_fields=["withdrawn_at"])
    await _silence_as_before(case)
    readers = await UpdateAddressee.filter(update_id=update.id, seen_at__isnull=False).values_list(
        "member_id", flat=True
    )
    await notices.notify_withdrawn(update, [UUID(str(each)) for each in readers])
    await audit.record(
        "update.withdrawn",
        actor,
        ("update", update.id),
        case_id=case.id,
        unit_id=case.unit_id,
        readers=len(readers),
        reason_length=len(reason),
    )
    return update


def check_withdrawable(actor: Actor, case: Case, update: Update) -> None:
    """Raises NotAllowed or Conflict."""
    if update.author_id != actor.id and case.unit_id not in actor.units(Role.INSTRUCTOR):
        raise NotAllowed("update_not_own", "这条进展不是您发的", "请由发送人或教导员撤回。")
    if update.withdrawn_at is not None:
        raise Conflict("update_withdrawn", "这条进展已经撤回", "不需要再次撤回。")
    if clock.now() > update.posted_at + WITHDRAW_WITHIN:
        minutes = int(WITHDRAW_WITHIN.total_seconds() // 60)
        raise Conflict("update_too_old", f"已超过 {minutes} 分钟，不能撤回", "请再发一条进展，说明更正的内容。")


async def _silence_as_before(case: Case) -> None:
    last = await Update.filter(case_id=case.id, withdrawn_at=None).order_by("-posted_at").first()
    news = await Update.filter(case_id=case.id, withdrawn_at=None, near_copy=False).order_by("-posted_at").first()
    case.awaited, case.next_contact_on = (last.awaited, last.next_contact_on) if last else ("", None)
    case.last_update_at = news.posted_at if news else None
    if case.closed_at is None:
        due = cases.end_of(news.next_contact_on) if news else cases.silence_after(case.registered_at)
        # Never in the past: taking something back is no silence of its own.
        case.silent_from = max(due, clock.now())
    await case.save(update_fields=["awaited", "next_contact_on", "last_update_at", "silent_from"])


async def mark_seen(member: Member, update_ids: list[UUID]) -> None:
    """The member has these on the screen: counted for the officers, and told if one of them is taken back."""
    await database.execute(
        "update update_addressee set seen_at = $3 where member_id = $1 and update_id = any($2::uuid[])"
        " and seen_at is null and released_at is not null",
        member.id,
        update_ids,
        clock.now(),
    )
