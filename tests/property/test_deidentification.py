"""Whatever a referral holds in free text, names, numbers and times, none of it reaches a bureau."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.fhir import codec
from gateway.fhir.ids import person_id
from gateway.oversight import Case, referral_records

MARK = "柳氏标记"
TIME = "2026-11-02T03:04:05.678+08:00"
ORGANIZATION = {"reference": "Organization/o1", "display": MARK}
_NOISE = st.sampled_from(
    [
        MARK,
        {"text": MARK},
        [{"text": MARK}],
        {"display": MARK},
        [{"value": MARK}],
        {"x": {"y": MARK}},
    ]
)
_NAMES = st.sampled_from(
    ["note", "text", "description", "patientInstruction", "contained", "extension", "identifier"]
)
EXTRA = st.dictionaries(
    _NAMES | st.text("abcdefgh", min_size=1, max_size=6).map(lambda name: f"zz{name}"), _NOISE
)


def _said(code: str) -> dict[str, Any]:
    coding = {"system": "urn:codes", "code": code, "display": MARK}
    return {"coding": [coding], "text": MARK}


PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": MARK,
    "name": [{"text": MARK}],
    "birthDate": "1962-05-14",
    "telecom": [{"value": MARK}],
    "address": [{"city": "青山", "line": [MARK], "text": MARK, "postalCode": MARK}],
}


def _case(one: dict[str, Any], two: dict[str, Any], three: dict[str, Any]) -> Case:
    order = {
        "resourceType": "ServiceRequest",
        "id": "r1",
        "status": "active",
        "intent": "order",
        "category": [_said("referral")],
        "code": _said("inpatient"),
        "subject": {"reference": f"Patient/{MARK}", "display": MARK},
        "authoredOn": TIME,
        "requester": ORGANIZATION,
        "reasonCode": [_said("I20")],
    }
    task = {
        "resourceType": "Task",
        "id": "t1",
        "status": "rejected",
        "statusReason": _said("full"),
        "intent": "order",
        "code": _said("fulfil"),
        "focus": {"reference": "ServiceRequest/r1", "display": MARK},
        "authoredOn": TIME,
        "owner": {"type": "Organization", "reference": "Practitioner/p", "display": MARK},
    }
    stay = {
        "resourceType": "Encounter",
        "id": "e1",
        "status": "finished",
        "class": {"system": "urn:codes", "code": "IMP", "display": MARK},
        "period": {"start": TIME, "end": TIME},
    }
    organization = {"resourceType": "Organization", "id": "o1", "name": "县医院"}
    return Case(
        one | order, (two | task,), (three | stay,), (), (organization,), two | PATIENT, "person"
    )


def _pseudonym(name: str) -> str:
    return person_id(b"secret", "oversight", name)


@settings(max_examples=60, deadline=None)
@given(EXTRA, EXTRA, EXTRA)
def test_nothing_planted_leaks(
    one: dict[str, Any], two: dict[str, Any], three: dict[str, Any]
) -> None:
    bundle = referral_records([_case(one, two, three)], _pseudonym)
    text = codec.encode(bundle).decode()
    for said in (MARK, "03:04", "2026-11-02", "1962-05", '"r1"', "ServiceRequest/r1", "/e1", "/t1"):
        assert said not in text
    assert bundle["meta"]["tag"][0]["code"] == "referral-records-1"


def test_the_days_of_one_person_keep_their_distance() -> None:
    bundle = referral_records([_case({}, {}, {})], _pseudonym)
    of = {one["resource"]["resourceType"]: one["resource"] for one in bundle["entry"]}
    days = {
        of["ServiceRequest"]["authoredOn"],
        of["Task"]["authoredOn"],
        *of["Encounter"]["period"].values(),
    }
    assert len(days) == 1
