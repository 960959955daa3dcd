"""HL7's own R4 examples are loaded through the API and read back equal, in JSON and in XML.

By default every 24th is taken, ``EXAMPLES=all`` takes them all. What breaks R4's own rules is named
with its reason in ``tests/unit/validation/test_official_examples.py``.
"""

import os
from pathlib import Path
from typing import Any

from lxml import etree

from gateway.fhir import codec, xml
from gateway.records import Json, Resource
from tests.support.consortium import Browser
from tests.unit.fhir.examples import needs_examples, paths
from tests.unit.validation.test_official_examples import REJECTED

pytestmark = needs_examples
_STEP = 1 if os.environ.get("EXAMPLES") == "all" else 24
_LARGEST = 900_000
_ASSIGNED = ("versionId", "lastUpdated")


def content(resource: Resource, id_: str) -> bytes:
    """Give what a client wrote: all but what the server assigns, in an order of its own."""
    meta = {key: value for key, value in resource.get("meta", {}).items() if key not in _ASSIGNED}
    rest = {key: value for key, value in resource.items() if key != "meta"}
    return codec.encode(ordered(rest | ({"meta": meta} if meta else {}) | {"id": id_}))


def ordered(value: Json, key: str = "") -> Json:
    """Sort the keys at every depth, for XML has an order of its own; take narratives as XML."""
    if isinstance(value, dict):
        return {name: ordered(value[name], name) for name in sorted(value)}
    if key == "div" and isinstance(value, str):
        return etree.tostring(etree.fromstring(value.encode()), method="c14n").decode()
    return [ordered(one) for one in value] if isinstance(value, list) else value


def taken() -> list[Path]:
    """Give the files of this run that are resources and may be stored."""
    named = {name for names in REJECTED.values() for name in names.split()}
    listed = [path for path in paths() if path.name not in {".index.json", "ig-r4.json"}][::_STEP]
    return [path for path in listed if path.stem not in named and path.stat().st_size < _LARGEST]


def test_every_official_example_comes_back_as_it_was_sent(county: Browser) -> None:
    sent: dict[str, str] = {"Content-Type": "application/fhir+json", "Prefer": "return=minimal"}
    wrong: dict[str, Any] = {}
    for path in taken():
        resource = codec.decode(path.read_bytes())
        made = county.ask(
            "POST", f"/{resource['resourceType']}", data=path.read_bytes(), headers=sent
        )
        if made.status_code != 201:
            wrong[path.name] = made.get_data(as_text=True)[:400]
            continue
        address = made.headers["Location"].partition("/fhir")[2].partition("/_history")[0]
        expected = content(resource, address.rpartition("/")[2])
        in_json = codec.decode(county.get(address).get_data())
        in_xml = xml.decode(county.get(f"{address}?_format=xml").get_data())
        if content(in_json, in_json["id"]) != expected:
            wrong[path.name] = "differs in JSON"
        elif content(in_xml, in_xml["id"]) != expected:
            wrong[path.name] = "differs in XML"
    assert wrong == {}
