"""A live server as public clients meet it: an address, and what signs a system in."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from gateway.settings import Settings
from tests.support.worlds import running_world


@dataclass(frozen=True, slots=True)
class Live:
    """``root`` is the server's address; the client is that of a hospital with all FHIR scopes."""

    root: str
    client_id: str
    secret: str
    token: str
    settings: Settings

    @property
    def fhir(self) -> str:
        """The address of the FHIR API."""
        return f"{self.root}/fhir"

    @property
    def authorization(self) -> str:
        """The header that signs a request."""
        return f"Bearer {self.token}"

    def session(self) -> requests.Session:
        """Give a session that signs its requests."""
        session = requests.Session()
        session.headers["Authorization"] = self.authorization
        return session


@contextmanager
def live_server(folder: Path, **options: str) -> Iterator[Live]:
    """Run the server as in production, on a port of its own, and sign a hospital in."""
    with running_world(folder, **options) as world:
        member = "qs-county"
        yield Live(
            world.url, f"{member}-his", world.secrets[member], world.tokens[member], world.settings
        )
