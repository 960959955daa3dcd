"""/healthz, /readyz and /metrics, for whoever runs the gateway."""

from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from gateway.edge import services
from gateway.telemetry import FAILING, OLDEST_SECONDS, QUEUED

HEALTH = Blueprint("health", __name__)


@HEALTH.get("/healthz")
def healthz() -> Response:
    """Answer 200 while the process answers at all."""
    return jsonify(status="ok")


@HEALTH.get("/readyz")
def readyz() -> Response:
    """Answer 200 when the store answers; GW-5xxx (503) when it does not."""
    services().store.registry.shards()
    return jsonify(status="ready")


@HEALTH.get("/metrics")
def metrics() -> Response:
    """Answer the metrics of this process for Prometheus; no label holds a patient's value.

    What the outbox holds is the same for every process and asked of the store.
    """
    _measure_outbox()
    return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def _measure_outbox() -> None:
    store, now = services().store, services().clock()
    for gauge in (QUEUED, FAILING, OLDEST_SECONDS):
        gauge.clear()
    for shard in store.registry.shards():
        for one in store.outbox.backlogs(shard):
            QUEUED.labels(shard, one.recipient, "waiting").set(one.waiting)
            QUEUED.labels(shard, one.recipient, "parked").set(one.parked)
            FAILING.labels(shard, one.recipient).set(one.failing)
            age = max((now - one.oldest_utc).total_seconds(), 0)
            OLDEST_SECONDS.labels(shard, one.recipient).set(age)
