"""One request and its answer in FHIR's terms, whether it came alone or as an entry of a Bundle.

The interactions take an ``Exchange`` and give an ``Answer``; only ``gateway.api.web`` knows HTTP.
https://hl7.org/fhir/R4/http.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from gateway.api.negotiation import Content
from gateway.api.preconditions import Preconditions
from gateway.edge import Services
from gateway.errors import GatewayError
from gateway.fhir import codec, xml
from gateway.records import Principal, Resource, Stored, Visibility

MAX_VALUES = 500_000
"""The most values in one body: each costs microseconds on its way into the store."""
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Exchange:
    """A request as an interaction sees it; ``address`` is that of the FHIR API."""

    services: Services
    principal: Principal
    address: str
    language: str
    query: Pairs = ()
    preconditions: Preconditions = field(default_factory=Preconditions)
    prefer: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Resource = b""
    content: Content = "json"

    @property
    def visibility(self) -> Visibility:
        """The predicate of every query of this request."""
        return self.principal.visibility

    @cached_property
    def resource(self) -> Resource:
        """The body as a resource; raises GW-7007, GW-7015, GW-7030, GW-22xx."""
        if isinstance(self.body, dict):
            return self.body
        if not self.body.strip():
            raise GatewayError("GW-7007")
        if self.body.count(b"<" if self.content == "xml" else b",") > MAX_VALUES:
            raise GatewayError("GW-7030", limit=MAX_VALUES)
        value = xml.decode(self.body) if self.content == "xml" else codec.decode(self.body)
        if not isinstance(value, dict) or not isinstance(value.get("resourceType"), str):
            raise GatewayError("GW-7015")
        return value

    def resource_of(self, type_: str) -> Resource:
        """Give the body, which has to be of this type; raise GW-7013."""
        if self.resource["resourceType"] != type_:
            raise GatewayError("GW-7013", type=type_, expression=type_)
        return self.resource

    def parameter(self, name: str) -> str | None:
        """Give the last value of a query parameter."""
        return next((value for key, value in reversed(self.query) if key == name), None)


@dataclass(frozen=True)
class Answer:
    """What an interaction answers.

    ``body`` is stored JSON passed on as it is; ``resource`` is content made for this answer.
    ``location`` is absolute.
    """

    status: int = 200
    resource: Resource | None = None
    body: bytes | None = None
    version: int | None = None
    updated_utc: datetime | None = None
    location: str | None = None

    @classmethod
    def of(cls, stored: Stored, status: int = 200) -> "Answer":
        """Answer a stored version with its body."""
        return cls(status, body=stored.body, version=stored.version, updated_utc=stored.updated_utc)
