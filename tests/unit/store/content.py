"""Resources for the tests of search, and the ways to ask for them."""

from decimal import Decimal
from typing import Any

import pytest

from gateway.fhir.definitions import load
from gateway.fhir.search_index import compile_indexer
from gateway.fhir.search_query import Mode, parse_query
from gateway.fhir.systems import LOINC, UCUM
from gateway.records import Change
from gateway.store import Page, Store
from tests.unit.store.samples import ALL, change, commit

INDEXER = compile_indexer(load())


def indexed(type_: str, id_: str, /, **content: Any) -> Change:
    plain = change(type_, id_, **content)
    assert plain.resource is not None
    return change(type_, id_, **content, index=INDEXER.rows(plain.resource))


def query(store: Store, url: str, mode: Mode | None = None, cursor: str | None = None) -> Page:
    type_, _, rest = url.partition("?")
    pairs = [(n, v) for n, _, v in (part.partition("=") for part in rest.split("&")) if n]
    return store.search(ALL, parse_query(load(), (type_,), pairs, mode), cursor)


def ids(store: Store, url: str) -> list[str]:
    return sorted(one.id for one in query(store, url).matches)


def codings(*pairs: tuple[str, str]) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code} for system, code in pairs]}


@pytest.fixture
def people(store: Store) -> Store:
    sid = "urn:oid:2.16.156.10011.1.3"
    store.commit(
        commit(
            indexed(
                "Patient",
                "lin",
                name=[{"family": "林", "given": ["桂芳"]}, {"text": "Lín Guìfāng"}],
                gender="female",
                birthDate="1962-05-14",
                active=True,
                identifier=[{"system": sid, "value": "A1"}],
                address=[{"text": "青山县, 青山镇"}],
            ),
            indexed(
                "Patient",
                "wang",
                name=[{"text": "王建国"}],
                gender="male",
                birthDate="1990-06",
                identifier=[{"value": "A1"}, {"system": "urn:other", "value": "A1"}],
                meta={"tag": [{"system": "urn:t", "code": "vip"}]},
            ),
            indexed("Patient", "smith", name=[{"family": "Smith"}], birthDate="1990"),
            indexed("Patient", "smithers", name=[{"family": "Smithers"}], gender="male"),
        )
    )
    return store


def _blood_pressure() -> Change:
    return indexed(
        "Observation",
        "bp",
        component=[
            {
                "code": codings((LOINC, "8480-6")),
                "valueQuantity": {"value": 150, "system": UCUM, "code": "mm[Hg]"},
            },
            {
                "code": codings((LOINC, "8462-4")),
                "valueQuantity": {"value": 90, "system": UCUM, "code": "mm[Hg]"},
            },
        ],
        subject={"reference": "http://else.example/fhir/Patient/p1"},
    )


@pytest.fixture
def results(store: Store) -> Store:
    def observation(id_: str, code: str, value: str, unit: str, **more: Any) -> Change:
        quantity = {"value": Decimal(value), "system": UCUM, "code": unit}
        code_ = {**codings((LOINC, code)), "text": f"检验 {code}"}
        return indexed("Observation", id_, code=code_, valueQuantity=quantity, **more)

    store.commit(
        commit(
            indexed("Organization", "county", name="青山县人民医院"),
            indexed(
                "Patient",
                "p1",
                name=[{"family": "林"}],
                managingOrganization={"reference": "Organization/county"},
            ),
            indexed("Patient", "p2", name=[{"family": "王"}]),
            observation("a", "718-7", "100", "g/L", subject={"reference": "Patient/p1"}),
            observation("b", "718-7", "99.5", "g/L", subject={"reference": "Patient/p2"}),
            observation(
                "c",
                "2345-7",
                "100.00",
                "mmol/L",
                subject={"identifier": {"system": "urn:x", "value": "9"}, "type": "Patient"},
            ),
            _blood_pressure(),
        )
    )
    return store
