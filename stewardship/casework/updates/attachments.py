"""Files that go with an update: sent by an officer, scanned like everything, open to whom the update is addressed."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from kit import database
from stewardship.casework.groups.models import Member
from stewardship.casework.updates.models import Update, UpdateAttachment
from stewardship.foundation.errors import Invalid
from stewardship.foundation.files.models import FileState, StoredFile

MAX_ATTACHMENTS = 9
UNFIT = (FileState.REJECTED, FileState.LOST, FileState.ANNOUNCED)


async def check_attachable(case_id: UUID, file_ids: Sequence[UUID]) -> None:
    """Raises Invalid for what an officer has not uploaded for this case, or what a scan has rejected.

    What a party sent in is never passed on as an attachment: it would show one side's material to another.
    """
    if len(set(file_ids)) != len(file_ids) or len(file_ids) > MAX_ATTACHMENTS:
        raise Invalid("attachments", "附件不对", f"最多 {MAX_ATTACHMENTS} 个附件，不能重复。")
    found = await StoredFile.filter(id__in=list(file_ids), case_id=case_id, officer_id__isnull=False, person_id=None)
    if len(found) != len(file_ids):
        raise Invalid("attachment_unknown", "附件不属于本案", "请在本案中重新上传附件。")
    if any(file.state in UNFIT for file in found):
        raise Invalid("attachment_rejected", "附件没有通过安全检查", "请去掉这个附件，或换一个文件。")


async def attach(update: Update, file_ids: Sequence[UUID]) -> None:
    """Put them to the update."""
    await UpdateAttachment.bulk_create([UpdateAttachment(update_id=update.id, file_id=each) for each in file_ids])


async def attachments_of(update_ids: Sequence[UUID]) -> dict[UUID, list[StoredFile]]:
    """The files of each update, in the order in which they were put there."""
    rows = await UpdateAttachment.filter(update_id__in=list(update_ids)).order_by("id")
    files = {file.id: file for file in await StoredFile.filter(id__in=[row.file_id for row in rows])}
    found: dict[UUID, list[StoredFile]] = {update_id: [] for update_id in update_ids}
    for row in rows:
        if row.file_id in files:
            found[row.update_id].append(files[row.file_id])
    return found


MINE = """
select t.file_id from update_attachment t join update_addressee a on a.update_id = t.update_id
join case_update u on u.id = t.update_id
where t.file_id = $1 and a.member_id = $2 and a.released_at is not null and u.withdrawn_at is null limit 1
"""


async def attachment_for(member: Member, file_id: UUID) -> StoredFile | None:
    """The file, if an update that this member may read carries it; the filter is in the query."""
    found = await database.fetchval(MINE, file_id, member.id)
    return await StoredFile.get(id=found) if found else None
