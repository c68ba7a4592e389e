"""Who is asked for a rating and when, what an answer means, and what becomes of a second one. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from kit import clock
from stewardship.casework.cases.models import CaseKind, Sensitivity
from stewardship.casework.parties.models import PartyRole
from stewardship.foundation.errors import Invalid
from stewardship.opinion.ratings.models import RatingState, Score

DISSATISFIED = Score.DISSATISFIED


class Milestone(StrEnum):
    """What a rating is asked about. A further one is no migration."""

    CASE_CLOSED = "case_closed"


DELAY = timedelta(minutes=30)
"""From the milestone to the question: the steward's own words about the outcome come first."""
DAY_FROM, DAY_TO = time(9), time(20)
"""Nobody is asked at night; in Asia/Shanghai."""
LIFE = timedelta(days=7)
CAP = timedelta(days=7)
"""A person is asked at most once in this time, whatever the number of their cases."""
CHANGE_WINDOW = timedelta(minutes=10)
"""A slip of the finger can be put right so long; after it, an answer stands."""
COMMENT_WINDOW = timedelta(hours=1)
COMMENT_LENGTH = 500


# --- the rules that administrators set --------------------------------------------------------------------------------

NOT_ASKED = frozenset({PartyRole.SUSPECT_FAMILY, PartyRole.WITNESS, PartyRole.LAWYER})
"""One of these roles is enough: the strictest of a person's roles wins. No rules take one away."""


@dataclass(frozen=True, slots=True)
class RatingRules:
    """A version of what administrators decide about asking. The defaults are what holds until they do.

    Exclusions are only ever widened: whoever is at risk (`_too_delicate`) and the roles of `NOT_ASKED` are never asked,
    whatever the rules say. Raises Invalid for values out of bounds.
    """

    version: int = 0
    kinds: Mapping[Milestone, frozenset[CaseKind]] = field(
        default_factory=lambda: {milestone: frozenset(CaseKind) for milestone in Milestone}, hash=False
    )
    """The kinds of case whose parties are asked, by milestone; a milestone without kinds is not asked about."""
    delay: timedelta = DELAY
    life: timedelta = LIFE
    cap: timedelta = CAP
    excluded_roles: frozenset[PartyRole] = NOT_ASKED

    def __post_init__(self) -> None:
        if not timedelta(0) <= self.delay <= timedelta(days=7):
            raise Invalid("rating_delay", "发送时间不对", "评价请求在节点后 0 分钟到 7 天之间发送。")
        if not timedelta(days=1) <= self.life <= timedelta(days=30):
            raise Invalid("rating_life", "有效期不对", "评价有效期为 1 到 30 天。")
        if not timedelta(days=1) <= self.cap <= timedelta(days=365):
            raise Invalid("rating_cap", "频率上限不对", "同一人两次评价至少间隔 1 天，最多 365 天。")
        if not self.excluded_roles >= NOT_ASKED:
            raise Invalid("rating_exclusions", "不能取消安全排除", "嫌疑人家属、证人和律师始终不发送评价，只能增加。")

    def rates(self, milestone: str, kind: CaseKind) -> bool:
        """Whether parties of a case of this kind are asked about the milestone."""
        return any(name.value == milestone and kind in kinds for name, kinds in self.kinds.items())

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `from_json` gives equal rules."""
        return {
            "version": self.version,
            "kinds": {name.value: sorted(kind.value for kind in kinds) for name, kinds in self.kinds.items()},
            "delay_minutes": self.delay // timedelta(minutes=1),
            "life_days": self.life.days,
            "cap_days": self.cap.days,
            "excluded_roles": sorted(role.value for role in self.excluded_roles),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RatingRules:
        """The inverse of `to_json`. Raises Invalid."""
        return cls(
            version=int(data["version"]),
            kinds={Milestone(name): frozenset(map(CaseKind, kinds)) for name, kinds in data["kinds"].items()},
            delay=timedelta(minutes=int(data["delay_minutes"])),
            life=timedelta(days=int(data["life_days"])),
            cap=timedelta(days=int(data["cap_days"])),
            excluded_roles=frozenset(map(PartyRole, data["excluded_roles"])),
        )


DEFAULT_RULES = RatingRules()


# --- when -------------------------------------------------------------------------------------------------------------


def in_daytime(at: datetime) -> bool:
    """Whether people may be asked at this instant."""
    return DAY_FROM <= clock.local(at).time() < DAY_TO


def due_at(milestone_at: datetime, delay: timedelta = DELAY) -> datetime:
    """When to ask about a milestone: half an hour later, or when the next day's hours begin."""
    earliest = clock.local(milestone_at + delay)
    if in_daytime(earliest):
        return milestone_at + delay
    day = earliest.date() if earliest.time() < DAY_FROM else earliest.date() + timedelta(days=1)
    return datetime.combine(day, DAY_FROM, clock.LOCAL)


# --- who --------------------------------------------------------------------------------------------------------------


class Reason(StrEnum):
    """Why a party is not asked; kept beside the rating that was never sent."""

    REOPENED = "reopened"
    PARTY_REMOVED = "party_removed"
    SENSITIVITY_UNKNOWN = "sensitivity_unknown"
    MINOR = "minor"
    DOMESTIC_VIOLENCE = "domestic_violence"
    SEXUAL = "sexual"
    SUICIDE = "suicide"
    DEATH = "death"
    THREATENED_WITNESS = "threatened_witness"
    PROTECTED = "protected"
    KIND_NOT_RATED = "kind_not_rated"
    ROLE = "role"
    OPTED_OUT = "opted_out"
    NO_CHANNEL = "no_channel"
    FREQUENCY_CAP = "frequency_cap"
    UNDELIVERABLE = "undeliverable"


ANSWERS_FOR_PARTY = frozenset({PartyRole.GUARDIAN, PartyRole.FAMILY})


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides whether a party is asked, as it stands when the request would go out."""

    closed: bool
    """Still closed, in the episode that was planned for."""
    removed: bool
    kind: CaseKind | None
    sensitivity_known: bool
    sensitivities: frozenset[str]
    roles: frozenset[str]
    minor: bool
    protected: bool
    opted_out: bool
    reachable: bool
    """A contact that may be written to, or a trusted WeChat identity."""
    last_asked_at: datetime | None
    milestone: str = Milestone.CASE_CLOSED


def why_not(facts: Facts, at: datetime, rules: RatingRules = DEFAULT_RULES) -> Reason | None:
    """The first reason that speaks against asking, or None. What cannot be judged counts as a reason."""
    if not facts.closed:
        return Reason.REOPENED
    if facts.removed:
        return Reason.PARTY_REMOVED
    return _too_delicate(facts) or _not_this_person(facts, at, rules)


def _too_delicate(facts: Facts) -> Reason | None:
    if facts.kind is None or not facts.sensitivity_known:
        return Reason.SENSITIVITY_UNKNOWN
    for flag in Sensitivity:
        if flag.value in facts.sensitivities:
            return Reason(flag.value)
    if facts.minor:
        return Reason.MINOR
    return Reason.PROTECTED if facts.protected else None


def _not_this_person(facts: Facts, at: datetime, rules: RatingRules) -> Reason | None:
    if facts.kind is not None and not rules.rates(facts.milestone, facts.kind):
        return Reason.KIND_NOT_RATED
    held = PartyRole.SUSPECT in facts.roles and facts.kind is CaseKind.CRIMINAL
    if held or not facts.roles or facts.roles & rules.excluded_roles:
        return Reason.ROLE
    if facts.opted_out:
        return Reason.OPTED_OUT
    if not facts.reachable:
        return Reason.NO_CHANNEL
    if facts.last_asked_at is not None and at < facts.last_asked_at + rules.cap:
        return Reason.FREQUENCY_CAP
    return None


@dataclass(frozen=True, slots=True)
class Joined:
    """Somebody in the group for a party: the party, or who acts for them (`proxy`)."""

    member_id: UUID
    person_id: UUID
    proxy: PartyRole | None


def respondent(party_person_id: UUID, joined: Sequence[Joined]) -> tuple[UUID, UUID | None]:
    """Who answers for a party, as (person, membership): the party, else a guardian or relative who joined for them.

    A party who never joined is asked all the same, without a membership. A lawyer is never asked.
    """
    own = next((each for each in joined if each.proxy is None), None)
    other = next((each for each in joined if each.proxy in ANSWERS_FOR_PARTY), None)
    chosen = own or other
    return (chosen.person_id, chosen.member_id) if chosen else (party_person_id, None)


# --- an answer --------------------------------------------------------------------------------------------------------


class Verdict(StrEnum):
    """What becomes of an answer."""

    RECORD = "record"
    SAME = "same"
    REPLACE = "replace"
    TOO_LATE_TO_CHANGE = "too_late_to_change"
    EXPIRED = "expired"
    NEVER_ASKED = "never_asked"


@dataclass(frozen=True, slots=True)
class Standing:
    """A rating as far as an answer to it is judged by."""

    state: RatingState
    score: int | None
    answered_at: datetime | None
    expires_at: datetime | None


def judge(standing: Standing, score: int, at: datetime) -> Verdict:
    """What becomes of this score now: the same again changes nothing, another one counts for ten minutes."""
    if standing.state is RatingState.ANSWERED and standing.answered_at is not None:
        if standing.score == score:
            return Verdict.SAME
        return Verdict.REPLACE if at < standing.answered_at + CHANGE_WINDOW else Verdict.TOO_LATE_TO_CHANGE
    if standing.state is RatingState.EXPIRED:
        return Verdict.EXPIRED
    if standing.state is not RatingState.SENT or standing.expires_at is None:
        return Verdict.NEVER_ASKED
    return Verdict.RECORD if at < standing.expires_at else Verdict.EXPIRED


# --- a score in words -------------------------------------------------------------------------------------------------

_LONGEST = COMMENT_LENGTH
_SEPARATORS = " \t\r\n,.;:!~、。…·-—()[]【】《》“”\"'"
_LEAD = re.compile(r"^(?:我|本人)?(?:选择|选|回复|评价|评)?[\s:,]*(?=.)")
_NUMERALS = {"一": 1, "二": 2, "三": 3, "壹": 1, "贰": 2, "貳": 2, "叁": 3, "參": 3, "叄": 3}
_WORDS = (
    (re.compile(r"^(?:非常|十分|极其|极|很|太|特别|都)*不(?:太|大|是很)?满意"), 3),
    (re.compile(r"^(?:基本上?|比较|大体)满意"), 2),
    (re.compile(r"^(?:非常|十分|很|特别|都)?满意"), 1),
)
_QUESTION = re.compile(
    r"[?]|吗|呢|么时候|怎么|咋|如何|为什么|为何|什么|何时|多久|几时|谁|哪|的话|是不是|能不能|可不可以"
)
_MEASURE = re.compile(
    r"^(?:[个月日号点时天年位人楼层次份张块万千百十元米室栋幢分秒周名条辆台件岁期队组路环审级成倍家套部只头口班区街案"
    r"轮本瓶箱根棵匹袋斤里版项样种者角折餐顿句封笔款批场遍趟]|单元|星期|小时|公里|处(?!理)|回(?![复电访话应])|等(?![了太]))"
)
_NEXT_ITEM = re.compile(r"[2-9二三四五][.、)]")
_AGREES = re.compile(
    r"^(?:了|的|啊|呀|哦|吧|哈|噢|谢谢|感谢|多谢|辛苦|服务|但|不过|就是|可是|只是|民警|警官|警察|态度好|很好|好)"
)
_SARCASM = re.compile(r"^(?:个|才怪|你|什么|啥|不了)")


def parse_score(text: str) -> tuple[Score, str | None] | None:
    """The score that a message gives, with what was added to it; None for anything that may mean something else.

    `1`, `３`, `贰`, `③`, `满意`, `3态度差`, `不满意,没人回电话` are scores; a question, a date, a telephone number, a
    numbered list, or `3天了没人理我` is not. What is not recognised goes to a person as a message, so nothing is lost.
    """
    if len(text) > _LONGEST:
        return None
    plain = unicodedata.normalize("NFKC", text.replace("\ufe0f", "").replace("\u20e3", "")).strip(_SEPARATORS)
    plain = _LEAD.sub("", plain, count=1).strip(_SEPARATORS).replace("不怎么满意", "不满意")
    if not plain or _QUESTION.search(plain):
        return None
    found = _by_number(plain) or _by_words(plain)
    return (Score(found[0]), found[1] or None) if found else None


def _by_number(plain: str) -> tuple[int, str] | None:
    """A digit or numeral, alone or before a comment; the comment must not contradict it."""
    first, rest = plain[0], plain[1:]
    score = int(first) if first in "123" else _NUMERALS.get(first)
    if score is None:
        return None
    after = rest.lstrip(_SEPARATORS)
    if not after:
        return score, ""
    if not after[0].isalpha() or after[0].isascii() or after[0] in _NUMERALS or _NEXT_ITEM.search(after):
        return None
    words = _by_words(after)
    if words is not None:
        return words if words[0] == score else None
    paused = rest[: -len(after)].strip() != ""
    return (score, after) if paused or _goes_on(first, score, after) else None


def _goes_on(first: str, score: int, after: str) -> bool:
    """Whether words without a pause are a comment on the number, and not what it counts (一直, 三天, 2手车)."""
    if first in _NUMERALS or _MEASURE.match(after):
        return False
    return score == DISSATISFIED or _AGREES.match(after) is not None


def _by_words(plain: str) -> tuple[int, str] | None:
    """One of the three answers in words. Praise that goes on without a pause may be irony, and is left to a person."""
    for pattern, score in _WORDS:
        match = pattern.match(plain)
        if match is None:
            continue
        rest = plain[match.end() :]
        after = rest.lstrip(_SEPARATORS)
        if not after or after in {"了", "的", "啊", "呀", "吧", str(score)}:
            return score, ""
        if _SARCASM.match(after) or after[0].isdecimal() or rest.startswith("度"):
            return None
        if score < DISSATISFIED and rest == after and not _AGREES.match(after):
            return None
        return score, after
    return None
