"""The SOAP entrance as a public client reads its WSDL and calls it, and what it refuses."""

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
import zeep
import zeep.exceptions
from lxml import etree

from gateway.cli.demo.world import record
from gateway.wiring import build_runtime
from tests.support.worlds import seeded_world

CHANNEL = "qs-township-referral"
NAMES = {"r": "https://consortium-fhir.cn/soap"}
CALL = (
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
    '<HIPMessageServer xmlns="urn:any"><action>SendReferral</action><message>{}</message>'
    "</HIPMessageServer></e:Body></e:Envelope>"
)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, requests.Session]]:
    """A served township's channel, and a session that signs in by HTTP Basic."""
    folder: Path = tmp_path_factory.mktemp("soap")
    with seeded_world(folder, mappings="mappings/township-bsoft") as world:
        runtime = build_runtime(world.settings)
        channel = runtime.store.registry.channel(CHANNEL)
        actions = {"soap": {"actions": {"SendReferral": CHANNEL}}}
        runtime.store.registry.add_channel(replace(channel, options={**channel.options, **actions}))
        runtime.close()
        world.start()
        with requests.Session() as signed:
            signed.auth = ("qs-township-his", world.secrets["qs-township"])
            yield f"{world.url}/soap/{CHANNEL}", signed


Served = tuple[str, requests.Session]


def client(session: Served, port: str) -> Any:
    url, signed = session
    made = zeep.Client(f"{url}?wsdl", transport=zeep.Transport(session=signed))
    return made.bind("Hip", port).HIPMessageServer


@pytest.mark.parametrize("port", ["Hips11", "Hips12"])
def test_a_public_client_sends_a_referral_by_the_wsdl(session: Served, port: str) -> None:
    told = client(session, port)(
        action="SendReferral", message=record("referral.csv").decode("gb18030")
    )
    answer = etree.fromstring(told)
    assert answer.findtext("success") == "AA"
    assert answer.findtext("messageId")


def test_a_parked_record_is_answered_with_its_number_and_no_fault(session: Served) -> None:
    broken = record("referral.csv").decode("gb18030").replace(",E20610077,", ",")
    answer = etree.fromstring(client(session, "Hips11")(action="SendReferral", message=broken))
    assert answer.findtext("success") == "AE"
    assert "GW-2501" in (answer.findtext("msg") or "")


@pytest.mark.parametrize("port", ["Hips11", "Hips12"])
def test_an_unknown_action_is_a_fault_of_the_caller(session: Served, port: str) -> None:
    with pytest.raises(zeep.exceptions.Fault, match="GW-1071"):
        client(session, port)(action="Other", message="x")


def test_a_call_in_gbk_by_its_content_type_is_read(session: Served) -> None:
    url, signed = session
    text = record("referral.csv").decode("gb18030").replace("ZZ20261102001", "ZZ20261102009")
    sent = signed.post(
        url,
        data=CALL.format(f"<![CDATA[{text}]]>").encode("gbk"),
        headers={"Content-Type": "text/xml; charset=gbk"},
        timeout=30,
    )
    assert sent.status_code == 200
    assert "AA" in str(etree.fromstring(sent.content).findtext(".//r:payload", "", NAMES))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not xml",
        b"<a/>",
        b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        b'<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"/>',
        CALL.replace("HIPMessageServer", "DropTables").encode(),
        CALL.replace("<action>SendReferral</action>", "").encode(),
    ],
)
def test_what_is_no_call_is_a_fault_and_nothing_is_kept(session: Served, body: bytes) -> None:
    url, signed = session
    told = signed.post(url, data=body, headers={"Content-Type": "text/xml"}, timeout=30)
    assert told.status_code == 500
    assert "GW-107" in str(etree.fromstring(told.content).findtext(".//faultstring"))


def test_a_stranger_gets_a_fault_with_401(session: Served) -> None:
    url, _ = session
    for secret in (None, "wrong"):
        basic = base64.b64encode(f"qs-township-his:{secret}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}"} if secret else {}
        told = requests.post(url, data=CALL.encode(), headers=headers, timeout=30)
        assert told.status_code == 401
        assert b"faultstring" in told.content


def test_a_channel_of_another_member_is_none(session: Served) -> None:
    url, signed = session
    told = signed.post(url.replace(CHANNEL, "qs-county-adt"), data=CALL.encode(), timeout=30)
    assert told.status_code >= 400
    assert b"GW-" in told.content
