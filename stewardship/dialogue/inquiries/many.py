"""One answer to many who ask the same: previewed for each, answered for each in their own transaction.

Nobody learns that others asked: each reads an answer of their own. A protected person is answered by themselves, and
within a case an answer goes to one side only, because the same words may mean harm on the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from kit.crypto import vault
from stewardship.casework.cases.models import Case
from stewardship.casework.groups.models import Member
from stewardship.casework.parties.models import Side
from stewardship.dialogue.inquiries.common import check_text
from stewardship.dialogue.inquiries.models import Inquiry, InquiryState
from stewardship.dialogue.inquiries.queries import access_inquiry
from stewardship.dialogue.inquiries.replies import answer
from stewardship.foundation.actors import Actor
from stewardship.foundation.errors import BusinessError, Invalid
from stewardship.foundation.people.models import ID_NUMBER, Person, PersonKind

MOST = 100
SALUTATION, REFERENCE = "{称呼}", "{查询编号}"
ID_LENGTH = 18

PROTECTED = ("protected", "受保护人员", "请单独答复，按保护方案联系。")
OTHER_SIDE = ("different_side", "与前面的问题不是同一方", "请分开答复，避免一方得知另一方的情况。")
SETTLED = ("inquiry_not_waiting", "这个问题已经处理", "不需要再答复。")


@dataclass(frozen=True, slots=True)
class Wanted:
    """An inquiry to be answered, as the officer read it."""

    inquiry_id: UUID
    expected_version: int


@dataclass(frozen=True, slots=True)
class Row:
    """What one person will read; or why they are left out: `code`, `title`, `detail`."""

    inquiry_id: UUID
    text: str = ""
    reference: str = ""
    version: int = 0
    code: str = ""
    title: str = ""
    detail: str = ""

    @property
    def included(self) -> bool:
        return not self.code


def _left_out(inquiry_id: UUID, why: tuple[str, str, str], reference: str = "") -> Row:
    code, title, detail = why
    return Row(inquiry_id, reference=reference, code=code, title=title, detail=detail)


async def preview(actor: Actor, inquiry_ids: Sequence[UUID], text: str) -> list[Row]:
    """What each would read, in the order given; each inquiry that is shown is a recorded read.

    Raises Invalid for too many, for the same one twice, for an empty text or an unknown placeholder.
    """
    check_text(text)
    if not 1 <= len(inquiry_ids) <= MOST or len(set(inquiry_ids)) != len(inquiry_ids):
        raise Invalid("too_many_inquiries", "选择的问题不对", f"一次最多答复 {MOST} 个，不能重复选择。")
    if "{" in text.replace(SALUTATION, "").replace(REFERENCE, ""):
        raise Invalid("unknown_placeholder", "有不认识的占位符", f"可以使用 {SALUTATION} 和 {REFERENCE}。")
    sides: dict[UUID, Side] = {}
    return [await _row(actor, inquiry_id, text, sides) for inquiry_id in inquiry_ids]


async def _row(actor: Actor, inquiry_id: UUID, text: str, sides: dict[UUID, Side]) -> Row:
    try:
        inquiry = await access_inquiry(actor, inquiry_id)
    except BusinessError as error:
        return _left_out(inquiry_id, (error.code, error.title, error.detail))
    case, person = await Case.get(id=inquiry.case_id), await Person.get(id=inquiry.person_id)
    why = await _why_not(inquiry, person, sides)
    if why is not None:
        return _left_out(inquiry_id, why, case.reference)
    filled = text.replace(SALUTATION, salutation(person)).replace(REFERENCE, case.reference)
    return Row(inquiry_id, text=filled, reference=case.reference, version=inquiry.version)


async def _why_not(inquiry: Inquiry, person: Person, sides: dict[UUID, Side]) -> tuple[str, str, str] | None:
    """The first inquiry of a case says which of its sides is answered."""
    if inquiry.state is not InquiryState.WAITING:
        return SETTLED
    if person.protected:
        return PROTECTED
    merged = await Inquiry.filter(merged_into_id=inquiry.id).values_list("member_id", flat=True)
    members = await Member.filter(id__in=[inquiry.member_id, *merged])
    found = {member.side for member in members}
    if len(found) > 1 or await Person.exists(id__in=[member.person_id for member in members], protected=True):
        return OTHER_SIDE
    side = found.pop()
    return OTHER_SIDE if sides.setdefault(inquiry.case_id, side) is not side else None


def salutation(person: Person) -> str:
    """How a person is addressed: by surname, a company by its name. The identity number's 17th digit tells which."""
    if person.kind is PersonKind.COMPANY:
        return person.name
    if person.minor:
        return f"{person.name[:1]}同学"
    number = vault().ring.open_text(person.id_number_sealed, ID_NUMBER) if person.id_number_sealed else ""
    if len(number) == ID_LENGTH and number[16].isdigit():
        return f"{person.name[:1]}{'先生' if int(number[16]) % 2 else '女士'}"
    return f"{person.name[:1]}先生/女士"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one inquiry: answered, or why not."""

    inquiry_id: UUID
    answered: bool
    code: str = ""
    title: str = ""
    detail: str = ""


async def answer_many(actor: Actor, wanted: Sequence[Wanted], text: str) -> list[Outcome]:
    """Answer each as previewed, each in its own transaction; what fails for one stops no other.

    Raises Invalid as `preview` does, before anything is sent.
    """
    rows = await preview(actor, [each.inquiry_id for each in wanted], text)
    return [await _answer(actor, each, row) for each, row in zip(wanted, rows, strict=True)]


async def _answer(actor: Actor, wanted: Wanted, row: Row) -> Outcome:
    if not row.included:
        return Outcome(row.inquiry_id, False, row.code, row.title, row.detail)
    try:
        await answer(actor, row.inquiry_id, row.text, expected_version=wanted.expected_version)
    except BusinessError as error:
        return Outcome(row.inquiry_id, False, error.code, error.title, error.detail)
    return Outcome(row.inquiry_id, True)
