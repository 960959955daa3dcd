"""By HTTP POST, or as a call of ``HIPMessageServer``; signed like every notice."""

from collections.abc import Callable
from time import monotonic

import requests

from gateway.carriers.outgoing.native import Native, judged, unreadable
from gateway.carriers.outgoing.options import Post
from gateway.delivery import Answered, Failed, Letter, Sender
from gateway.delivery.addresses import Pinned
from gateway.delivery.sender import judge_status
from gateway.errors import GatewayError
from gateway.formats import soap
from gateway.formats.hl7v2_answer import read_acknowledgement

MAX_BYTES = 1_000_000
READ_S = 30.0


class PostWay:
    """One address of a receiver; 2xx takes the record, of a web service its answer's code does."""

    def __init__(self, post: Post, sender: Sender, secret: bytes) -> None:
        self._post, self._sender, self._secret = post, sender, secret

    def hand(self, key: str, make: Callable[[], Native]) -> Answered:
        """Send the record and read the answer."""
        record = make()
        said = self._post.authorization
        headers = (("Authorization", said),) if said else ()
        if self._post.action is None:
            kind = self._post.content_type or record.media_type
            body = record.content
            return self._sender.call(
                Letter(self._post.url, self._secret, key, body, content_type=kind, headers=headers)
            )
        body = soap.call(self._post.version, self._post.action, record.text)
        if self._post.version == "1.1":
            headers = (*headers, ("SOAPAction", f'"{soap.OPERATION}"'))
        kind = soap.content_type(self._post.version)
        letter = Letter(self._post.url, self._secret, key, body, content_type=kind, headers=headers)
        return self._sender.call(letter, lambda response, to: _judge(response, to, key))


def _judge(response: requests.Response, to: Pinned, key: str) -> Answered:
    """Read the code of ``<res>``, of an HL7 v2 acknowledgement, or of a fault."""
    if response.status_code not in {200, 202, 400, 500}:
        return judge_status(response, to)
    try:
        text = soap.read_answer(_body(response), response.encoding)
    except GatewayError:
        is_taken = 200 <= response.status_code < 300
        return unreadable(to.host) if is_taken else judge_status(response, to)
    if text in {"Client", "Sender", "MustUnderstand", "VersionMismatch", "DataEncodingUnknown"}:
        return Failed(GatewayError("GW-6121", host=to.host, code=text), is_permanent=True)
    if response.status_code >= 400:
        return Failed(GatewayError("GW-6120", host=to.host, code=text[:40]), is_permanent=False)
    told = read_acknowledgement(text.strip().encode())
    if told is not None:
        is_ours = told.control_id == key
        return judged(told.code, to.host, told.condition) if is_ours else unreadable(to.host)
    try:
        return judged(soap.read_result(text), to.host)
    except GatewayError:
        return unreadable(to.host)


def _body(response: requests.Response) -> bytes:
    """Read the answer up to a limit of size and time; what lies beyond makes it unreadable."""
    deadline = monotonic() + READ_S
    body = bytearray()
    for part in response.iter_content(16_384):
        body += part
        if len(body) > MAX_BYTES or monotonic() > deadline:
            break
    return bytes(body)
