"""Telephone numbers as people write them."""

from __future__ import annotations

import pytest

from stewardship.foundation.people.rules import normal_phone


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("138 0000-0000", "13800000000"),
        ("+86 13800000000", "13800000000"),
        ("(0551)6000 0000", "055160000000"),
        ("（0551）60000000", "055160000000"),
    ],
)
def test_a_number_is_understood_as_it_is_written(written: str, number: str) -> None:
    assert normal_phone(written) == number
