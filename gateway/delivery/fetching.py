"""Read what lies at an address that somebody else named: checked, pinned, small, quick."""

from time import monotonic

import requests

from gateway.delivery.addresses import AddressGuard, Pinned
from gateway.delivery.sender import PinnedAdapter
from gateway.errors import GatewayError

_CONNECT_S, _READ_S, _WHOLE_S = 3.0, 5.0, 10.0
_CHUNK = 16_384


def fetch(guard: AddressGuard, url: str, *, largest: int = 200_000) -> bytes:
    """Give the body at a URL; no redirect is followed, no proxy asked.

    Raises what the guard raises, GW-6104 where the host does not answer, GW-6105 for another
    answer than 200, GW-6108 for a certificate that does not hold, GW-6112 for too much
    or too slow, GW-6111 without encryption outside of the operator's own networks.
    """
    pinned = guard.check(url)
    if pinned.scheme != "https" and not guard.lists(pinned.address):
        raise GatewayError("GW-6111", host=pinned.host)
    session = requests.Session()
    session.trust_env = False
    session.mount(f"{pinned.scheme}://", PinnedAdapter(pinned))
    headers = {"Host": pinned.authority, "Accept": "application/json", "Accept-Encoding": ""}
    try:
        with session.get(
            url,
            headers=headers,
            timeout=(_CONNECT_S, _READ_S),
            allow_redirects=False,
            stream=True,
        ) as answer:
            return _body(answer, pinned, largest)
    except requests.exceptions.SSLError as err:
        raise GatewayError("GW-6108", host=pinned.host) from err
    except requests.exceptions.RequestException as err:
        raise GatewayError("GW-6104", host=pinned.host, cause=type(err).__name__) from err
    finally:
        session.close()


def _body(answer: requests.Response, pinned: Pinned, largest: int) -> bytes:
    if answer.status_code != 200:
        raise GatewayError("GW-6105", host=pinned.host, status=answer.status_code)
    body, end = b"", monotonic() + _WHOLE_S
    for part in answer.iter_content(_CHUNK):
        body += part
        if len(body) > largest or monotonic() > end:
            raise GatewayError("GW-6112", host=pinned.host, largest=largest)
    return body
