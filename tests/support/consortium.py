"""A small consortium in a store of its own, and a client for each of its members."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from gateway.access import new_secret
from gateway.app import create_app
from gateway.store import Client, Credential, Member, Tenant
from gateway.wiring import Runtime

MEMBERS = {
    "qs-township": ("hospital",),
    "qs-county": ("hospital",),
    "lj-city": ("hospital",),
    "qs-insurer": ("insurer",),
    "qs-bureau": ("regulator",),
    "operator": ("operator",),
}
SECRET, HASH = new_secret()
ALL_SCOPES = ("system/*.cruds", "intake/*")


def found_consortium(runtime: Runtime) -> None:
    """Register the tenant, its members and one client for each, named like the member."""
    registry = runtime.store.registry
    registry.add_tenant(Tenant("qingshan", "青山县医共体", 1))
    for id_, roles in MEMBERS.items():
        registry.add_member(Member(1, id_, id_, roles, organization=f"org-{id_}"))
        registry.add_client(Client(id_, id_, id_, (1,), ALL_SCOPES))
        runtime.store.credentials.put(Credential(id_, "secret-1", "secret", HASH))


@dataclass
class Browser:
    """Sends requests as one client of a member."""

    app: Flask
    token: str
    sent: dict[str, str] = field(default_factory=dict)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        data: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> TestResponse:
        """Send one request below /fhir; ``body`` goes as JSON, ``data`` as it is."""
        sent = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        if body is not None:
            sent.setdefault("Content-Type", "application/fhir+json")
            return self.app.test_client().open(
                f"/fhir{path}", method=method, json=body, headers=sent
            )
        return self.app.test_client().open(f"/fhir{path}", method=method, data=data, headers=sent)

    def get(self, path: str, **headers: str) -> TestResponse:
        """GET with headers given as ``If_None_Match=…``."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("GET", path, headers=named)

    def post(self, path: str, body: Any, **headers: str) -> TestResponse:
        """POST a resource."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("POST", path, body, headers=named)

    def put(self, path: str, body: Any, **headers: str) -> TestResponse:
        """PUT a resource."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("PUT", path, body, headers=named)


class Consortium:
    """The application with its members' clients."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.app = create_app(runtime)

    def client(self, member: str, scope: str = "") -> Browser:
        """Sign in as a member's client, with less than all scopes if given."""
        return Browser(self.app, self.runtime.access.issue(member, scope))
