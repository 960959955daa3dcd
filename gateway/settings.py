"""Every setting of the gateway: one list with name, default and meaning.

Sources, later ones win: the defaults here, one TOML file (``--config`` or ``GATEWAY_CONFIG``),
environment variables ``GATEWAY_<NAME>``, command-line options.
"""

import os
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from gateway.errors import GatewayError


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings in force; ``HELP`` tells what each means."""

    data_dir: Path = Path("data")
    database: str = ""
    listen: str = "127.0.0.1:8080"
    server_url: str = ""
    workers: int = 1
    threads: int = 16
    secret: str = ""
    mappings: str = "mappings"
    profiles: str = "profiles"
    zone: str = "Asia/Shanghai"
    sandbox: bool = False
    demo_links: bool = False
    update_as_create: bool = False
    lenient_search: bool = False
    demand_if_match: bool = False
    delete_multiple: bool = False
    cors_origins: str = ""
    keep_done_days: int = 90
    keep_parked_days: int = 365
    keep_audit_days: int = 1_095
    max_message_bytes: int = 50_000_000
    max_body_bytes: int = 20_000_000
    max_bundle_entries: int = 5_000
    token_lifetime_s: int = 3_600
    trusted_issuer: str = ""
    trusted_keys: str = ""
    trusted_audience: str = ""
    requests_per_minute: int = 0
    failed_logins_per_minute: int = 30
    allowed_networks: str = ""
    log_level: str = "INFO"

    @property
    def database_url(self) -> str:
        """The database, or the embedded SQLite file in the data folder."""
        return self.database or f"sqlite:///{(self.data_dir / 'gateway.sqlite').resolve()}"

    @property
    def public_url(self) -> str:
        """The address clients use, without a slash at the end."""
        return (self.server_url or f"http://{self.listen}").rstrip("/")

    @property
    def is_loopback(self) -> bool:
        """Whether the server listens on this machine only."""
        return self.listen.rpartition(":")[0] in {"127.0.0.1", "localhost", "[::1]"}

    def deployment_secret(self) -> bytes:
        """Give the secret that ids, tokens and links are made with, created at first use.

        Losing or changing it changes the ids of all records received afterwards.
        """
        if self.secret:
            return self.secret.encode()
        path = self.data_dir / "secret"
        if not path.exists():
            self.data_dir.mkdir(parents=True, exist_ok=True)
            draft = path.with_name(f"secret.{os.getpid()}")
            draft.touch(mode=0o600)
            draft.write_text(secrets.token_urlsafe(48))
            try:
                os.link(draft, path)  # Two first starts at once agree on one secret.
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_bytes()


HELP: dict[str, str] = {
    "data_dir": "Folder of the embedded database, large messages and the deployment secret.",
    "database": "Database URL, sqlite:/// or postgresql:// (empty: SQLite in data_dir).",
    "listen": "HOST:PORT of the server.",
    "server_url": "Address that clients use when a proxy stands in front (empty: from listen).",
    "workers": "Server processes.",
    "threads": "Threads per server process.",
    "secret": "Deployment secret for ids, tokens and links (empty: kept in data_dir/secret).",
    "mappings": "Folders of mappings, separated by ':'.",
    "profiles": "Folders of FHIR profiles and terminology, separated by ':'.",
    "zone": "Time zone of pages and reports; records take theirs from channel and mapping.",
    "sandbox": "Serve without authentication, on loopback only.",
    "demo_links": "Allow signed links to single resources, on loopback only.",
    "update_as_create": "Let clients choose the id of a new resource by PUT.",
    "lenient_search": "Ignore unknown search parameters instead of refusing them.",
    "demand_if_match": "Refuse changes of existing resources that do not say If-Match (428).",
    "delete_multiple": "Let a conditional delete delete all that matches, not only a single one.",
    "cors_origins": "Origins whose browser pages may use the FHIR API, comma-separated; * for any.",
    "keep_done_days": "Days the bytes and lineage of done messages are kept (0: for ever).",
    "keep_parked_days": "Days the bytes of parked messages are kept (0: for ever).",
    "keep_audit_days": "Days the audit trail is kept (0: for ever); the law asks for 180 at least.",
    "max_message_bytes": "Largest native message accepted.",
    "max_body_bytes": "Largest FHIR request body accepted.",
    "max_bundle_entries": "Most entries accepted in one Bundle.",
    "token_lifetime_s": "Seconds until an access token expires.",
    "trusted_issuer": "Name (iss) of an OpenID provider whose access tokens are taken too.",
    "trusted_keys": "Address of that provider's key set (https).",
    "trusted_audience": "Our own name (aud) in its tokens (empty: the address of the FHIR API).",
    "requests_per_minute": "Requests of one client to one server process (0: no limit); then 429.",
    "failed_logins_per_minute": "Wrong secrets of one client and address, per process (0: any).",
    "allowed_networks": "Networks notices may be sent to besides public ones, comma-separated.",
    "log_level": "DEBUG, INFO, WARNING or ERROR.",
}


def load_settings(
    environ: Mapping[str, str] = os.environ,
    *,
    config: Path | None = None,
    **overrides: Any,
) -> Settings:
    """Read the settings; raise GW-1010 (unknown name), GW-1011 (a value that does not fit)."""
    path = config or (Path(environ["GATEWAY_CONFIG"]) if environ.get("GATEWAY_CONFIG") else None)
    values: dict[str, Any] = {}
    if path:
        values |= tomllib.loads(path.read_text(encoding="utf-8"))
    prefix = "GATEWAY_"
    values |= {
        name.removeprefix(prefix).lower(): value
        for name, value in environ.items()
        if name.startswith(prefix) and name not in {"GATEWAY_CONFIG", "GATEWAY_TEST_DATABASE"}
    }
    values |= {name: value for name, value in overrides.items() if value is not None}
    known = {field.name: field for field in fields(Settings)}
    for name in values:
        if name not in known:
            raise GatewayError("GW-1010", name=name)
    kinds = {name: type(getattr(Settings(), name)) for name in known}
    return replace(
        Settings(), **{name: _typed(name, kinds[name], value) for name, value in values.items()}
    )


def _typed(name: str, kind: type, value: Any) -> Any:
    if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    text = str(value).strip()
    if kind is bool and text.lower() in {"1", "true", "yes", "on", "0", "false", "no", "off"}:
        return text.lower() in {"1", "true", "yes", "on"}
    if kind is int and text.isdecimal():
        return int(text)
    if kind is str:
        return text
    if issubclass(kind, Path):
        return Path(text)
    raise GatewayError("GW-1011", name=name, kind=kind.__name__)
