"""Errors GW-8xxx: who may do what."""

from gateway.errors.kinds import Entry, Kind

ENTRIES: tuple[Entry, ...] = ()
