"""What is promised: how long until a person replies and until the full answer, and who hears when it gets late."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from stewardship.foundation.clocks.errors import InvalidPolicy
from stewardship.foundation.duty_time import DutyCalendar, EscalationLevel

MAX_STEPS = 8
MAX_PERCENT = 1000


class Target(StrEnum):
    """What a clock waits for."""

    FIRST = "first"
    """The first reply by a person."""
    FULL = "full"
    """The full answer, or the thing done."""


class AllowanceUnit(StrEnum):
    DUTY_MINUTES = "duty_minutes"
    WORKING_DAYS = "working_days"


@dataclass(frozen=True, slots=True)
class Allowance:
    """How long something may take: minutes of duty time, or working days (see `DutyCalendar.add_working_days`)."""

    amount: int
    unit: AllowanceUnit

    def __post_init__(self) -> None:
        most = 100_000 if self.unit is AllowanceUnit.DUTY_MINUTES else 366
        if not 1 <= self.amount <= most:
            raise InvalidPolicy(f"an allowance in {self.unit} must be 1 to {most}")

    def due(self, calendar: DutyCalendar, start: datetime) -> datetime:
        """When it is gone for a clock that starts then. Raises DutyTimeError."""
        if self.unit is AllowanceUnit.DUTY_MINUTES:
            return calendar.add_duty(start, timedelta(minutes=self.amount))
        return calendar.add_working_days(start, self.amount)

    def duty(self, calendar: DutyCalendar, start: datetime) -> timedelta:
        """The duty time that it grants a clock that starts then. Raises DutyTimeError."""
        return calendar.duty_between(start, self.due(calendar, start))

    def to_json(self) -> dict[str, Any]:
        return {"amount": self.amount, "unit": self.unit.value}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(int(data["amount"]), AllowanceUnit(data["unit"]))


@dataclass(frozen=True, slots=True)
class EscalationStep:
    """At this percentage of the allowance, this level hears of it. 100 is the breach, 200 a second allowance gone."""

    percent: int
    level: EscalationLevel


DEFAULT_ESCALATION = (
    EscalationStep(80, EscalationLevel.DUTY_OFFICER),
    EscalationStep(100, EscalationLevel.INSTRUCTOR),
    EscalationStep(200, EscalationLevel.SUB_BUREAU),
)


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of a promise, never changed once used. The defaults are the design's promise on inquiries."""

    version: int
    first_response: Allowance | None = Allowance(30, AllowanceUnit.DUTY_MINUTES)
    """None where no first reply is promised (an order)."""
    full_answer: Allowance | None = Allowance(1, AllowanceUnit.WORKING_DAYS)
    warn_at: tuple[int, ...] = (50, 80)
    """Percentages of the allowance at which the owner is warned."""
    escalation: tuple[EscalationStep, ...] = DEFAULT_ESCALATION
    """One step per level, higher levels later."""
    challenge_window: timedelta = timedelta(hours=48)
    """Real time, not duty time, in which a party may challenge an answer from the record."""

    def __post_init__(self) -> None:
        if self.first_response is None and self.full_answer is None:
            raise InvalidPolicy("a policy promises something")
        if not timedelta(0) < self.challenge_window <= timedelta(days=60):
            raise InvalidPolicy("challenge_window must be positive and at most 60 days")
        _check_rising("warn_at", self.warn_at, highest=99)
        _check_rising("escalation", [step.percent for step in self.escalation], highest=MAX_PERCENT)
        levels = [step.level for step in self.escalation]
        if levels != sorted(set(levels)) or EscalationLevel.STEWARD in levels:
            raise InvalidPolicy("escalation: each level above the steward once, higher levels later")

    def allowance(self, target: Target) -> Allowance | None:
        """What it grants the target."""
        return self.first_response if target is Target.FIRST else self.full_answer

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values for a jsonb column; `from_json` gives an equal policy."""
        return {
            "version": self.version,
            "first_response": self.first_response and self.first_response.to_json(),
            "full_answer": self.full_answer and self.full_answer.to_json(),
            "warn_at": list(self.warn_at),
            "escalation": [{"percent": step.percent, "level": step.level.name.lower()} for step in self.escalation],
            "challenge_seconds": self.challenge_window // timedelta(seconds=1),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`. Raises InvalidPolicy where something is missing or wrong."""
        try:
            first, full = data["first_response"], data["full_answer"]
            steps = [(int(step["percent"]), EscalationLevel[step["level"].upper()]) for step in data["escalation"]]
            return cls(
                version=int(data["version"]),
                first_response=None if first is None else Allowance.from_json(first),
                full_answer=None if full is None else Allowance.from_json(full),
                warn_at=tuple(int(percent) for percent in data["warn_at"]),
                escalation=tuple(EscalationStep(percent, level) for percent, level in steps),
                challenge_window=timedelta(seconds=int(data["challenge_seconds"])),
            )
        except InvalidPolicy:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InvalidPolicy(f"policy: {error}") from error


def _check_rising(name: str, percents: tuple[int, ...] | list[int], *, highest: int) -> None:
    if len(percents) > MAX_STEPS or list(percents) != sorted(set(percents)):
        raise InvalidPolicy(f"{name}: at most {MAX_STEPS} percentages, rising")
    if any(not 1 <= percent <= highest for percent in percents):
        raise InvalidPolicy(f"{name}: percentages lie between 1 and {highest}")
