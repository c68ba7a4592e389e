"""Figures of sending: by notice, channel and outcome, without ids."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

ATTEMPTS = Counter("delivery_attempts", "Tries to send, by how they ended", ["notice", "channel", "outcome"])
MESSAGES = Counter("delivery_messages", "Messages that came to an end", ["notice", "channel", "state"])
SECONDS = Histogram(
    "delivery_seconds",
    "From the outbox to the platform's yes, domain clock",
    ["channel"],
    buckets=(0.1, 0.3, 1, 3, 10, 30, 60, 300, 1800, 7200),
)
UNLIMITED = Counter("delivery_unlimited", "Sends whose rate could not be checked because Valkey was away", ["channel"])
