"""Errors GW-4xxx: validation."""

from gateway.errors.kinds import Entry, Kind

ENTRIES: tuple[Entry, ...] = ()
