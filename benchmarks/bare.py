"""The bare Flask view that a read is compared with: its bytes lie ready, nobody is asked."""

import os
from pathlib import Path

from flask import Flask, Response


def bare() -> Flask:
    """Make an application that answers every path below /fhir with the bytes of one file."""
    content = Path(os.environ["BENCH_BODY"]).read_bytes()
    app = Flask("bare", static_folder=None)

    @app.get("/fhir/<type_>/<id_>")
    def read(type_: str, id_: str) -> Response:  # noqa: ARG001 - the same rule as ours.
        return Response(content, content_type="application/fhir+json; charset=utf-8")

    return app
