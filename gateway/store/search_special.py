"""Conditions on index rows for what is asked by ranges, lists and distance."""

import math
from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_
from sqlalchemy.sql import FromClause

from gateway.fhir.search_model import CodesValue, NearValue
from gateway.store.keys import LONGEST, bounded, space_number

Where = Callable[[FromClause], ColumnElement[bool]]
_LAST = "\U0010ffff"
_KM_A_DEGREE = 6371.0088 * math.pi / 180


def begins(column: ColumnElement[Any], start: str) -> ColumnElement[bool]:
    """Compare as a range: both engines order texts by their bytes."""
    start = start[:LONGEST]
    return and_(column >= start, column < start + _LAST)


def any_code(value: CodesValue) -> Where:
    """Ask for any of the codes, each in its system."""

    def where(i: FromClause) -> ColumnElement[bool]:
        parts = [
            and_(i.c.space == space_number(system), i.c.value.in_([bounded(c) for c in codes]))
            for system, codes in value.codes
        ]
        return or_(false(), *parts)

    return where


def near(value: NearValue) -> Where:
    """Ask for places within a distance; ``low`` is the latitude, ``high`` the longitude.

    Degrees of longitude are taken as long as at the searched latitude: up to 200 km the error
    stays below one percent between the polar circles.
    """
    squeeze = max(math.cos(math.radians(value.latitude)), 1e-6)
    reach = value.km / _KM_A_DEGREE

    def where(i: FromClause) -> ColumnElement[bool]:
        latitude = i.c.low - value.latitude
        within = []
        for turn in (0.0, 360.0, -360.0):
            longitude = (i.c.high - (value.longitude + turn)) * squeeze
            within.append(latitude * latitude + longitude * longitude <= reach * reach)
        return and_(
            i.c.low >= value.latitude - reach, i.c.low <= value.latitude + reach, or_(*within)
        )

    return where
