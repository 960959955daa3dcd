"""Hand over what a relay holds: outgoing HTTPS only, each channel in the order of taking.

A message leaves the spool only after the gateway's receipt (202, or 200). Lost receipts mean that
it is sent again and known there. What the gateway refuses for good is set aside and its channel
goes on; everything else (no line, 5xx, a token or a channel that an operator has to mend) waits.
"""

from dataclasses import dataclass

import requests

from gateway.carriers.spool import Spool, Waiting
from gateway.errors import GatewayError
from gateway.telemetry import log

LOG = log("relay")
FINAL = frozenset({400, 413, 415, 422})
TIMEOUT_S = (10, 120)


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where to, and as which client of the member."""

    url: str
    client: str
    secret: str


class Forwarder:
    """A polled carrier in the other direction: ``poll`` sends what waits."""

    def __init__(self, spool: Spool, gateway: Gateway) -> None:
        self._spool, self._gateway = spool, gateway
        self._session = requests.Session()

    def poll(self) -> int:
        """Send what waits, each channel until it is empty; raise GW-1060 when one has to wait."""
        sent, failed = 0, None
        for channel in self._spool.channels():
            try:
                while (waiting := self._spool.oldest(channel)) is not None:
                    self._send(waiting)
                    sent += 1
            except GatewayError as error:
                if error.number != "GW-1060":
                    raise
                failed = error  # Its own channel waits; the others go on.
        if failed is not None:
            raise failed
        return sent

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _send(self, waiting: Waiting) -> None:
        status = self._post(waiting)
        if status == 401:
            self._session.headers.pop("Authorization", None)
            status = self._post(waiting)
        if status in {200, 202}:
            self._spool.done(waiting.number)
        elif status in FINAL:
            LOG.warning("message refused", channel=waiting.channel, status=status)
            self._spool.refuse(waiting.number, f"HTTP {status}")
        else:
            raise GatewayError("GW-1060", url=self._gateway.url, reason=f"HTTP {status}")

    def _post(self, waiting: Waiting) -> int:
        try:
            if "Authorization" not in self._session.headers:
                self._sign_in()
            answer = self._session.post(
                f"{self._gateway.url}/intake/{waiting.channel}",
                data=waiting.raw,
                headers={"Content-Type": "application/octet-stream"},
                timeout=TIMEOUT_S,
                allow_redirects=False,
            )
        except requests.RequestException as err:
            raise self._away(type(err).__name__) from err
        return answer.status_code

    def _sign_in(self) -> None:
        answer = self._session.post(
            f"{self._gateway.url}/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(self._gateway.client, self._gateway.secret),
            timeout=TIMEOUT_S,
            allow_redirects=False,
        )
        if answer.status_code != 200:
            raise self._away(f"oauth/token: HTTP {answer.status_code}")
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def _away(self, reason: str) -> GatewayError:
        return GatewayError("GW-1060", url=self._gateway.url, reason=reason)
