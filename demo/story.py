"""The story that `make demo` plays, from registering a case to the inspector who asks who looked at it.

Everything goes over real HTTP: citizens act through the local platform's control API, officers through the product's
API. The database is only read. Time passes by the shared offset alone, so that it plays the same at 03:00 on a Sunday.
"""

from __future__ import annotations

from demo.chapters import asking, closing, joining, late, looking_back, news, opening, reach, stolen

STEPS = (
    *opening.STEPS,
    *joining.STEPS,
    *news.STEPS,
    *asking.STEPS,
    *stolen.STEPS,
    *late.STEPS,
    *closing.STEPS,
    *reach.STEPS,
    *looking_back.STEPS,
)
