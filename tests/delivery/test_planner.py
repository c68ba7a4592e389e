"""Which channel, and by name why not the others: for every kind of recipient, at every hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from delivery.catalogue import starting_templates
from delivery.channels.base import ABILITIES
from delivery.models import Channel, TemplateState
from delivery.notice import Notice
from delivery.planner import (
    MESSAGE_COUNT,
    MESSAGE_WINDOW,
    TOUCH_COUNT,
    TOUCH_WINDOW,
    Book,
    Plan,
    Skip,
    open_windows,
    plan,
    quiet_until,
)
from delivery.recipients import Credit, Identity, Phone, Protected, Recipient, Window
from delivery.registry import REGISTRY, Entry
from delivery.templates import SAFE_PRETEXT, ActiveTemplate
from kit import clock
from kit.ids import new_id
from tests.delivery.town import NIGHT, NOON

SEEDS = starting_templates("https://steward.example")
TEMPLATES: dict[tuple[str, Channel], ActiveTemplate] = {
    (seed.notice, seed.channel): ActiveTemplate(seed.template_id, seed.definition)
    for seed in SEEDS
    if seed.state is TemplateState.ACTIVE
}
WITH_PRETEXT = TEMPLATES | {
    (seed.notice, seed.channel): ActiveTemplate(seed.template_id, seed.definition)
    for seed in SEEDS
    if seed.notice == SAFE_PRETEXT
}
IDS = sorted({seed.template_id for seed in SEEDS})

instants = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 — hypothesis adds the zone.
ages = st.timedeltas(timedelta(0), timedelta(days=4)) | st.timedeltas(timedelta(0), timedelta(minutes=2))


def windows(now: datetime) -> st.SearchStrategy[Window]:
    return st.builds(Window, st.none() | ages.map(lambda age: now - age), st.integers(0, 6))


def identities(now: datetime) -> st.SearchStrategy[Identity]:
    credits = st.builds(Credit, st.sampled_from(IDS), st.integers(0, 3), st.booleans(), st.booleans())
    return st.builds(
        Identity,
        st.builds(new_id),
        st.just("openid"),
        st.booleans(),
        st.booleans(),
        windows(now),
        windows(now),
        st.lists(credits, max_size=3).map(tuple),
    )


phones = st.builds(Phone, st.builds(new_id), st.just("+8619900000001"), st.booleans())
protected = st.builds(
    Protected, st.none() | phones, st.integers(0, 1439), st.integers(1, 1440), st.sampled_from(["", "您要的花到了"])
)


@st.composite
def situations(draw: st.DrawFn) -> tuple[Entry, Recipient, datetime, frozenset[Channel]]:
    now = draw(instants)
    recipient = Recipient(
        oa=draw(st.none() | identities(now)),
        mp=draw(st.none() | identities(now)),
        phones=tuple(draw(st.lists(phones, max_size=2))),
        protected=draw(st.none() | protected),
        elderly=draw(st.booleans()),
    )
    entry = REGISTRY[draw(st.sampled_from(sorted(REGISTRY)))]
    return entry, recipient, now, frozenset(draw(st.sets(st.sampled_from(sorted(Channel)))))


@given(situations())
def test_each_channel_is_an_option_or_skipped_for_a_named_reason(
    situation: tuple[Entry, Recipient, datetime, frozenset[Channel]],
) -> None:
    entry, recipient, now, refused = situation
    made = plan(entry, recipient, TEMPLATES, now, refused=refused)
    channels = [option.channel for option in made.options]
    assert len(channels) == len(set(channels))
    assert set(channels) | set(made.skipped) == set(entry.channels)
    assert not set(channels) & set(made.skipped)
    assert not set(channels) & refused
    assert made.options or made.later or made.reason
    for option in made.options:
        abilities = ABILITIES[option.channel]
        assert bool(option.books) == (abilities.needs_window or abilities.needs_credit)
        assert (option.template is not None) == abilities.needs_template


@given(situations())
def test_a_protected_person_is_reached_by_the_safe_phone_in_its_hours_or_not_at_all(
    situation: tuple[Entry, Recipient, datetime, frozenset[Channel]],
) -> None:
    entry, recipient, now, refused = situation
    if recipient.protected is None:
        return
    made = plan(entry, recipient, WITH_PRETEXT, now, refused=refused)
    safe, local = recipient.protected, clock.local(now)
    minute = local.hour * 60 + local.minute
    for option in made.options:
        assert option.target is safe.phone
        assert option.pretext
        assert safe.hours_from <= minute < safe.hours_to
    if made.later is not None:
        assert now < made.later <= now + timedelta(days=1)
        begins = clock.local(made.later)
        assert begins.hour * 60 + begins.minute == safe.hours_from
    assert bool(made.options) + (made.later is not None) + made.safe_call_needed == 1


@given(situations())
def test_no_sms_rings_at_night_unasked(situation: tuple[Entry, Recipient, datetime, frozenset[Channel]]) -> None:
    entry, recipient, now, _ = situation
    if recipient.protected is not None:
        return
    rings = any(option.channel is Channel.SMS for option in plan(entry, recipient, TEMPLATES, now).options)
    assert not (rings and quiet_until(now) and not entry.at_night)


@given(instants)
def test_the_quiet_ends_at_eight(now: datetime) -> None:
    until, hour = quiet_until(now), clock.local(now).hour
    assert (until is None) == (8 <= hour < 21)
    if until is not None:
        assert now < until <= now + timedelta(hours=11)
        assert quiet_until(until) is None
        assert clock.local(until).hour == 8


@given(instants.flatmap(lambda now: st.tuples(st.just(now), identities(now))))
def test_a_window_is_open_only_as_long_and_as_often_as_the_platform_allows(given_: tuple[datetime, Identity]) -> None:
    now, identity = given_
    found = open_windows(identity, now)
    books = found if isinstance(found, tuple) else ()
    limits = {
        Book.MESSAGE_WINDOW: (identity.message_window, MESSAGE_WINDOW, MESSAGE_COUNT),
        Book.TOUCH_WINDOW: (identity.touch_window, TOUCH_WINDOW, TOUCH_COUNT),
    }
    for book in books:
        window, length, count = limits[book]
        assert window.opened_at is not None
        assert now < window.opened_at + length
        assert window.used < count
    if Book.TOUCH_WINDOW in books:
        assert books[0] is Book.TOUCH_WINDOW


def _plan(recipient: Recipient, now: datetime = NOON) -> Plan:
    return plan(REGISTRY[Notice.UPDATE_POSTED], recipient, TEMPLATES, now)


def test_reasons_are_named() -> None:
    refusing = Identity(new_id(), "o", following=True, refused=True)
    stranger = Identity(new_id(), "o")
    assert _plan(Recipient()).skipped == {
        Channel.OA_CUSTOMER_SERVICE: Skip.NO_IDENTITY,
        Channel.MP_SUBSCRIBE: Skip.NO_IDENTITY,
        Channel.OA_TEMPLATE: Skip.NO_IDENTITY,
        Channel.SMS: Skip.NO_PHONE,
    }
    assert _plan(Recipient(oa=refusing)).skipped[Channel.OA_TEMPLATE] is Skip.REFUSES
    assert _plan(Recipient(oa=stranger)).skipped[Channel.OA_TEMPLATE] is Skip.NOT_FOLLOWING
    assert _plan(Recipient(mp=stranger)).skipped[Channel.MP_SUBSCRIBE] is Skip.NO_CREDIT
    opted_out = Recipient(phones=(Phone(new_id(), "+86199", opted_out=True),))
    assert _plan(opted_out).reason == "sms:opted_out"
    night = _plan(Recipient(phones=(Phone(new_id(), "+86199"),)), NIGHT)
    assert night.skipped[Channel.SMS] is Skip.QUIET_HOURS
    assert night.later == NIGHT + timedelta(hours=8, minutes=30)


def test_without_an_approved_template_a_channel_cannot_carry_it() -> None:
    person = Recipient(phones=(Phone(new_id(), "+86199"),))
    entry = REGISTRY[Notice.UPDATE_POSTED]
    assert plan(entry, person, {}, NOON).skipped[Channel.SMS] is Skip.NO_TEMPLATE
