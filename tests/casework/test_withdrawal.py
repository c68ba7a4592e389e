"""An update can be taken back within minutes; and files that go with one reach whom it is addressed to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from delivery.models import Message, RecipientKind
from delivery.notice import Notice
from delivery.recipients import Dropped, MessageView
from kit import clock
from stewardship import reach
from stewardship.casework.cases.models import Case
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.casework.updates import service as updates
from stewardship.casework.updates import withdrawal
from stewardship.casework.updates.attachments import attachment_for
from stewardship.casework.updates.models import AudienceKind
from stewardship.casework.updates.rules import Audience
from stewardship.foundation.errors import Conflict, Invalid, NotAllowed
from stewardship.foundation.files import service as files
from stewardship.foundation.files.models import StoredFile
from stewardship.foundation.files.scanning import EICAR, TestFileScanner
from stewardship.foundation.files.service import FileStore
from tests.support.world import Joined, World, acting, case_with, post

PDF = b"%PDF-1.7\n" + bytes(64)


async def two_sides(world: World) -> Joined:
    return await case_with(world, (PartyRole.VICTIM, Side.A), (PartyRole.SUSPECT, Side.B))


async def test_who_has_read_it_is_told_and_who_has_not_never_reads_it(world: World) -> None:
    joined = await two_sides(world)
    posted = await post(world, joined.case, "发错了案件的内容")
    reader, other = joined.members
    await withdrawal.mark_seen(reader, [posted.update.id])
    await withdrawal.withdraw(await acting(world.steward), joined.case, posted.update.id, "发错案件")
    for member in joined.members:
        assert await updates.updates_for(member, joined.case) == []
    told = await Message.filter(notice="update_withdrawn").values_list("member_id", flat=True)
    assert list(told) == [reader.id]
    message = await Message.get(notice="update_posted", member_id=other.id)
    view = MessageView(
        id=message.id,
        notice=Notice.UPDATE_POSTED,
        recipient_kind=RecipientKind.PERSON,
        recipient_id=message.recipient_id,
        member_id=message.member_id,
        case_id=message.case_id,
        unit_id=message.unit_id,
        subject_id=message.subject_id,
        created_at=message.created_at,
        priority=message.priority,
    )
    assert (await reach.resolve([view]))[message.id] == Dropped("withdrawn")


async def test_the_silence_runs_from_what_was_heard_before(world: World) -> None:
    joined = await two_sides(world)
    await post(world, joined.case, "已委托鉴定")
    before = await Case.get(id=joined.case.id)
    clock.set_offset(clock.offset() + timedelta(days=2))
    posted = await post(world, joined.case, "鉴定意见已经出具")
    await withdrawal.withdraw(await acting(world.steward), joined.case, posted.update.id, "日期写错")
    after = await Case.get(id=joined.case.id)
    assert (after.silent_from, after.last_update_at, after.next_contact_on) == (
        before.silent_from,
        before.last_update_at,
        before.next_contact_on,
    )


async def test_after_ten_minutes_it_stands(world: World) -> None:
    joined = await two_sides(world)
    posted = await post(world, joined.case, "已调取监控")
    clock.set_offset(clock.offset() + timedelta(minutes=11))
    with pytest.raises(Conflict, match="update_too_old"):
        await withdrawal.withdraw(await acting(world.steward), joined.case, posted.update.id, "写错")


async def test_only_the_author_and_the_instructor_take_it_back_and_only_once(world: World) -> None:
    joined = await case_with(world, (PartyRole.VICTIM, Side.A), deputy=world.colleague)
    posted = await post(world, joined.case, "已调取监控")
    with pytest.raises(NotAllowed, match="update_not_own"):
        await withdrawal.withdraw(await acting(world.colleague), joined.case, posted.update.id, "写错")
    instructor = await acting(world.instructor)
    with pytest.raises(Invalid, match="withdraw_reason"):
        await withdrawal.withdraw(instructor, joined.case, posted.update.id, "")
    await withdrawal.withdraw(instructor, joined.case, posted.update.id, "内容不宜告知")
    with pytest.raises(Conflict, match="update_withdrawn"):
        await withdrawal.withdraw(instructor, joined.case, posted.update.id, "再次")


@pytest.fixture
def blobs(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path)


async def attached(
    world: World, case: Case, blobs: FileStore, content: bytes = PDF, *, person_id: UUID | None = None
) -> StoredFile:
    """A file in the case, past its scan: an officer's, or a party's."""

    async def stream() -> AsyncIterator[bytes]:
        yield content

    officer_id = None if person_id else world.steward.id
    file = await files.store(
        await acting(world.steward),
        blobs,
        stream(),
        origin="desk",
        officer_id=officer_id,
        person_id=person_id,
        case_id=case.id,
    )
    await files.scan(blobs, file.id, TestFileScanner())
    return file


async def post_with(world: World, case: Case, *file_ids: UUID, side: Side = Side.A) -> updates.Posted:
    return await updates.post_update(
        await acting(world.steward),
        case.id,
        text="调解通知书见附件。",
        awaited="双方到场",
        next_contact_on=clock.today(),
        audience=Audience(AudienceKind.SIDES, frozenset({side})),
        file_ids=file_ids,
    )


async def test_a_file_is_open_to_the_addressees_and_to_nobody_else(world: World, blobs: FileStore) -> None:
    joined = await two_sides(world)
    file = await attached(world, joined.case, blobs)
    posted = await post_with(world, joined.case, file.id)
    ours, theirs = joined.members
    assert await attachment_for(ours, file.id) is not None
    assert await attachment_for(theirs, file.id) is None
    await withdrawal.withdraw(await acting(world.steward), joined.case, posted.update.id, "附件不对")
    assert await attachment_for(ours, file.id) is None


async def test_one_sides_material_is_never_passed_on(world: World, blobs: FileStore) -> None:
    joined = await two_sides(world)
    evidence = await attached(world, joined.case, blobs, person_id=joined.members[0].person_id)
    other = await case_with(world, (PartyRole.VICTIM, Side.A))
    elsewhere = await attached(world, other.case, blobs)
    for file_id in (evidence.id, elsewhere.id, uuid4()):
        with pytest.raises(Invalid, match="attachment_unknown"):
            await post_with(world, joined.case, file_id, side=Side.B)


async def test_what_the_scan_rejected_goes_nowhere(world: World, blobs: FileStore) -> None:
    joined = await two_sides(world)
    infected = await attached(world, joined.case, blobs, PDF + EICAR)
    with pytest.raises(Invalid, match="attachment_rejected"):
        await post_with(world, joined.case, infected.id)
    assert await updates.updates_for(joined.members[0], joined.case) == []
