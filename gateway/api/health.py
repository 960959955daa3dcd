"""/healthz, /readyz and /metrics, for whoever runs the gateway."""

from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from gateway.edge import services

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
    """Answer the metrics of this process for Prometheus; no label holds a patient's value."""
    return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)
