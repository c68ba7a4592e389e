"""Whatever the facts are, the words fit where they have to go, and say no more than they may."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from delivery import contexts as c
from delivery.catalogue import starting_templates
from delivery.channels.oa_customer_service import TEXT_BYTES
from delivery.contexts import CONTEXTS, Context
from delivery.fields import NoWordingFits, fit_field, fit_text
from delivery.models import Channel, RecipientKind
from delivery.notice import Notice
from delivery.phrases import RATINGS, unit_names
from delivery.registry import REGISTRY, page_of
from delivery.templates import ActiveTemplate, Definition, Parameter, Seed, TemplateField
from delivery.wording import say
from sandbox.rules.fields import check_value

SEEDS = starting_templates("https://steward.example/")

line = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1)
chinese = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=1)
code = st.text(st.sampled_from("0123456789abcXYZ-_"), min_size=1, max_size=32)
instants = st.datetimes(datetime(2020, 1, 1), datetime(2099, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 — hypothesis adds the zone.
units = st.one_of(
    chinese.map(lambda name: f"合肥市公安局{name[:14]}分局{name[:10]}派出所"[:40]),
    chinese.map(lambda name: name[:40]),
    line.map(lambda name: f"派{name}"[:40]),
)
FACTS: dict[str, st.SearchStrategy[Any]] = {
    "unit": units,
    "reference": st.from_regex(r"\A[0-9A-Z-]{1,20}\Z"),
    "check_word": chinese.map(lambda word: word[:8]) | st.just(""),
    "desk_phone": st.sampled_from(["", "0551-62345678", "+86 551 62345678"]),
    "token": code,
    "receipt": code,
    "until": st.dates(date(2020, 1, 1), date(2099, 12, 30)),
    "next_contact_on": st.none() | st.dates(date(2020, 1, 1), date(2099, 12, 30)),
    "posted_at": instants,
    "asked_at": instants,
    "due_at": instants,
    "answer": chinese.map(lambda text: (text * 100)[:2000]) | chinese,
    "question": chinese.map(lambda text: (text * 100)[:2000]) | chinese,
    "now_with": chinese.map(lambda word: word[:20]),
    "about": chinese.map(lambda word: word[:20]),
    "why": chinese.map(lambda word: word[:20]),
    "percent": st.integers(1, 99),
    "days": st.integers(1, 999),
    "count": st.integers(1, 9999),
    "appointment": st.uuids().map(lambda id_: id_.hex),
    "bring": chinese.map(lambda text: text[:120]) | st.just(""),
    **dict.fromkeys(("purpose", "one", "other", "what"), chinese.map(lambda word: word[:20])),
    **dict.fromkeys(("place", "fee"), chinese.map(lambda word: word[:20]) | st.just("")),
    **dict.fromkeys(("first", "second", "third", "at", "was_at", "since", "reported_at", "back_at"), instants),
    "late": st.booleans(),
    "accepted": st.booleans(),
    **dict.fromkeys(("overdue", "due_today", "silent", "answered", "rated", "dissatisfied"), st.integers(0, 9_999_999)),
}
contexts = st.sampled_from(sorted(CONTEXTS)).flatmap(
    lambda notice: st.builds(CONTEXTS[notice], **{name: FACTS[name] for name in CONTEXTS[notice].model_fields})
)


@given(contexts)
def test_every_field_of_every_template_takes_its_words(context: Context) -> None:
    """Ours and the platform's own rules (the sandbox's, written apart from ours) agree."""
    values = say(context).values
    for seed in SEEDS:
        if seed.notice != context.notice:
            continue
        template = ActiveTemplate(seed.template_id, seed.definition)
        if seed.channel is Channel.SMS:
            parameters = template.parameters(values)
            assert all("【" not in each and "\n" not in each for each in parameters)
            placeholders = [f"{{{number}}}" for number in range(1, len(parameters) + 1)]
            assert all(seed.definition.text.count(each) == 1 for each in placeholders)
            assert seed.definition.text.count("{") == len(parameters)
        else:
            assert all(check_value(key, value) for key, value in template.fill(values).items())


@given(contexts)
def test_the_chat_never_gets_too_long_a_text(context: Context) -> None:
    said = say(context)
    if Channel.OA_CUSTOMER_SERVICE in REGISTRY[context.notice].channels:
        assert fit_text(said.chat, TEXT_BYTES - 60)


@given(contexts)
def test_what_is_stored_reads_back_the_same(context: Context) -> None:
    assert CONTEXTS[context.notice].model_validate_json(context.model_dump_json(), extra="ignore") == context


def test_every_notice_has_words_a_policy_and_templates() -> None:
    seeded = {(seed.notice, seed.channel) for seed in SEEDS}
    for notice, entry in REGISTRY.items():
        assert entry.context is CONTEXTS[notice]
        wanted = {channel for channel in entry.channels if channel is not Channel.OA_CUSTOMER_SERVICE}
        assert {channel for name, channel in seeded if name == notice} >= wanted
    assert set(REGISTRY) == set(Notice)


@pytest.mark.parametrize("seed", [seed for seed in SEEDS if seed.channel is Channel.SMS], ids=lambda s: s.notice)
def test_sms_texts_pass_the_reviewers_rules(seed: Seed) -> None:
    """腾讯云 382/39023: constant links, no sign brackets, no two variables side by side, not variables only."""
    text = seed.definition.text
    assert not re.search(r"[【】¥★※]", text)
    assert "}{" not in text
    assert re.sub(r"\{\d+\}", "", text).strip()
    assert len(text) + sum(each.limit for each in seed.definition.parameters) <= 500


@pytest.mark.parametrize("seed", [seed for seed in SEEDS if seed.channel is Channel.SMS], ids=lambda s: s.notice)
def test_every_sms_to_a_citizen_repeats_the_check_word(seed: Seed) -> None:
    entry = REGISTRY.get(seed.notice)  # type: ignore[call-overload]  # the pretext is no notice.
    if entry is not None and entry.to is RecipientKind.PERSON:
        assert "check_word" in {each.value for each in seed.definition.parameters}


def test_an_answer_stands_in_the_chat_and_nowhere_else() -> None:
    context = c.InquiryAnswered(
        unit="莲花派出所",
        reference="A1",
        check_word="松竹",
        asked_at=datetime(2026, 3, 12, 4, tzinfo=UTC),
        answer="鉴定意见预计下周出来。",
    )
    said = say(context)
    assert "鉴定意见" in said.chat[0]
    assert not any("鉴定" in text for texts in said.values.values() for text in texts)
    long = say(context.model_copy(update={"answer": "长" * 2000}))
    assert "小程序" in fit_text(long.chat, TEXT_BYTES)


def test_a_rating_is_one_tap() -> None:
    context = c.RatingRequest(unit="莲花派出所", reference="A1", check_word="", token="tok", until=date(2026, 3, 20))
    said = say(context)
    assert [label for _, label in said.choices] == list(RATINGS)
    assert [id_ for id_, _ in said.choices] == ["rate:tok:1", "rate:tok:2", "rate:tok:3"]
    assert page_of(context) == "pages/rate/index?token=tok"


def test_units_are_shortened_by_their_parts() -> None:
    assert unit_names("合肥市公安局庐阳分局莲花派出所") == (
        "合肥市公安局庐阳分局莲花派出所",
        "庐阳分局莲花派出所",
        "莲花派出所",
        "办案单位",
    )
    assert unit_names("庐阳交警大队")[0] == "庐阳交警大队"


def test_nothing_is_cut_in_mid_word() -> None:
    with pytest.raises(NoWordingFits):
        fit_field("thing1", ["这一句话的长度超过了二十个汉字所以放不进去的"])
    assert fit_field("thing1", ["这一句话的长度超过了二十个汉字所以放不进去的", "短的"]) == "短的"


@pytest.mark.parametrize(
    "facts",
    [
        {"unit": ""},
        {"unit": "所" * 41},
        {"unit": "莲花\n派出所"},
        {"reference": "张三盗窃案"},
        {"posted_at": datetime(2026, 3, 12)},  # noqa: DTZ001 — that is the fault.
        {"name": "张三"},
    ],
)
def test_a_wrong_fact_fails_where_it_is_stated(facts: dict[str, Any]) -> None:
    known: dict[str, Any] = {
        "unit": "莲花派出所",
        "reference": "A1",
        "check_word": "",
        "posted_at": datetime(2026, 3, 12, tzinfo=UTC),
    }
    with pytest.raises(ValidationError):
        c.UpdatePosted(**(known | facts))


def test_a_definition_that_cannot_be_filled_is_refused() -> None:
    with pytest.raises(ValidationError):
        Definition(fields=(TemplateField(key="car_number1", value="matter"),))
    with pytest.raises(ValidationError):
        Definition(text="没有位置", parameters=(Parameter(value="unit"),))
