"""The guard against calling inside addresses: what a host name resolves to is checked and pinned.

Without it, a registered endpoint could make the gateway call the database, the cloud's metadata
service or a machine in the hospital's own network. The connection goes to the checked address,
so a name that changes between check and call gains nothing.
"""

import ipaddress
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from gateway.errors import GatewayError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], Iterable[str]]

# Where clouds tell a machine its own secrets: never called, whatever the settings allow.
_NEVER = frozenset(
    ipaddress.ip_address(text)
    for text in (
        *("169.254.169.254", "169.254.170.2", "169.254.170.23", "169.254.0.23", "fd00:ec2::254"),
        *("fd00:ec2::23", "100.100.100.200", "168.63.129.16", "192.0.0.192"),
    )
)
# Addresses that carry an IPv4 address inside (RFC 6052, 3056, 4380) are judged as what they carry.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Pinned:
    """A checked destination: the URL's parts and the address to connect to."""

    scheme: str
    host: str
    port: int
    address: str

    @property
    def authority(self) -> str:
        """Host and port as the Host header says them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (
            host if self.port == {"http": 80, "https": 443}[self.scheme] else f"{host}:{self.port}"
        )


def resolve_by_system(host: str, port: int) -> list[str]:
    """Resolve by the operating system's name service; raises OSError when it cannot."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class AddressGuard:
    """Allows public addresses and the networks named in the settings, nothing else."""

    def __init__(
        self, allowed: Sequence[Network] = (), resolve: Resolve = resolve_by_system
    ) -> None:
        """Take the networks allowed besides public ones."""
        self._allowed = tuple(allowed)
        self._resolve = resolve

    @classmethod
    def from_setting(cls, allowed_networks: str) -> "AddressGuard":
        """Read the comma-separated setting; raise GW-6107 for what is no network."""
        networks: list[Network] = []
        for text in filter(None, (part.strip() for part in allowed_networks.split(","))):
            try:
                networks.append(ipaddress.ip_network(text, strict=False))
            except ValueError as err:
                raise GatewayError("GW-6107", url=text) from err
        return cls(networks)

    def check(self, url: str) -> Pinned:
        """Resolve the URL's host and choose its address.

        Every address that the name has must be allowed: a name with one inside address is not
        trusted with the others. Raises GW-6107 (no usable URL), GW-6103 (no such name), GW-6102.
        """
        scheme, host, port = _parts(url)
        return Pinned(scheme, host, port, self.check_host(host, port))

    def check_host(self, host: str, port: int) -> str:
        """Resolve a host and choose its address; raise GW-6103, GW-6102 as ``check``."""
        try:
            addresses = [ipaddress.ip_address(_literal(a)) for a in self._resolve(host, port)]
        except (OSError, UnicodeError) as err:
            raise GatewayError("GW-6103", host=host) from err
        if not addresses:
            raise GatewayError("GW-6103", host=host)
        if not all(self.permits(address) for address in addresses):
            raise GatewayError("GW-6102", host=host)
        return str(addresses[0])

    def lists(self, address: str) -> bool:
        """Say whether an address lies in the operator's own networks."""
        carried = _carried(ipaddress.ip_address(address))
        return any(carried in network for network in self._allowed)

    def permits(self, address: Address) -> bool:
        """Say whether notices may go to an address."""
        address = _carried(address)
        if address in _NEVER:
            return False
        if any(address in network for network in self._allowed):
            return True
        return address.is_global and not address.is_multicast


def _parts(url: str) -> tuple[str, str, int]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as err:
        raise GatewayError("GW-6107", url=_shown(url)) from err
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        raise GatewayError("GW-6107", url=_shown(url))
    return parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80)


def _shown(url: str) -> str:
    """Show an address without what might be a password in it."""
    return url.rpartition("@")[2][:200]


def _literal(address: str) -> str:
    return address.partition("%")[0]  # The zone of a link-local address.


def _carried(address: Address) -> Address:
    if isinstance(address, ipaddress.IPv6Address):
        for carried in (address.ipv4_mapped, address.sixtofour):
            if carried is not None:
                return carried
        if address.teredo is not None:
            return address.teredo[1]
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
