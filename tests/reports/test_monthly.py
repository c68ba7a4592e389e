"""The monthly report opens again, is laid out as official documents are, and says what the figures say."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from docx import Document
from docx.oxml.ns import qn
from docx.shared import Mm, Pt

from kit import database
from stewardship.casework.cases.models import CaseKind
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.errors import Invalid, NotFound
from stewardship.reports import keeping
from stewardship.reports.monthly import service as monthly
from stewardship.reports.monthly.layout import numeral, typeset
from stewardship.reports.months import freezing
from tests.support.world import World, acting, case_with

ClockAt = Callable[[datetime], None]
MARCH = date(2026, 3, 1)
MORNING = datetime(2026, 3, 17, 1, 0, 10, tzinfo=UTC)


async def a_month_of_questions(world: World, clock_at: ClockAt) -> None:
    """Six of public order, one of them late, and two of a dispute."""
    clock_at(MORNING)
    asked = []
    for kind, count in ((CaseKind.PUBLIC_ORDER, 6), (CaseKind.DISPUTE, 2)):
        for _ in range(count):
            joined = await case_with(world, (PartyRole.VICTIM, Side.A), kind=kind)
            actor = Actor(ActorKind.CITIZEN, joined.members[0].person_id)
            found = await inquiries.ask(actor, joined.members[0], "有结果吗", channel="oa", source_key=str(uuid4()))
            asked.append(found.inquiry.id)
    clock_at(MORNING + timedelta(minutes=10))
    for inquiry_id in asked[1:]:
        await inquiries.answer(await acting(world.steward), inquiry_id, "预计周五。")
    clock_at(MORNING + timedelta(days=2))
    await inquiries.answer(await acting(world.steward), asked[0], "预计周五。")
    await keeping.run()


async def opened(world: World) -> Any:
    _, content = await monthly.document(await acting(world.sub_instructor), world.sub_bureau.id, MARCH)
    return Document(io.BytesIO(content))


def tables(document: Any) -> list[list[list[str]]]:
    return [[[cell.text for cell in row.cells] for row in table.rows] for table in document.tables]


async def test_page_and_type_are_those_of_official_documents(world: World, clock_at: ClockAt) -> None:
    await a_month_of_questions(world, clock_at)
    document = await opened(world)
    section = document.sections[0]
    assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)
    margins = (section.top_margin, section.bottom_margin, section.left_margin, section.right_margin)
    assert [round(each.mm) for each in margins] == [37, 35, 28, 26]
    assert section.page_width - section.left_margin - section.right_margin == pytest.approx(Mm(156), abs=1000)
    body = next(p for p in document.paragraphs if "共受理群众提问" in p.text)
    assert body.paragraph_format.line_spacing == Pt(28)
    run = body.runs[0]
    assert (run.font.size, run.element.rPr.rFonts.get(qn("w:eastAsia"))) == (Pt(16), "仿宋")
    title = document.paragraphs[0].runs[0]
    assert (title.font.size, title.element.rPr.rFonts.get(qn("w:eastAsia"))) == (Pt(22), "方正小标宋简体")
    for footer in (section.footer, section.even_page_footer):
        assert footer.paragraphs[0].text.startswith("— ")
        assert "PAGE" in footer._element.xml


async def test_it_numbers_its_parts_and_says_the_figures_with_their_samples(world: World, clock_at: ClockAt) -> None:
    await a_month_of_questions(world, clock_at)
    document = await opened(world)
    headings = [p.text for p in document.paragraphs if p.style.name == "Heading 1"]
    assert headings == [
        "一、主要指标",
        "二、分类情况",
        "三、变化和原因",
        "四、下级单位情况",
        "五、冻结后的变动",
        typeset("六、附录：指标口径"),
    ]
    figures = {row[0]: row[1:] for row in tables(document)[0]}
    assert figures["有问必答率"] == ["8", "87.5%"]
    assert figures["满意率"] == ["0", "样本不足"]
    by_kind = {row[0]: row for row in tables(document)[1]}
    assert by_kind["治安案件"][1:3] == ["6", "83.3%"]
    assert by_kind["纠纷"][1:3] == ["2", "样本不足"]
    assert any(row[:2] == ["不排名", "柳堤派出所"] for row in tables(document)[3])
    assert any(typeset("样本不足，不作比较") in p.text for p in document.paragraphs)


async def test_a_frozen_month_shows_both_figures_and_why_they_differ(world: World, clock_at: ClockAt) -> None:
    await a_month_of_questions(world, clock_at)
    clock_at(datetime(2026, 4, 3, 1, 0, tzinfo=UTC))
    await freezing.run()
    await database.execute("update case_file set kind = 'criminal' where kind = 'dispute'")
    await keeping.run()
    document = await opened(world)
    assert tables(document)[0][0] == ["指标", "样本", "冻结", "现在"]
    assert any("冻结后共有2项变动" in p.text for p in document.paragraphs)
    assert tables(document)[-1][1:] == [["单位、民警、类别或渠道更正", "2"]]


async def test_it_says_who_took_it_out_and_that_is_an_event(world: World, clock_at: ClockAt) -> None:
    await a_month_of_questions(world, clock_at)
    document = await opened(world)
    header = document.sections[0].header.paragraphs[0].text
    assert world.sub_instructor.number in header
    kinds = await database.fetch("select details::text from event where kind = 'report.exported'")
    assert any("monthly" in row["details"] for row in kinds)


async def test_every_level_has_its_report_even_of_a_month_without_anything(world: World) -> None:
    centre = await acting(world.centre_officer)
    for unit in (world.bureau, world.sub_bureau, world.station):
        name, content = await monthly.document(centre, unit.id, MARCH)
        assert name.startswith(unit.name)
        assert Document(io.BytesIO(content)).tables


@pytest.mark.parametrize("month", [date(2026, 3, 2), date(2026, 4, 1), date(1999, 1, 1)])
async def test_what_is_no_month_has_no_report(world: World, month: date) -> None:
    with pytest.raises(Invalid, match="report_month"):
        await monthly.document(await acting(world.instructor), world.station.id, month)


async def test_other_units_have_no_report(world: World) -> None:
    with pytest.raises(NotFound):
        await monthly.document(await acting(world.instructor), world.sub_bureau.id, MARCH)


def test_numerals() -> None:
    assert [numeral(n) for n in (1, 9, 10, 11, 20, 21, 99)] == ["一", "九", "十", "十一", "二十", "二十一", "九十九"]


def test_punctuation_is_that_of_chinese_print_and_latin_stays_latin() -> None:
    said = typeset("从 88.9%（333 件）到 85.1%，下降。来源：E. B. Wilson, 1927 (JASA);（一）其他（并列）")
    assert said == (
        "从88.9%\uff08333件\uff09到85.1%\uff0c下降。来源\uff1aE. B. Wilson, 1927 (JASA)\uff1b"
        "\uff08一\uff09其他\uff08并列\uff09"
    )
    assert typeset("12,345 — 1:2") == "12,345 — 1:2"
