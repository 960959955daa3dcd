"""Build resources through the typed models of ``fhir.resources``, checked at construction.

The models are loaded with the first resource built: at the start they would cost half a second.
"""

from functools import cache
from importlib import import_module
from typing import Any

from gateway.records import Resource


def build(type_: str, **elements: Any) -> Resource:
    """Make a resource as a plain dict; raise pydantic's ValidationError where it is wrong."""
    from gateway.fhir.models import from_model

    return from_model(_model(type_)(**elements))


@cache
def _model(type_: str) -> Any:
    return getattr(import_module(f"fhir.resources.R4B.{type_.lower()}"), type_)
