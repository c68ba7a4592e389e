"""Structured logs: one JSON object a line, with ids and field names, never a name, a phone number or a text."""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.typing import EventDict, WrappedLogger

FORBIDDEN = frozenset(
    {
        "name",
        "phone",
        "text",
        "content",
        "body",
        "address",
        "id_number",
        "token",
        "secret",
        "password",
        "openid",
        "value",
    }
)


def _redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A last guard: a field whose name promises personal data is blanked, whoever logged it."""
    for key in FORBIDDEN & event.keys():
        event[key] = "[redacted]"
    return event


def configure(process: str, *, level: int = logging.INFO) -> None:
    """Set up logging for one process; `process` (server, worker, …) stands in every line."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        # Without local variables: they would carry names, numbers and texts into the log.
        structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
        _redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(ensure_ascii=False)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(process=process)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
            foreign_pre_chain=shared,
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
