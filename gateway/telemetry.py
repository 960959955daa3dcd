"""Logs as JSON lines and the metrics that /metrics shows; neither ever holds a patient's value."""

import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from traceback import extract_tb
from typing import Any

import structlog
from prometheus_client import Counter, Gauge, Histogram

_OBEYED = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
RECORDS = Counter(
    "gateway_records_total", "Records by channel and how they ended", ["channel", "status"]
)
STAGE_SECONDS = Histogram(
    "gateway_stage_seconds",
    "Time per stage of the record's way",
    ["stage"],
    buckets=(0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2, 10),
)
REQUESTS = Counter(
    "gateway_requests_total", "HTTP requests by interaction and status", ["interaction", "status"]
)
DELIVERIES = Counter(
    "gateway_deliveries_total", "Delivery attempts by recipient and result", ["recipient", "result"]
)
QUEUED = Gauge(
    "gateway_deliveries_queued", "Notices not taken yet", ["shard", "recipient", "status"]
)
FAILING = Gauge(
    "gateway_deliveries_failing", "Notices not taken yet that failed", ["shard", "recipient"]
)
OLDEST_SECONDS = Gauge(
    "gateway_deliveries_oldest_seconds", "Age of the oldest not taken yet", ["shard", "recipient"]
)


def configure_logging(level: str) -> None:
    """Write log events as JSON lines to stderr."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(
                structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
            ),
            structlog.processors.JSONRenderer(ensure_ascii=False),
            _harmless,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )


def _harmless(_logger: object, _method: str, line: Any) -> str:
    """Escape what JSON leaves as it is and terminals or viewers obey: C1 controls, line ends."""
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", line)


def log(stage: str) -> structlog.stdlib.BoundLogger:
    """Give the logger of a stage."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(stage=stage)
    return logger


def log_bug(logger: structlog.stdlib.BoundLogger, bug: Exception, **details: object) -> None:
    """Log a bug of ours by its kind and way only: its text may quote a value of the record."""
    way = [f"{spot.filename}:{spot.lineno} {spot.name}" for spot in extract_tb(bug.__traceback__)]
    logger.error("our own bug", exception=type(bug).__name__, way=way, **details)


@contextmanager
def timed(stage: str) -> Iterator[None]:
    """Observe how long a stage takes."""
    start = perf_counter()
    try:
        yield
    finally:
        STAGE_SECONDS.labels(stage).observe(perf_counter() - start)
