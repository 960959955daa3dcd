"""Notices in a member's own format, handed over by what its system can take."""

from gateway.carriers.outgoing.options import Push, push_of
from gateway.carriers.outgoing.outlet import PushOutlet
from gateway.carriers.outgoing.ways import Ways

__all__ = ["Push", "PushOutlet", "Ways", "push_of"]
