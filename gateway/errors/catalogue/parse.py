"""Errors GW-2xxx: reading a native record."""

from gateway.errors.kinds import Entry, Kind

ENTRIES: tuple[Entry, ...] = ()
