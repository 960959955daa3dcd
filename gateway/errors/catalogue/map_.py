"""Errors GW-3xxx: mapping."""

from gateway.errors.kinds import Entry, Kind

ENTRIES: tuple[Entry, ...] = ()
