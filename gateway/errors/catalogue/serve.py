"""Errors GW-7xxx: answering requests."""

from gateway.errors.kinds import Entry, Kind

ENTRIES: tuple[Entry, ...] = ()
