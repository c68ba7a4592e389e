"""Faults that a test or a person at the page switches on: each wears off after `times` uses."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

FaultKind = Literal[
    "error",
    "timeout_before",
    "timeout_after",
    "stale_token",
    "http_error",
    "duplicate_callback",
    "reorder_callbacks",
    "delay_callback",
    "lose_answer",
    "delay_report",
    "fail_report",
    "drop_report",
    "duplicate_report",
]


@dataclass
class Fault:
    """See the table in README.md. Empty `path` and `account` mean any."""

    kind: FaultKind
    path: str = ""
    account: str = ""
    times: int = 1
    errcode: int = -1
    errmsg: str = ""
    code: str = ""
    seconds: float = 30.0
    status: int = 502
    copies: int = 2
    id: int = 0
    used: int = field(default=0)


class FaultBook:
    """The faults that are switched on."""

    def __init__(self, changed: Callable[[], None]) -> None:
        """`changed` is called whenever a fault is added, used or removed."""
        self._changed = changed
        self._ids = itertools.count(1)
        self._faults: dict[int, Fault] = {}

    def add(self, fault: Fault) -> Fault:
        """Switches a fault on. A reordering meets every callback of its group, so it counts `copies` uses a time."""
        fault.id = next(self._ids)
        if fault.kind == "reorder_callbacks":
            fault.times *= fault.copies
        self._faults[fault.id] = fault
        self._changed()
        return fault

    def remove(self, fault_id: int) -> bool:
        found = self._faults.pop(fault_id, None) is not None
        self._changed()
        return found

    def clear(self) -> None:
        self._faults.clear()
        self._changed()

    def all(self) -> list[Fault]:
        return list(self._faults.values())

    def take(self, *kinds: FaultKind, path: str = "", account: str = "") -> Fault | None:
        """The oldest matching fault, used up by one; None where everything works."""
        for fault in self._faults.values():
            if fault.kind in kinds and fault.path in ("", path) and fault.account in ("", account):
                fault.used += 1
                if fault.used >= fault.times:
                    del self._faults[fault.id]
                self._changed()
                return fault
        return None
