"""Public keys of clients: which ones may sign, read from a JSON Web Key Set (RFC 7517).

A set that lies at an address is asked for again when it is old or lacks a key, so a client's keys
change without anybody telling us.
"""

import json
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from gateway.errors import GatewayError
from gateway.telemetry import log

LOG = log("keys")

Key = RSAKey | ECKey
Fetch = Callable[[str], bytes]
"""Gives what lies at an address; raises GatewayError."""

ALGORITHMS = ("RS384", "ES384")
_CURVES = {"P-256": "ES256", "P-384": "ES384"}
_SHORTEST_MODULUS = 342
"""Characters of base64url that 2048 bits take."""
_SMALLEST_RSA, _LARGEST_RSA = 2048, 8192
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "k"})


def read_keys(text: bytes | str, algorithms: Collection[str] = ALGORITHMS) -> dict[str, Key]:
    """Give the keys of a set that may sign, by their ``kid``; raise GW-8018 when there is none.

    Keys of other kinds are passed over (RFC 7517 section 5), a private one is refused (GW-8019).
    """
    try:
        listed = json.loads(text)["keys"]
    except (ValueError, KeyError, TypeError, RecursionError) as err:
        raise GatewayError("GW-8018") from err
    if not isinstance(listed, list):
        raise GatewayError("GW-8018")
    found: dict[str, Key] = {}
    for jwk in listed:
        if not isinstance(jwk, dict):
            raise GatewayError("GW-8018")
        if _PRIVATE & jwk.keys():
            raise GatewayError("GW-8019")
        key = read_key(jwk, algorithms)
        if key is None:
            continue
        if jwk["kid"] in found:
            raise GatewayError("GW-8018")
        found[jwk["kid"]] = key
    if not found:
        raise GatewayError("GW-8018")
    return found


def read_key(jwk: Mapping[str, object], algorithms: Collection[str]) -> Key | None:
    """Give a key that may sign by one of the algorithms; None for others.

    RSA has 2048 to 8192 bits, EC the curve of its algorithm, and each an id.
    """
    kid, alg = jwk.get("kid"), jwk.get("alg")
    is_named = isinstance(kid, str) and 0 < len(kid) <= 200
    if not is_named or jwk.get("use", "sig") != "sig" or alg not in (None, *algorithms):
        return None
    plain: dict[str, str | list[str]] = {
        name: value for name, value in jwk.items() if isinstance(value, str)
    }
    try:
        if plain.get("kty") == "RSA" and (alg is None or str(alg).startswith("RS")):
            if len(str(plain.get("n", ""))) < _SHORTEST_MODULUS:
                return None
            rsa = RSAKey.import_key(plain)
            is_strong = _SMALLEST_RSA <= rsa.public_key.key_size <= _LARGEST_RSA
            return rsa if is_strong else None
        fitting = _CURVES.get(str(plain.get("crv")))
        if plain.get("kty") == "EC" and fitting in algorithms and alg in (None, fitting):
            return ECKey.import_key(plain)
    except (JoseError, ValueError):
        return None
    return None


def public_text(key: Key) -> str:
    """Write a set of the one key as it is kept: its public part only."""
    return json.dumps({"keys": [key.as_dict(private=False)]}, sort_keys=True)


@dataclass(slots=True)
class _Kept:
    keys: dict[str, Key] = field(default_factory=dict)
    read: datetime | None = None
    tried: datetime | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class KeySets:
    """The key sets that lie at addresses, as they were last read by this process."""

    _FRESH = timedelta(minutes=5)
    _AGAIN = timedelta(seconds=15)
    _LONGEST = timedelta(hours=1)
    _MOST = 1_000
    _PATIENCE_S = 0.5

    def __init__(
        self,
        fetch: Fetch | None,
        clock: Callable[[], datetime],
        algorithms: Collection[str] = ALGORITHMS,
    ) -> None:
        self._fetch, self._clock, self._algorithms = fetch, clock, algorithms
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    def key(self, address: str, kid: str) -> Key | None:
        """Give a key of the set at an address.

        The set is read again after five minutes, or for an unknown key at most every 15 seconds.
        Where it cannot be read, what was read holds for an hour from then.
        """
        with self._lock:
            if len(self._kept) >= self._MOST:
                self._kept.clear()
            kept = self._kept.setdefault(address, _Kept())
        now = self._clock()
        # One thread asks; where that takes long, the others go on with what there is.
        if kept.lock.acquire(timeout=self._PATIENCE_S):
            try:
                self._refresh(address, kid, kept, now)
            finally:
                kept.lock.release()
        is_kept = kept.read is not None and now - kept.read < self._LONGEST
        return kept.keys.get(kid) if is_kept else None

    def _refresh(self, address: str, kid: str, kept: _Kept, now: datetime) -> None:
        is_fresh = kept.read is not None and now - kept.read < self._FRESH
        is_due = kept.tried is None or now - kept.tried >= self._AGAIN
        if is_due and not (is_fresh and kid in kept.keys):
            self._read(address, kept, now)

    def _read(self, address: str, kept: _Kept, now: datetime) -> None:
        kept.tried = now
        if self._fetch is None:
            return
        try:
            kept.keys, kept.read = read_keys(self._fetch(address), self._algorithms), now
        except GatewayError as error:
            LOG.warning("key set not read", address=address, error=error.number)
