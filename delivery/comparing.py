"""Our templates held against those of the account: what is missing there, what differs, what nobody uses. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from delivery.models import Channel
from delivery.templates import Definition, Ours
from wechat.templates import AccountTemplate


class Difference(StrEnum):
    """What may differ; in words for the command line, with the values that belong to it."""

    MISSING = "missing"
    UNUSED = "unused"
    UNKNOWN_FIELD = "unknown_field"
    UNFILLED_FIELD = "unfilled_field"
    LABEL = "label"
    TERM = "term"
    TITLE = "title"


_WORDS: dict[Difference, str] = {
    Difference.MISSING: "not on the account",
    Difference.UNUSED: "on the account ({}), used by no notice",
    Difference.UNKNOWN_FIELD: "{} is not a field of it",
    Difference.UNFILLED_FIELD: "its field {} ({}) is filled by nothing",
    Difference.LABEL: "{} is labelled {} there, {} here",
    Difference.TERM: "its consent is {} there, {} here",
    Difference.TITLE: "its title is {} there, {} here",
}
_GRAVE = {Difference.MISSING, Difference.UNKNOWN_FIELD, Difference.UNFILLED_FIELD, Difference.TERM}


@dataclass(frozen=True, slots=True)
class Finding:
    """What differs, with the fields and titles that it is about."""

    channel: Channel
    template_id: str
    notices: tuple[str, ...]
    difference: Difference
    values: tuple[str, ...] = ()

    @property
    def what(self) -> str:
        """For the command line."""
        return _WORDS[self.difference].format(*self.values)

    @property
    def grave(self) -> bool:
        """Whether messages by this template would be refused."""
        return self.difference in _GRAVE


def compare(ours: Sequence[Ours], channel: Channel, account: Sequence[AccountTemplate]) -> list[Finding]:
    """Everything that differs on one channel, the grave first."""
    theirs = {template.template_id: template for template in account}
    found: list[Finding] = []
    mine = [each for each in ours if each.channel is channel]
    for template_id in sorted({each.template_id for each in mine}):
        same = [each for each in mine if each.template_id == template_id]
        notices = tuple(sorted(each.notice for each in same))
        registered = theirs.get(template_id)
        if registered is None:
            found.append(Finding(channel, template_id, notices, Difference.MISSING))
            continue
        differences = sorted({line for each in same for line in _differences(each.definition, registered)})
        found += [Finding(channel, template_id, notices, *each) for each in differences]
    used = {each.template_id for each in mine}
    found += [
        Finding(channel, template.template_id, (), Difference.UNUSED, (template.title,))
        for template in account
        if template.template_id not in used
    ]
    return sorted(found, key=lambda finding: (not finding.grave, finding.template_id, finding.what))


def _differences(ours: Definition, theirs: AccountTemplate) -> list[tuple[Difference, tuple[str, ...]]]:
    mine = {field.key: field.label for field in ours.fields}
    other = dict(theirs.fields)
    found: list[tuple[Difference, tuple[str, ...]]] = []
    found += [(Difference.UNKNOWN_FIELD, (key,)) for key in mine.keys() - other.keys()]
    found += [(Difference.UNFILLED_FIELD, (key, other[key])) for key in other.keys() - mine.keys()]
    found += [
        (Difference.LABEL, (key, other[key], mine[key]))
        for key in mine.keys() & other.keys()
        if mine[key] and other[key] and mine[key] != other[key]
    ]
    if theirs.term is not None and theirs.term != ours.term:
        found.append((Difference.TERM, (theirs.term, ours.term)))
    if ours.title and theirs.title and ours.title != theirs.title:
        found.append((Difference.TITLE, (theirs.title, ours.title)))
    return found
