"""Our templates held against those of the account: what is missing there, what differs, what nobody uses. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from delivery.models import Channel
from delivery.templates import Definition, Ours
from wechat.templates import AccountTemplate


@dataclass(frozen=True, slots=True)
class Finding:
    """What differs. `grave`: messages by this template would be refused."""

    channel: Channel
    template_id: str
    notices: tuple[str, ...]
    what: str
    grave: bool


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
            found.append(Finding(channel, template_id, notices, "not on the account", grave=True))
            continue
        differences = sorted({line for each in same for line in _differences(each.definition, registered)})
        found += [Finding(channel, template_id, notices, what, grave) for what, grave in differences]
    used = {each.template_id for each in mine}
    found += [
        Finding(channel, template.template_id, (), f"on the account ({template.title}), used by no notice", grave=False)
        for template in account
        if template.template_id not in used
    ]
    return sorted(found, key=lambda finding: (not finding.grave, finding.template_id, finding.what))


def _differences(ours: Definition, theirs: AccountTemplate) -> list[tuple[str, bool]]:
    mine = {field.key: field.label for field in ours.fields}
    other = dict(theirs.fields)
    found = [(f"{key} is not a field of it", True) for key in mine.keys() - other.keys()]
    found += [(f"its field {key} ({other[key]}) is filled by nothing", True) for key in other.keys() - mine.keys()]
    found += [
        (f"{key} is labelled {other[key]} there, {mine[key]} here", False)
        for key in mine.keys() & other.keys()
        if mine[key] and other[key] and mine[key] != other[key]
    ]
    if theirs.term is not None and theirs.term != ours.term:
        found.append((f"its consent is {theirs.term} there, {ours.term} here", True))
    if ours.title and theirs.title and ours.title != theirs.title:
        found.append((f"its title is {theirs.title} there, {ours.title} here", False))
    return found
