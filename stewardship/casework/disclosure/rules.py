"""Who may be told what: one table, a legal basis per row; the strictest of a person's roles wins.

The table says what a *verified party* may be told from the record about their own case. It never widens what an
update's audience allows. Bases are cited as law and article; 《刑事案件程序规定》 and
《行政案件程序规定》 are the ministry's (公安机关办理…程序规定). `OURS` marks a rule of the house where no text decides.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from stewardship.casework.cases.models import CaseKind
from stewardship.casework.parties.models import PartyRole


class Topic(StrEnum):
    """What can be told from the record."""

    STAGE = "stage"
    AWAITED = "awaited"
    HANDLER = "handler"
    UPDATES = "updates"
    APPOINTMENT = "appointment"
    """The party's own appointments; never anybody else's, and never that there are any."""


@dataclass(frozen=True, slots=True)
class Row:
    """A role's rights: the topics it may be told, and on what basis."""

    role: PartyRole
    topics: frozenset[Topic]
    basis: str


_ALL = frozenset(Topic)
_OWN = frozenset({Topic.HANDLER, Topic.APPOINTMENT})
_NO_STAGE = _OWN | {Topic.UPDATES}
_NOTHING: frozenset[Topic] = frozenset()

TABLE: dict[PartyRole, Row] = {
    row.role: row
    for row in (
        Row(
            PartyRole.VICTIM,
            _ALL,
            "治安管理处罚法 第九十条、第一百一十六条；刑事案件程序规定 第一百七十八条",
        ),
        Row(PartyRole.GUARDIAN, _ALL, "治安管理处罚法 第一百一十二条；未成年人保护法 第一百零三条"),
        Row(PartyRole.DISPUTANT, _ALL, "人民警察法 第二十一条"),
        Row(PartyRole.DRIVER, _ALL, "道路交通事故处理程序规定 第二十七条、第六十五条"),
        Row(
            PartyRole.REPORTER,
            _NO_STAGE | {Topic.STAGE},
            "公安机关办理行政案件程序规定 第六十一条",
        ),
        Row(PartyRole.FAMILY, _NO_STAGE, "OURS"),
        Row(PartyRole.SUSPECT, _NO_STAGE, "治安管理处罚法 第一百一十二条；刑事案件程序规定 第六十一条"),
        Row(PartyRole.SUSPECT_FAMILY, _OWN, "刑事案件程序规定 第一百二十七条"),
        Row(PartyRole.WITNESS, _OWN, "刑事案件程序规定 第七十五条"),
        Row(PartyRole.LAWYER, _OWN, "刑事案件程序规定 第五十条"),
    )
}


def topics_for(roles: Collection[PartyRole | str], kind: CaseKind | None) -> frozenset[Topic]:
    """What a person with these roles may be told: only what every one of their roles allows.

    A case whose kind is not known yet may turn out to be any; what the table allows is the same for all kinds, save
    that the reporter of a criminal case learns the stage only up to filing, which the stage texts see to.
    """
    known = [TABLE[PartyRole(role)].topics for role in roles]
    return frozenset.intersection(*known) if known else _NOTHING


def may_be_told(roles: Collection[PartyRole | str], kind: CaseKind | None, topic: Topic) -> bool:
    """Whether one topic may be told."""
    return topic in topics_for(roles, kind)
