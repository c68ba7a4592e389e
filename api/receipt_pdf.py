"""The receipt that a party takes home, on A5: what the group is, how to join, and the word that proves an SMS genuine.

It names neither offence nor person: it may be found by whoever lives with them.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime

import segno
from fpdf import FPDF
from pylopdf_fonts_zh_cn import sans_path

from kit import clock

SANS = "sans"
"""One font: loading a second one would double the time, which is most of what a receipt takes."""
WIDTH, HEIGHT, MARGIN = 148.0, 210.0, 13.0
INSIDE = WIDTH - 2 * MARGIN
DARK, GREY, PALE = (26, 36, 51), (90, 100, 115), (226, 230, 236)
CODE = 42.0
STEPS = ("用微信扫一扫，扫描上面的二维码。", "核对您登记的手机号码。", "看到“已加入”，就可以查进展、提问题。")
WARNING = "公安机关不会要求转账，也不会索要验证码。"


@dataclass(frozen=True, slots=True)
class ReceiptFacts:
    """What is printed. `mini_program` is the platform's own code as a picture, where it gave one."""

    unit: str
    reference: str
    check_word: str
    link: str
    duty_phone: str
    officer_number: str
    printed_at: datetime
    expires_at: datetime
    mini_program: bytes | None = None


def render(facts: ReceiptFacts) -> bytes:
    """The receipt as a PDF of one page. Takes about a second of one core: call it in a thread."""
    pdf = FPDF(format=(WIDTH, HEIGHT))
    pdf.set_auto_page_break(False)
    pdf.set_margins(MARGIN, MARGIN)
    pdf.set_title("案件服务回执")
    pdf.set_lang("zh-CN")
    pdf.add_font(SANS, fname=sans_path())
    pdf.add_page()
    _watermark(pdf, facts)
    _head(pdf, facts)
    _check_word(pdf, facts)
    _codes(pdf, facts)
    _steps(pdf)
    _foot(pdf, facts)
    return bytes(pdf.output())


def _watermark(pdf: FPDF, facts: ReceiptFacts) -> None:
    """Who printed it, pale across the page."""
    pdf.set_font(SANS, size=11)
    pdf.set_text_color(*PALE)
    mark = f"警号 {facts.officer_number} {clock.local(facts.printed_at):%Y-%m-%d %H:%M}"
    for y in range(30, 230, 42):
        for x in (4, 82):
            with pdf.rotation(28, x, y):
                pdf.text(x, y, mark)


def _line(pdf: FPDF, y: float, text: str, size: float, *, colour: tuple[int, int, int] = DARK) -> None:
    """A centred line, shrunk where it is too long for the page."""
    pdf.set_text_color(*colour)
    pdf.set_font(SANS, size=size)
    while pdf.get_string_width(text) > INSIDE and size > 6:
        size -= 0.5
        pdf.set_font(SANS, size=size)
    pdf.set_xy(MARGIN, y)
    pdf.cell(INSIDE, size * 0.5, text, align="C")


def _rule(pdf: FPDF, y: float, width: float) -> None:
    pdf.set_draw_color(*DARK)
    pdf.set_line_width(width)
    pdf.line(MARGIN, y, WIDTH - MARGIN, y)


def _head(pdf: FPDF, facts: ReceiptFacts) -> None:
    _line(pdf, 12, facts.unit, 15)
    _line(pdf, 21, "案件服务回执", 21)
    _rule(pdf, 34, 0.6)
    _rule(pdf, 35, 0.2)
    _line(pdf, 38, f"查询编号 {facts.reference}", 12)


def _check_word(pdf: FPDF, facts: ReceiptFacts) -> None:
    pdf.set_draw_color(*DARK)
    pdf.set_line_width(0.4)
    pdf.rect(MARGIN, 47, INSIDE, 27)
    _line(pdf, 49, "验证词", 10, colour=GREY)
    _line(pdf, 54.5, facts.check_word, 26)
    _line(pdf, 68, "我们发的每条短信都带这个词；没有这个词的，不要相信。", 9)


def _codes(pdf: FPDF, facts: ReceiptFacts) -> None:
    """The platform's code and the link's; one alone stands in the middle."""
    _line(pdf, 77, "加入后可以查看办理进展、随时提问，民警会答复您。别的当事人看不到您。", 9.5)
    link = ("手机扫码打开", _qr(facts.link))
    codes = [("微信扫码加入", facts.mini_program), link] if facts.mini_program else [("微信扫码加入", link[1])]
    gap = (INSIDE - CODE * len(codes)) / (len(codes) + 1)
    for number, (label, picture) in enumerate(codes):
        x = MARGIN + gap + number * (CODE + gap)
        pdf.image(io.BytesIO(picture or b""), x, 84, CODE, CODE, alt_text=label)
        pdf.set_text_color(*DARK)
        pdf.set_font(SANS, size=10)
        pdf.set_xy(x, 84 + CODE + 1)
        pdf.cell(CODE, 5, label, align="C")


def _qr(text: str) -> bytes:
    out = io.BytesIO()
    segno.make(text, error="m").save(out, kind="png", scale=8, border=2)
    return out.getvalue()


def _steps(pdf: FPDF) -> None:
    pdf.set_text_color(*DARK)
    for number, step in enumerate(STEPS, 1):
        pdf.set_font(SANS, size=13)
        pdf.set_xy(MARGIN + 2, 135 + (number - 1) * 9)
        pdf.cell(INSIDE, 8, f"{number}. {step}")


def _foot(pdf: FPDF, facts: ReceiptFacts) -> None:
    _rule(pdf, 164, 0.2)
    phone = f"值班电话 {facts.duty_phone}" if facts.duty_phone.strip() else "紧急情况请拨打 110"
    _line(pdf, 167, phone, 15)
    pdf.set_fill_color(*DARK)
    pdf.rect(MARGIN, 178, INSIDE, 10, style="F")
    _line(pdf, 180, WARNING, 12.5, colour=(255, 255, 255))
    until, printed = clock.local(facts.expires_at), clock.local(facts.printed_at)
    _line(pdf, 191, f"二维码只能用一次，{until.month}月{until.day}日前有效；过期请到本所重新打印。", 9, colour=GREY)
    _line(pdf, 197, f"{printed.year}年{printed.month}月{printed.day}日", 9, colour=GREY)
