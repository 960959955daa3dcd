"""What the gateway signs for itself: links to single resources, and continuations of pages.

A link opens one resource, read-only, for ten minutes, for a browser without a token. It carries
whose eyes it reads with; the page reads through the store with that member's visibility, so a
link never shows more than the member may see when it is opened.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.errors import GatewayError

LIFETIME = timedelta(minutes=10)


class Seal:
    """Signs text for one purpose, so that it comes back unchanged from where it was handed out."""

    def __init__(self, secret: bytes, purpose: str) -> None:
        self._key = hmac.digest(secret, f"gateway/{purpose}/1".encode(), hashlib.sha256)

    def close(self, content: str) -> str:
        """Give the content with its signature as one word that fits into an address."""
        payload = content.encode()
        return f"{_text(payload)}.{_text(self._mac(payload))}"

    def open(self, token: str) -> str | None:
        """Give the content of a word that this seal made; None for any other."""
        try:
            payload_text, _, mac_text = token.partition(".")
            payload, mac = _octets(payload_text), _octets(mac_text)
        except ValueError:
            return None
        return payload.decode() if hmac.compare_digest(mac, self._mac(payload)) else None

    def _mac(self, payload: bytes) -> bytes:
        return hmac.digest(self._key, payload, hashlib.sha256)


@dataclass(frozen=True, slots=True)
class Link:
    """What a signed link opens, and for which member's eyes."""

    shard: int
    member: str
    type: str
    id: str
    expires: int


class LinkSigner:
    """Signs and verifies the links of one deployment."""

    def __init__(self, secret: bytes) -> None:
        self._seal = Seal(secret, "signed-link")

    def sign(self, shard: int, member: str, type_: str, id_: str, now_utc: datetime) -> str:
        """Give the token of a link to one resource."""
        expires = int((now_utc + LIFETIME).timestamp())
        return self._seal.close(f"{shard}|{member}|{type_}|{id_}|{expires}")

    def verify(self, token: str, now_utc: datetime) -> Link:
        """Read a link's token; raise GW-8006 when it was changed or has expired."""
        content = self._seal.open(token)
        if content is None:
            raise GatewayError("GW-8006")
        shard, member, type_, id_, expires = content.split("|")
        if int(expires) < now_utc.timestamp():
            raise GatewayError("GW-8006")
        return Link(int(shard), member, type_, id_, int(expires))


def _text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def _octets(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
