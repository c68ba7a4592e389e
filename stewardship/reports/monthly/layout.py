"""Official documents as 《党政机关公文格式》 (GB/T 9704-2012) wants them, written with python-docx.

Section 5: A4, type area 156 × 225 mm with 37 mm above and 28 mm to the left, 3号仿宋, 22 lines a page of 28
characters. Section 7.3: the title in 2号小标宋, the numbering 一、 (黑体), (一) (楷体), 1. and (1) (仿宋). Section
7.5: page numbers as — 1 — in 4号半角宋体, odd pages to the right, even ones to the left.

小标宋 (FZXiaoBiaoSong) is licensed and missing on most machines; the title falls back to 宋体, as every office does.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

from docx import Document
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt
from docx.text.paragraph import Paragraph

SONG, FANG_SONG, HEI, KAI, TITLE = "宋体", "仿宋", "黑体", "楷体", "方正小标宋简体"
LATIN = "Times New Roman"
NO_2, NO_3, NO_4, NO_5 = Pt(22), Pt(16), Pt(14), Pt(10.5)
"""二号, 三号, 四号, 五号."""
LINE, TITLE_LINE, TABLE_LINE = Pt(28), Pt(35), Pt(18)
PAGE = {"page_width": Mm(210), "page_height": Mm(297)}
MARGINS = {"top_margin": Mm(37), "bottom_margin": Mm(35), "left_margin": Mm(28), "right_margin": Mm(26)}
TEXT_WIDTH_MM = 156
INDENT = 2
"""Characters that a paragraph begins with."""
DIGITS = "一二三四五六七八九十"


class OfficialDocument:
    """One document from the title down; paragraphs and tables are added in order."""

    def __init__(self, title: str, issuer: str, watermark: str) -> None:
        self._document: Any = Document()
        self._level_1 = self._level_2 = self._level_3 = 0
        self._document.core_properties.title, self._document.core_properties.author = title, issuer
        self._document.core_properties.comments = ""
        self._geometry()
        self._styles()
        self._page_numbers(watermark)
        self._title(title)

    # --- what a report consists of ------------------------------------------------------------------------------------

    def heading(self, text: str) -> None:
        """一、 in 黑体."""
        self._level_1, self._level_2, self._level_3 = self._level_1 + 1, 0, 0
        self._paragraph(f"{numeral(self._level_1)}、{text}", HEI, style="Heading 1", keep=True)

    def subheading(self, text: str) -> None:
        """(一) in 楷体."""
        self._level_2, self._level_3 = self._level_2 + 1, 0
        self._paragraph(f"({numeral(self._level_2)}){text}", KAI, style="Heading 2", keep=True)

    def point(self, text: str) -> None:
        """1. in 仿宋."""
        self._level_3 += 1
        self.text(f"{self._level_3}.{text}")

    def text(self, text: str) -> None:
        """A paragraph in 三号仿宋, indented by two characters."""
        self._paragraph(text, FANG_SONG)

    def signature(self, unit: str, day: str) -> None:
        """Who issued it, and the day in full below, to the right."""
        for line, right in ((unit, 4), (day, 4)):
            paragraph = self._paragraph(line, FANG_SONG, indent=0)
            paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
            _indent(paragraph, "right", right)

    def table(self, title: str, head: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[float]) -> None:
        """A table with a title above it; `widths` are parts of the text's width. Its head repeats on every page."""
        caption = self._paragraph(title, HEI, size=NO_4, indent=0, keep=True)
        caption.alignment = WD_ALIGN_PARAGRAPH.CENTER
        table = self._document.add_table(rows=1, cols=len(head))
        table.style, table.alignment, table.autofit = "Table Grid", WD_TABLE_ALIGNMENT.CENTER, False
        for column, width in zip(table.columns, widths, strict=True):
            column.width = Mm(TEXT_WIDTH_MM * width / sum(widths))
        self._row(table.rows[0], head, widths, HEI)
        _repeat(table.rows[0])
        for values in rows:
            self._row(table.add_row(), values, widths, FANG_SONG)
        self._paragraph("", FANG_SONG, size=NO_5, line=TABLE_LINE)

    def saved(self) -> bytes:
        """The .docx file."""
        out = io.BytesIO()
        self._document.save(out)
        return out.getvalue()

    # --- how it is laid out -------------------------------------------------------------------------------------------

    def _geometry(self) -> None:
        section = self._document.sections[0]
        for name, value in (PAGE | MARGINS).items():
            setattr(section, name, value)
        section.footer_distance = Mm(28)
        self._document.settings.odd_and_even_pages_header_footer = True

    def _styles(self) -> None:
        """Headings keep their meaning for the navigation pane, and lose the looks that Word gives them."""
        styles = self._document.styles
        _font(styles["Normal"], FANG_SONG, NO_3)
        for name, family in (("Heading 1", HEI), ("Heading 2", KAI)):
            _font(styles[name], family, NO_3)
            styles[name].font.bold, styles[name].font.italic = False, False
            styles[name].font.color.rgb = None
            _plain_colour(styles[name])

    def _page_numbers(self, watermark: str) -> None:
        section = self._document.sections[0]
        for footer, side in ((section.footer, WD_ALIGN_PARAGRAPH.RIGHT), (section.even_page_footer, None)):
            paragraph = footer.paragraphs[0]
            paragraph.alignment = side or WD_ALIGN_PARAGRAPH.LEFT
            _indent(paragraph, "right" if side else "left", 1)
            _run(paragraph, "— ", SONG, NO_4)
            _page_field(_run(paragraph, "", SONG, NO_4))
            _run(paragraph, " —", SONG, NO_4)
        for header in (section.header, section.even_page_header):
            _run(header.paragraphs[0], watermark, SONG, Pt(9))

    def _title(self, title: str) -> None:
        for line in title.split("\n"):
            paragraph = self._paragraph(line, TITLE, size=NO_2, line=TITLE_LINE, indent=0, style="Title")
            paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        self._paragraph("", FANG_SONG)

    def _paragraph(
        self,
        text: str,
        family: str,
        *,
        size: Any = NO_3,
        line: Any = LINE,
        indent: int = INDENT,
        style: str | None = None,
        keep: bool = False,
    ) -> Paragraph:
        paragraph: Paragraph = self._document.add_paragraph(style=style if style != "Title" else None)
        _run(paragraph, text, family, size)
        _spacing(paragraph, line)
        paragraph.paragraph_format.keep_with_next = keep
        if indent:
            _indent(paragraph, "firstLine", indent)
        return paragraph

    def _row(self, row: Any, values: Sequence[str], widths: Sequence[float], family: str) -> None:
        _unbroken(row)
        for index, (cell, value) in enumerate(zip(row.cells, values, strict=True)):
            cell.width = Mm(TEXT_WIDTH_MM * widths[index] / sum(widths))
            cell.vertical_alignment = 1
            paragraph = cell.paragraphs[0]
            left = index == 0 or len(value) > 14
            paragraph.alignment = WD_ALIGN_PARAGRAPH.LEFT if left else WD_ALIGN_PARAGRAPH.CENTER
            _run(paragraph, value, family, NO_5)
            _spacing(paragraph, TABLE_LINE)


_CHINESE = r"[\u3001-\u30ff\u3400-\u9fff\uff01-\uff5e\u201c\u201d]"
_WIDE = {",": "\uff0c", ":": "\uff1a", ";": "\uff1b", "?": "\uff1f", "!": "\uff01"}
_BESIDE_CHINESE = re.compile(rf"(?<={_CHINESE})[,:;?!]|[,:;?!](?={_CHINESE})")
_BRACKETS = re.compile(rf"\(([^()]*{_CHINESE}[^()]*)\)|(?<={_CHINESE})\(([^()]*)\)|\(([^()]*)\)(?={_CHINESE})")
_GAP = re.compile(rf"(?<=[\w%]) (?={_CHINESE})|(?<={_CHINESE}) (?=[\w+\u2212])")


def typeset(text: str) -> str:
    """The same with the full-width punctuation of Chinese print, and no gaps between figures and their words."""
    text = _BRACKETS.sub(lambda m: f"\uff08{m[1] or m[2] or m[3] or ''}\uff09", _GAP.sub("", text))
    return _BESIDE_CHINESE.sub(lambda m: _WIDE[m[0]], text)


def numeral(number: int) -> str:
    """一 to 九十九, as headings are counted."""
    if number <= 10:
        return DIGITS[number - 1]
    tens, ones = divmod(number, 10)
    return ("" if tens == 1 else DIGITS[tens - 1]) + "十" + (DIGITS[ones - 1] if ones else "")


def _run(paragraph: Any, text: str, family: str, size: Any) -> Any:
    run = paragraph.add_run(typeset(text))
    _font(run, family, size)
    return run


def _font(of: Any, family: str, size: Any) -> None:
    """Chinese in the family, Latin letters and digits in Times New Roman; 宋体 stands in for a family not there."""
    of.font.name, of.font.size = LATIN, size
    properties = of.element.get_or_add_rPr()
    fonts = properties.find(qn("w:rFonts"))
    for name in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{name}"), None)
    fonts.set(qn("w:eastAsia"), family)


def _plain_colour(style: Any) -> None:
    colour = style.element.get_or_add_rPr().find(qn("w:color"))
    if colour is not None:
        style.element.rPr.remove(colour)


def _spacing(paragraph: Any, line: Any) -> None:
    layout = paragraph.paragraph_format
    layout.space_before = layout.space_after = Pt(0)
    layout.line_spacing_rule, layout.line_spacing = WD_LINE_SPACING.EXACTLY, line


def _indent(paragraph: Any, side: str, characters: int) -> None:
    """In characters, so that it follows the size of the type."""
    properties = paragraph._p.get_or_add_pPr()
    indent = properties.get_or_add_ind()
    indent.set(qn(f"w:{side}Chars"), str(characters * 100))
    indent.set(qn(f"w:{side}"), str(characters * 320))


def _page_field(run: Any) -> None:
    """The number of the page, which whoever opens the file fills in."""
    for kind, text in (("begin", None), (None, "PAGE"), ("separate", None), ("text", "1"), ("end", None)):
        if kind == "text":
            element = OxmlElement("w:t")
            element.text = text
        elif kind is None:
            element = OxmlElement("w:instrText")
            element.set(qn("xml:space"), "preserve")
            element.text = text
        else:
            element = OxmlElement("w:fldChar")
            element.set(qn("w:fldCharType"), kind)
        run._r.append(element)


def _repeat(row: Any) -> None:
    row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))


def _unbroken(row: Any) -> None:
    row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
