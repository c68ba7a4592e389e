"""What a message means as a score, when people are asked, who is not, and what a second answer does."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit import clock
from stewardship.casework.cases.models import CaseKind, Sensitivity
from stewardship.casework.parties.models import PartyRole
from stewardship.opinion.ratings.models import RatingState, Score
from stewardship.opinion.ratings.rules import (
    CAP,
    CHANGE_WINDOW,
    DELAY,
    LIFE,
    NOT_ASKED,
    Facts,
    Joined,
    Reason,
    Standing,
    Verdict,
    due_at,
    in_daytime,
    judge,
    parse_score,
    respondent,
    why_not,
)

NOON = datetime(2026, 3, 16, 4, 0, tzinfo=UTC)
INSTANTS = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 — hypothesis wants naive bounds.


# --- a score in words -------------------------------------------------------------------------------------------------

ALONE = {
    1: ("1", "１", "①", "1️⃣", "一", "壹", "满意", "很满意", "非常满意", "我很满意", "我选1", "回复1", "1满意", "满意1"),
    2: ("2", "２", "②", "二", "贰", "貳", "基本满意", "比较满意", "2基本满意", "2.基本满意"),
    3: (
        "3",
        "３",
        "③",
        "三",
        "叁",
        "不满意",
        "非常不满意",
        "很不满意",
        "不太满意",
        "不怎么满意",
        "我不满意",
        "3不满意",
    ),
}
AROUND = st.text(" 　\t,，.。!！、;；:：…~()（）【】“”\"'", max_size=4)


@given(st.sampled_from([(score, text) for score, texts in ALONE.items() for text in texts]), AROUND, AROUND)
def test_a_score_is_read_in_any_script_with_any_punctuation_around(
    said: tuple[int, str], before: str, after: str
) -> None:
    assert parse_score(before + said[1] + after) == (said[0], None)


@pytest.mark.parametrize(
    ("text", "score", "comment"),
    [
        ("3态度差", 3, "态度差"),
        ("３，态度差", 3, "态度差"),
        ("3 没人回电话", 3, "没人回电话"),
        ("3处理太慢", 3, "处理太慢"),
        ("3等太久了", 3, "等太久了"),
        ("不满意，没人回电话", 3, "没人回电话"),
        ("不满意态度差", 3, "态度差"),
        ("3.不满意，态度差", 3, "态度差"),
        ("三，态度差", 3, "态度差"),
        ("2，还行", 2, "还行"),
        ("基本满意但是慢", 2, "但是慢"),
        ("1谢谢", 1, "谢谢"),
        ("非常满意，谢谢警官", 1, "谢谢警官"),
    ],
)
def test_a_comment_may_follow(text: str, score: int, comment: str) -> None:
    assert parse_score(text) == (score, comment)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "4",
        "12",
        "1/2/3",
        "1 2",
        "1.5",
        "3:30来",
        "13812345678",
        "3月5日",
        "3天了没人理我",
        "3 天了",
        "三天没人",
        "3个人打我",
        "3轮车被偷",
        "2手车被骗",
        "2楼的监控调了",
        "一直没人理我",
        "一样",
        "3?",
        "满意吗",
        "满意度",
        "不满意怎么办",
        "1、请问何时结案",
        "1、我的车2、我的钱",
        "1不满意",
        "3满意",
        "满意3",
        "满意个屁",
        "满意才怪",
        "没有不满意",
        "不是不满意",
        "案子怎么样了",
        "谢谢",
        "3G",
        "1st",
    ],
)
def test_what_may_mean_something_else_is_no_score(text: str) -> None:
    assert parse_score(text) is None


@given(st.text(max_size=600))
def test_whatever_is_said_is_a_score_with_a_bounded_comment_or_none(text: str) -> None:
    found = parse_score(text)
    assert found is None or (found[0] in set(Score) and (found[1] is None or 0 < len(found[1]) <= len(text) <= 600))


@given(st.integers(10, 10**11), st.text(max_size=5))
def test_a_longer_number_is_never_a_score(number: int, rest: str) -> None:
    assert parse_score(f"{number}{rest}") is None


# --- when -------------------------------------------------------------------------------------------------------------


@given(INSTANTS)
def test_a_rating_is_asked_by_day_half_an_hour_later_at_the_earliest_and_within_the_day(closed_at: datetime) -> None:
    due = due_at(closed_at)
    assert in_daytime(due)
    assert closed_at + DELAY <= due <= closed_at + DELAY + timedelta(hours=13)
    if in_daytime(closed_at + DELAY):
        assert due == closed_at + DELAY
    else:
        assert (clock.local(due).hour, clock.local(due).minute) == (9, 0)


# --- who --------------------------------------------------------------------------------------------------------------

ASKED = Facts(
    closed=True,
    removed=False,
    kind=CaseKind.PUBLIC_ORDER,
    sensitivity_known=True,
    sensitivities=frozenset(),
    roles=frozenset({PartyRole.VICTIM.value}),
    minor=False,
    protected=False,
    opted_out=False,
    reachable=True,
    last_asked_at=None,
)


def test_a_victim_of_a_known_harmless_case_is_asked() -> None:
    assert why_not(ASKED, NOON) is None


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"closed": False}, Reason.REOPENED),
        ({"removed": True}, Reason.PARTY_REMOVED),
        ({"kind": None}, Reason.SENSITIVITY_UNKNOWN),
        ({"sensitivity_known": False}, Reason.SENSITIVITY_UNKNOWN),
        ({"minor": True}, Reason.MINOR),
        ({"protected": True}, Reason.PROTECTED),
        ({"roles": frozenset()}, Reason.ROLE),
        ({"roles": frozenset({"victim", "witness"})}, Reason.ROLE),
        ({"kind": CaseKind.CRIMINAL, "roles": frozenset({"suspect"})}, Reason.ROLE),
        ({"opted_out": True}, Reason.OPTED_OUT),
        ({"reachable": False}, Reason.NO_CHANNEL),
        ({"last_asked_at": NOON - CAP + timedelta(seconds=1)}, Reason.FREQUENCY_CAP),
        ({"last_asked_at": NOON - CAP}, None),
        ({"roles": frozenset({"suspect"})}, None),
    ],
)
def test_each_reason_not_to_ask_has_its_name(changed: dict[str, object], reason: Reason | None) -> None:
    assert why_not(dataclasses.replace(ASKED, **changed), NOON) is reason  # type: ignore[arg-type]  # values of the field.


FACTS = st.builds(
    Facts,
    closed=st.booleans(),
    removed=st.booleans(),
    kind=st.sampled_from([None, *CaseKind]),
    sensitivity_known=st.booleans(),
    sensitivities=st.frozensets(st.sampled_from([s.value for s in Sensitivity])),
    roles=st.frozensets(st.sampled_from([r.value for r in PartyRole])),
    minor=st.booleans(),
    protected=st.booleans(),
    opted_out=st.booleans(),
    reachable=st.booleans(),
    last_asked_at=st.none() | INSTANTS,
)


@given(FACTS)
def test_nobody_at_risk_is_ever_asked(facts: Facts) -> None:
    if why_not(facts, NOON) is None:
        assert facts.sensitivity_known
        assert facts.kind is not None
        assert not facts.sensitivities
        assert not any((facts.minor, facts.protected, facts.opted_out))
        assert facts.roles
        assert not facts.roles & NOT_ASKED


def test_every_sensitivity_has_its_reason() -> None:
    for flag in Sensitivity:
        facts = dataclasses.replace(ASKED, sensitivities=frozenset({flag.value}))
        assert why_not(facts, NOON) == flag.value


@given(
    st.lists(
        st.builds(
            Joined,
            member_id=st.uuids(),
            person_id=st.uuids(),
            proxy=st.sampled_from([None, PartyRole.GUARDIAN, PartyRole.FAMILY, PartyRole.LAWYER]),
        ),
        max_size=5,
    ),
    st.uuids(),
)
def test_the_party_answers_themselves_or_a_relative_but_never_a_lawyer(joined: list[Joined], party: UUID) -> None:
    person, member = respondent(party, joined)
    chosen = next((each for each in joined if each.member_id == member), None)
    if chosen is None:
        assert person == party
        assert all(each.proxy is PartyRole.LAWYER for each in joined)
    else:
        assert person == chosen.person_id
        assert chosen.proxy is not PartyRole.LAWYER
        assert chosen.proxy is None or all(each.proxy is not None for each in joined)


# --- an answer --------------------------------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.sampled_from(list(Score)), st.timedeltas(timedelta(0), timedelta(days=3))), max_size=8),
)
def test_the_first_answer_within_the_week_counts_and_is_changed_only_within_ten_minutes(
    answers: list[tuple[Score, timedelta]],
) -> None:
    """A model of the rating, driven by judge alone, against what the rule says in one sentence."""
    at, standing = NOON, Standing(RatingState.SENT, None, None, NOON + LIFE)
    first: datetime | None = None
    for score, later in answers:
        at += later
        verdict = judge(standing, score, at)
        if verdict in {Verdict.RECORD, Verdict.REPLACE}:
            first = first or at
            assert at < NOON + LIFE or verdict is Verdict.REPLACE
            assert at < first + CHANGE_WINDOW
            standing = dataclasses.replace(standing, state=RatingState.ANSWERED, score=score, answered_at=first)
        elif verdict is Verdict.SAME:
            assert standing.score == score
        elif verdict is Verdict.EXPIRED:
            assert first is None
            assert at >= NOON + LIFE
        else:
            assert verdict is Verdict.TOO_LATE_TO_CHANGE
            assert first is not None
            assert at >= first + CHANGE_WINDOW


@pytest.mark.parametrize("state", [RatingState.PLANNED, RatingState.NOT_SENT])
def test_what_was_never_asked_cannot_be_answered(state: RatingState) -> None:
    assert judge(Standing(state, None, None, None), 1, NOON) is Verdict.NEVER_ASKED
    assert respondent(party := uuid4(), []) == (party, None)
