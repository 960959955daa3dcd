"""A resource and its surroundings for expressions."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from gateway.fhir.definitions import load
from gateway.fhir.fhirpath import Context, Model

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p1",
    "active": True,
    "contained": [{"resourceType": "Organization", "id": "o1", "name": "青山镇卫生院"}],
    "name": [
        {"use": "official", "family": "陈", "given": ["小", "明"]},
        {"use": "usual", "text": "小明"},
    ],
    "birthDate": "1980-02",
    "_birthDate": {"extension": [{"url": "http://sample.test/note", "valueString": "约"}]},
    "deceasedBoolean": False,
    "multipleBirthInteger": 2,
    "contact": [{"name": {"family": "王"}, "period": {"start": "2020", "end": "2021-05"}}],
    "managingOrganization": {"reference": "#o1"},
    "extension": [
        {
            "url": "http://sample.test/weight",
            "valueQuantity": {
                "value": Decimal("72.50"),
                "unit": "kg",
                "system": "http://unitsofmeasure.org",
                "code": "kg",
            },
        }
    ],
}


@pytest.fixture(scope="session")
def model() -> Model:
    """The model of R4."""
    return Model(load())


@pytest.fixture
def context(model: Model) -> Context:
    """The patient's surroundings, with a clock."""
    return Context(model, resource=PATIENT, now=datetime(2026, 3, 1, 8, 30, tzinfo=UTC))
