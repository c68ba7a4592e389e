"""What can go wrong with a clock.

ClockError
├── InvalidPolicy   a policy contradicts itself
└── InvalidLog      an entry lacks a field, contradicts another, or refers to a policy or calendar that is not given
"""


class ClockError(ValueError):
    """The common base: the caller's data cannot be replayed."""


class InvalidPolicy(ClockError):
    """A policy contradicts itself; the message names the field."""


class InvalidLog(ClockError):
    """An entry lacks a field, contradicts another one, or refers to a policy or calendar that is not given."""
