"""Play the county: every hospital's system sends by its own carrier, at once and in order.

Each goes on where the gateway was not to be reached: nothing is left out, a message may be sent
twice. What a carrier has taken is noted, so a second run begins where the first was stopped.
"""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import requests
import yaml
from sqlalchemy import create_engine, text

from gateway.carriers.view_options import view_options
from gateway.cli.demo.peers import send_mllp
from gateway.cli.sandbox.hospitals import HOSPITALS
from gateway.cli.sandbox.writing import CONSORTIUM, MANIFEST, read_lines
from gateway.errors import GatewayError

Send = Callable[[dict[str, Any], bytes], None]
CLIENTS = "clients.json"
_SOAP = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
    '<HIPMessageServer xmlns="urn:hl7-org:v3"><action>{action}</action>'
    "<message>{message}</message></HIPMessageServer></s:Body></s:Envelope>"
)
_PAUSE_S = 1.0


@dataclass(slots=True)
class County:
    """A written sandbox and the gateway that it is played against."""

    folder: Path
    url: str
    patience_s: float
    advance: Callable[[int], None]

    def channels(self) -> dict[str, dict[str, Any]]:
        """Give the description of each channel."""
        described = yaml.safe_load((self.folder / CONSORTIUM).read_text("utf-8"))
        return {one["id"]: one for one in described["channels"]}

    def credentials(self, member: str) -> tuple[str, str]:
        """Give the client of a member with its secret."""
        client, secret = json.loads((self.folder / CLIENTS).read_text("utf-8"))[member]
        return client, secret


def play(county: County) -> None:
    """Send everything that was not sent yet; raise GW-1090 when a carrier had to give up."""
    queues: dict[str, list[dict[str, Any]]] = defaultdict(list)
    members = {id_: one["member"] for id_, one in county.channels().items()}
    for line in read_lines(county.folder / MANIFEST):
        queues[members[line["channel"]]].append(line)
    with ThreadPoolExecutor(len(HOSPITALS)) as pool:
        started = [
            pool.submit(_play_one, county, one.id, _SENDERS[one.carrier], queues[one.id])
            for one in HOSPITALS
        ]
        for future in started:
            future.result()


def _play_one(
    county: County,
    member: str,
    sender: Callable[[County, str], Send],
    queue: list[dict[str, Any]],
) -> None:
    mark = county.folder / f"sent-{member}"
    sent = int(mark.read_text()) if mark.exists() else 0
    county.advance(min(sent, len(queue)))
    send = sender(county, member)
    for number, line in enumerate(queue[sent:], sent + 1):
        raw = (county.folder / line["file"]).read_bytes()
        _insist(county, member, partial(send, line, raw))
        mark.write_text(str(number))
        county.advance(1)


def _insist(county: County, member: str, send: Callable[[], None]) -> None:
    """Send until it is taken; a gateway that is down for a while is waited for."""
    until = time.monotonic() + county.patience_s
    while True:
        try:
            return send()
        except (requests.RequestException, OSError) as error:
            if time.monotonic() > until:
                raise GatewayError("GW-1090", member=member, url=county.url) from error
            time.sleep(_PAUSE_S)


# ---------------------------------------------------------------- carriers


def _by_folder(county: County, _member: str) -> Send:
    channels = county.channels()

    def send(line: dict[str, Any], raw: bytes) -> None:
        place = Path(channels[line["channel"]]["options"]["folder"]["path"])
        place.mkdir(parents=True, exist_ok=True)
        name = Path(line["file"]).name
        unfinished = place / f"{name}.part"
        unfinished.write_bytes(raw)
        unfinished.rename(place / name)

    return send


def _by_view(county: County, member: str) -> Send:
    views = {
        id_: one["options"]["view"]
        for id_, one in county.channels().items()
        if "view" in one["options"]
    }
    options = {id_: view_options(view) for id_, view in views.items() if id_.startswith(member)}
    engine = create_engine(next(iter(options.values())).url)
    known: set[str] = set()

    def send(line: dict[str, Any], raw: bytes) -> None:
        table, row = options[line["channel"]].table, json.loads(raw)
        with engine.begin() as connection:
            if table not in known:
                columns = ", ".join(f"{name} VARCHAR(200)" for name in row)
                connection.execute(text(f"CREATE TABLE IF NOT EXISTS {table} ({columns})"))
                known.add(table)
            places = ", ".join(f":{name}" for name in row)
            connection.execute(text(f"INSERT INTO {table} VALUES ({places})"), row)  # noqa: S608 - names of our own.

    return send


def _by_soap(county: County, member: str) -> Send:
    session = requests.Session()
    session.auth = county.credentials(member)

    def send(line: dict[str, Any], raw: bytes) -> None:
        message = escape(raw.decode("utf-8-sig"))
        envelope = _SOAP.format(action=line["channel"], message=message).encode()
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}
        url = f"{county.url}/soap/{line['channel']}"
        _taken(session.post(url, data=envelope, headers=headers, timeout=60), {200, 400, 500})

    return send


def _by_mllp(county: County, _member: str) -> Send:
    ports = {
        id_: one["options"]["mllp"]["port"]
        for id_, one in county.channels().items()
        if "mllp" in one["options"]
    }
    return lambda line, raw: _acknowledged(send_mllp(ports[line["channel"]], raw))


def _by_http(county: County, member: str) -> Send:
    session = requests.Session()
    client, secret = county.credentials(member)

    def sign_in() -> None:
        form = {"grant_type": "client_credentials"}
        url = f"{county.url}/oauth/token"
        answer = session.post(url, data=form, auth=(client, secret), timeout=60)
        _taken(answer, {200})
        session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def send(line: dict[str, Any], raw: bytes) -> None:
        url = f"{county.url}/intake/{line['channel']}"
        if "Authorization" not in session.headers:
            sign_in()
        answer = session.post(url, data=raw, timeout=60)
        if answer.status_code == 401:
            sign_in()
            answer = session.post(url, data=raw, timeout=60)
        _taken(answer, {200, 202, 400, 422})

    return send


def _taken(answer: requests.Response, expected: set[int]) -> None:
    if answer.status_code not in expected:
        raise requests.HTTPError(f"{answer.status_code} from {answer.url}")


def _acknowledged(answer: bytes) -> None:
    if b"MSA|" not in answer:
        raise ConnectionError("no acknowledgement")


_SENDERS: dict[str, Callable[[County, str], Send]] = {
    "folder": _by_folder,
    "view": _by_view,
    "soap": _by_soap,
    "mllp": _by_mllp,
    "http": _by_http,
}


def messages(folder: Path) -> Iterator[dict[str, Any]]:
    """Give what is to be sent."""
    return read_lines(folder / MANIFEST)
