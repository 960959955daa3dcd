"""Bad input of every kind at every entrance: a clear refusal, and the server stays well."""

import re
import socket
import time
from collections.abc import Callable, Iterator

import pytest
import requests

from gateway.cli.demo.peers import END, START, send_mllp
from gateway.cli.demo.world import World, record
from gateway.records import Format
from tests.support.bad_input import ANYWHERE, NO_ROWS, heavy, spoiled
from tests.support.loads import result_message
from tests.support.refusals import told_wrong
from tests.support.worlds import running_world

TOWNSHIP, COUNTY = "qs-township", "qs-county"
CHANNELS: dict[Format, tuple[str, str]] = {
    "rows": ("qs-township-referral", TOWNSHIP),
    "hl7v2": ("qs-county-adt", COUNTY),
    "xml": ("qs-county-documents", COUNTY),
    "json": ("qs-county-nhsa", COUNTY),
}
FORMATS = tuple(CHANNELS)
JSON, XML = "application/fhir+json", "application/fhir+xml"
_NUMBER = re.compile(r"GW-\d{4}")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_world(tmp_path_factory.mktemp("bad")) as world:
        yield world


@pytest.fixture
def world(running: World) -> Iterator[World]:
    """The server; it must answer a normal request after every test and have logged no bug."""
    yield running
    assert running.server is not None
    assert running.server.poll() is None
    assert running.ask(COUNTY, "GET", "Organization?_count=1").status_code == 200
    assert running.http.get(f"{running.url}/readyz", timeout=5).status_code == 200
    log = (running.data_dir / "server.log").read_text("utf-8", "replace")
    assert "Traceback" not in log
    assert "our own bug" not in log
    for secret in ("林桂芳", "420300196205143622", "13800006214", "LIN GUIFANG"):
        assert secret not in log


def send(world: World, member: str, path: str, body: bytes, **headers: str) -> requests.Response:
    """Send any body as a member."""
    sent = {"Authorization": f"Bearer {world.tokens[member]}", **headers}
    return world.http.post(f"{world.url}{path}", data=body, headers=sent, timeout=60)


@pytest.mark.parametrize("format_", FORMATS)
def test_the_intake_refuses_bad_records(world: World, format_: Format) -> None:
    channel, member = CHANNELS[format_]
    wrong = {}
    for kind, body in (*ANYWHERE.items(), *spoiled(format_)):
        if format_ == "rows" and kind in ANYWHERE and kind not in NO_ROWS:
            assert send(world, member, f"/intake/{channel}?wait=true", body).status_code < 500
            continue
        if found := told_wrong(send(world, member, f"/intake/{channel}?wait=true", body)):
            wrong[kind] = found
    assert wrong == {}


@pytest.mark.parametrize("format_", FORMATS)
def test_a_corrected_file_that_is_bad_itself_is_refused(world: World, format_: Format) -> None:
    channel, member = CHANNELS[format_]
    _, broken = next(spoiled(format_))
    told = send(world, member, f"/intake/{channel}?wait=true", broken).json()
    assert told["status"] == "parked"
    path = f"/intake/messages/{told['message']}/replay"
    wrong = {}
    for kind, body in (*ANYWHERE.items(), *spoiled(format_)):
        if format_ == "rows" and kind in ANYWHERE and kind not in NO_ROWS:
            continue
        if found := told_wrong(send(world, member, path, body)):
            wrong[kind] = found
    assert wrong == {}
    for other in ("nothing", "%00", "%ff%fe", "x" * 5000, "..%2f..%2fetc"):
        answer = send(world, member, f"/intake/messages/{other}/replay", broken)
        assert told_wrong(answer) is None, other


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/fhir/Patient"),
        ("PUT", "/fhir/Patient/someone"),
        ("PATCH", "/fhir/Patient/someone"),
        ("POST", "/fhir"),
        ("POST", "/fhir/Patient/$validate"),
    ],
)
@pytest.mark.parametrize("content_type", [JSON, XML])
def test_the_fhir_interface_refuses_bad_bodies(
    world: World, method: str, path: str, content_type: str
) -> None:
    wrong = {}
    kinds = (*ANYWHERE.items(), *spoiled("json"), *spoiled("xml"))
    for kind, body in kinds:
        answer = world.http.request(
            method,
            world.url + path,
            data=body,
            headers={
                "Authorization": f"Bearer {world.tokens[COUNTY]}",
                "Content-Type": content_type,
            },
            timeout=60,
        )
        if path.endswith("$validate") and answer.status_code == 200:
            severities = {one["severity"] for one in answer.json()["issue"]}
            if not severities & {"error", "fatal"}:
                wrong[kind] = "found valid"
        elif found := told_wrong(answer):
            wrong[kind] = found
    assert wrong == {}


@pytest.mark.parametrize(
    "target",
    [
        "/fhir/Patient?name=%zz%",
        "/fhir/Patient?name=%ff%fe",
        "/fhir/Patient?%00=%00",
        "/fhir/Patient?name=%ed%a0%80",
        "/fhir/Patient?_count=99999999999999999999999",
        "/fhir/Patient?birthdate=" + "9" * 5000,
        "/fhir/Patient?_sort=" + "," * 3000,
        "/fhir/Patient?" + "&".join(f"name={number}" for number in range(3000)),
        "/fhir/Patient/%ff%fe",
        "/fhir/Patient/%00",
        "/fhir/%zz",
        "/fhir/Patient/../../etc/passwd",
        "/view/" + "A" * 5000,
        "/view/%ff%fe.%00",
        "/view/....",
        "/view/4pyT.4pyT",
        "/view/é.é",
    ],
    ids=lambda target: target[:40],
)
def test_a_bad_address_never_breaks_the_server(world: World, target: str) -> None:
    request = (
        f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        f"Authorization: Bearer {world.tokens[COUNTY]}\r\n\r\n"
    )
    answer = raw_exchange(world.port, request.encode("utf-8"))
    assert re.match(rb"HTTP/1\.[01] (200|4\d\d) ", answer), answer[:300]


@pytest.mark.parametrize(
    "head",
    [
        b"GET /fhir/metadata HTTP/1.1\r\nHost: x\r\nX-Big: " + b"x" * 5_000_000 + b"\r\n\r\n",
        b"GET /fhir/metadata HTTP/1.1\r\nHost: x\r\n" + b"X-Many: x\r\n" * 50_000 + b"\r\n",
        b"GET " + b"/x" * 1_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /intake/qs-county-adt HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /intake/qs-county-adt HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
        b"\x00" * 5000 + b"\r\n\r\n",
    ],
    ids=["header", "headers", "address", "length", "chunks", "tls", "nulls"],
)
def test_a_monstrous_head_is_refused_or_cut(world: World, head: bytes) -> None:
    answer = raw_exchange(world.port, head, is_ended=True)
    assert not answer or re.match(rb"HTTP/1\.[01] 4\d\d ", answer), answer[:300]


@pytest.mark.parametrize(
    "form",
    [
        "name=" + ",".join(["x"] * 3000),
        "identifier=" + ",".join(f"urn:x|{number}" for number in range(40_000)),
        "_id=" + ",".join(str(number) for number in range(40_000)),
        "birthdate=" + ",".join(["ge2020"] * 3000),
        "&".join(f"name={number}" for number in range(60)),
        "_has:Observation:patient:" * 50 + "code=x",
        "organization." * 200 + "name=x",
        "name:contains=" + "x" * 500_000,
        "%" * 10_000,
        "\x00=\x00&name=\x00",
    ],
    ids=lambda form: form[:30],
)
def test_a_monstrous_search_is_answered_or_refused(world: World, form: str) -> None:
    answer = send(
        world,
        COUNTY,
        "/fhir/Patient/_search",
        form.encode(),
        **{"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code == 200 or told_wrong(answer) is None


def raw_exchange(port: int, octets: bytes, *, is_ended: bool = False) -> bytes:
    """Send octets as they are and give what comes back until the server closes.

    ``is_ended`` says that nothing more is to come, where the server could wait for more.
    """
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        try:
            connection.sendall(octets)
            if is_ended:
                connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65536):
                answer += part
        except OSError:
            return answer  # Cut off amid it.
    return answer


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "application/json", ""]
)
def test_the_token_address_refuses_bad_forms(world: World, content_type: str) -> None:
    bodies = [*ANYWHERE.values(), b"grant_type=%zz&client_id=%ff", b"&" * 100_000, b"x" * 1_000_000]
    for body in bodies:
        answer = world.http.post(
            f"{world.url}/oauth/token",
            data=body,
            headers={"Content-Type": content_type},
            timeout=30,
        )
        assert 400 <= answer.status_code < 500, answer.text[:200]
        told = answer.json()
        assert told["error"]
        assert _NUMBER.search(told["error_description"])


@pytest.mark.parametrize(
    "authorization",
    ["Basic", "Basic !!!", "Basic /////w==", "Bearer \x7f", "Basic " + "QTpC" * 3000],
)
def test_bad_credentials_are_refused(world: World, authorization: str) -> None:
    answer = world.http.post(
        f"{world.url}/oauth/token",
        data={"grant_type": "client_credentials"},
        headers={"Authorization": authorization},
        timeout=30,
    )
    assert 400 <= answer.status_code < 500
    answer = world.http.get(
        f"{world.url}/fhir/Patient", headers={"Authorization": authorization}, timeout=30
    )
    assert 400 <= answer.status_code < 500


def test_the_mllp_entrance_answers_bad_messages_with_a_refusal(world: World) -> None:
    wrong = {}
    for kind, body in (*ANYWHERE.items(), *spoiled("hl7v2")):
        try:
            answer = send_mllp(world.mllp_ports["qs-county-adt"], body, 10)
        except ConnectionError:
            wrong[kind] = "closed without an answer"
            continue
        if not re.search(rb"\rMSA\|(AR|AE|CR|CE)\|", answer):
            wrong[kind] = answer.decode("utf-8", "replace")[:300]
        elif not _NUMBER.search(answer.decode("utf-8", "replace")):
            wrong[kind] = f"no number: {answer.decode('utf-8', 'replace')[:300]}"
    assert wrong == {}


def test_a_slow_peer_and_a_broken_frame_hold_up_nobody(world: World) -> None:
    address = ("127.0.0.1", world.mllp_ports["qs-township-lab"])
    peers = [socket.create_connection(address, timeout=10) for _ in range(20)]
    try:
        for number, peer in enumerate(peers):
            peer.sendall((START + b"MSH|^~\\&|", b"stray", END, START + START)[number % 4])
        answer = world.send_mllp("qs-township-lab", result_message(1))
        assert re.search(rb"MSA\|(AA|CA)\|LIS000000000001", answer)
    finally:
        for peer in peers:
            peer.close()


def test_an_endless_frame_is_cut_off_at_the_limit(world: World) -> None:
    piece = b"x" * 1_000_000
    sent = 0
    with socket.create_connection(
        ("127.0.0.1", world.mllp_ports["qs-county-adt"]), timeout=10
    ) as peer:
        peer.sendall(START)
        try:
            while sent < 200:
                peer.sendall(piece)
                sent += 1
        except ConnectionError:
            pass
    assert sent < 120


@pytest.mark.parametrize("format_", FORMATS)
def test_heavy_records_are_refused(
    world: World, format_: Format, record_property: Callable[[str, object], None]
) -> None:
    channel, member = CHANNELS[format_]
    wrong = {}
    for kind, body in heavy(format_):
        began = time.monotonic()
        answer = send(world, member, f"/intake/{channel}?wait=true", body)
        seconds = time.monotonic() - began
        record_property(f"{format_}: {kind}", round(seconds, 2))
        print(f"{format_}: {kind}: {seconds:.2f} s")
        if (format_, kind) != ("rows", "50 MB of nothing") and (found := told_wrong(answer)):
            wrong[kind] = found
    assert wrong == {}


def test_a_body_above_the_limit_is_refused_at_every_entrance(world: World) -> None:
    body = b" " * 50_000_001
    for channel, member in CHANNELS.values():
        assert told_wrong(send(world, member, f"/intake/{channel}", body)) is None
    for path in ("/fhir/Patient", "/fhir", "/fhir/Patient/$validate"):
        answer = send(world, COUNTY, path, body, **{"Content-Type": JSON})
        assert answer.status_code == 413
        assert told_wrong(answer) is None
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert world.http.post(f"{world.url}/oauth/token", data=body, headers=form).status_code == 413


def test_heavy_resources_are_refused(
    world: World, record_property: Callable[[str, object], None]
) -> None:
    bodies = {
        "3 MB of names": b'{"resourceType":"Patient","name":['
        + b'{"text":"x"},' * 200_000
        + b'{"text":7}]}',
        "18 MB of names": b'{"resourceType":"Patient","name":[' + b'{"text":"x"},' * 1_400_000,
        "18 MB, valid but empty": b'{"resourceType":"Patient","name":['
        + b"{}," * 6_000_000
        + b"{}]}",
        "18 MB of unknown elements": b'{"resourceType":"Patient"'
        + b"".join(b',"x%d":1' % number for number in range(1_500_000))
        + b"}",
        "5 MB with a key twice": b'{"resourceType":"Patient","name":['
        + b'{"text":"x"},' * 400_000
        + b'{"text":"x","text":"x"}]}',
        "4 MB, cut off": b'{"resourceType":"Patient","name":[' + b'{"text":"x"},' * 300_000,
        "4 MB with half a character": b'{"resourceType":"Patient","name":['
        + b'{"text":"x"},' * 300_000
        + b'{"text":"\\ud800"}]}',
        "18 MB of wrong entries": b'{"resourceType":"Bundle","type":"transaction","entry":['
        + b"{}," * 6_000_000
        + b"{}]}",
    }
    for kind, body in bodies.items():
        path = "/fhir" if "Bundle" in str(body[:40]) else "/fhir/Patient"
        began = time.monotonic()
        answer = send(world, COUNTY, path, body, **{"Content-Type": JSON})
        seconds = time.monotonic() - began
        record_property(f"FHIR: {kind}", round(seconds, 2))
        print(f"FHIR: {kind}: {seconds:.2f} s, {len(answer.content)} octets")
        assert told_wrong(answer) is None, kind


def test_the_good_records_are_still_taken(world: World) -> None:
    told = world.send("qs-township-referral", record("referral.csv"))
    assert [one["status"] for one in told["records"]] == ["stored"]
