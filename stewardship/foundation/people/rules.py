"""Pure rules on numbers, trust and what is shown masked."""

from __future__ import annotations

import re

from stewardship.foundation.errors import Invalid
from stewardship.foundation.people.models import Trust

PHONE = re.compile(r"^1[3-9]\d{9}$|^0\d{9,11}$")
UNUSABLE = frozenset({Trust.STOLEN, Trust.RECYCLED})
"""Nothing is sent to these, and no answer is taken from them, until an officer has seen the person again."""


def normal_phone(text: str) -> str:
    """A mainland number as its digits: spaces, dashes and +86 removed. Raises Invalid for anything else."""
    digits = re.sub(r"[\s\-()（）]", "", text).removeprefix("+86").removeprefix("0086")
    if not PHONE.match(digits):
        raise Invalid("phone_number", "手机号码不对", "请填写 11 位手机号码，或带区号的座机号码。")
    return digits


def masked_phone(number: str) -> str:
    """Enough to recognise it by, not to dial it: 138****0001."""
    return f"{number[:3]}****{number[-4:]}" if len(number) >= 8 else "****"


def masked_name(name: str) -> str:
    """The surname alone: 张**."""
    return name[:1] + "*" * max(1, len(name) - 1)


def usable(trust: Trust) -> bool:
    """Whether a contact or identity may be used at all."""
    return trust not in UNUSABLE
