"""What can go wrong with duty time.

DutyTimeError
├── InvalidCalendar   a calendar, shift or absence contradicts itself
├── NoDutyTime        the calendar has no duty where some is needed
├── OutOfRange        an instant or duration beyond what is reckoned with
└── NoReceiver        nobody at all was offered as a receiver
"""


class DutyTimeError(ValueError):
    """The common base: the caller's data cannot be reckoned with."""


class InvalidCalendar(DutyTimeError):
    """A calendar, shift or absence contradicts itself; the message names the field."""


class NoDutyTime(DutyTimeError):
    """The calendar has no duty for so long that no instant can be promised."""


class OutOfRange(DutyTimeError):
    """An instant is naive or outside 2000–2199, a duration is negative, or a count is not between its bounds."""


class NoReceiver(DutyTimeError):
    """No candidate was given: even a backstop is missing, which the organisation must never allow."""
