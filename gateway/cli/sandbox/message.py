"""A message of the sandbox: what a hospital's system sends, when, and how it must end."""

from dataclasses import dataclass
from datetime import datetime

from gateway.cli.sandbox.hospitals import channel_id


@dataclass(frozen=True, slots=True)
class Message:
    """One message, or one row of a view (as JSON).

    ``dirt`` names what is wrong with it, if anything; ``parks`` is the error number that its
    record has to end with, None where all of it must arrive.
    """

    at: datetime
    member: str
    kind: str
    suffix: str
    raw: bytes
    dirt: str | None = None
    parks: str | None = None

    @property
    def channel(self) -> str:
        """The channel that the message belongs to."""
        return channel_id(self.member, self.kind)
