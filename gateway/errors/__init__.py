"""The one family of errors, and the one table that says what each kind means outside.

Stages raise; only the pipeline, the Flask error handler and the worker loop catch. An error is
named by its number (``GW-2103``: the first digit is the stage, 1 receive, 2 parse, 3 map,
4 validate, 5 store, 6 route, 7 serve, 8 access); its kind, texts and remedy stand in
``gateway/errors/catalogue/``. Numbers are never reused.
"""

from gateway.errors.family import CATALOGUE, GatewayError, issue
from gateway.errors.kinds import KINDS, Entry, Kind, Meaning

__all__ = ["CATALOGUE", "KINDS", "Entry", "GatewayError", "Kind", "Meaning", "issue"]
