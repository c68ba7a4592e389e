"""What a message asks for, whatever its form: typed, spoken, or a tap on the menu."""

from __future__ import annotations

from stewardship.conversations.said import MenuKey, Said, SaidKind
from stewardship.dialogue.answering.understanding import Intent, understand
from stewardship.dialogue.inquiries.models import InquiryKind

RECORD_KINDS = {Intent.STATUS: InquiryKind.STATUS, Intent.WHO: InquiryKind.WHO}
"""What the record answers, and what kind of inquiry that is."""

_MENU = {
    MenuKey.MY_CASES: Intent.MY_CASES,
    MenuKey.STATUS: Intent.STATUS,
    MenuKey.CALL_BACK: Intent.CALL_BACK,
    MenuKey.RATE: Intent.RATE,
}


def intent_of(said: Said) -> Intent | None:
    """What a text, a recognised voice or a menu click asks for; None for everything else."""
    if said.kind is SaidKind.CLICKED:
        return _MENU.get(MenuKey(said.menu_key)) if said.menu_key in set(MenuKey) else Intent.HELP
    if said.kind in {SaidKind.TEXT, SaidKind.VOICE} and said.text and not said.item_id:
        return understand(said.text)
    return None
