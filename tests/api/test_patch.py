"""PATCH with JSON Patch and with FHIRPath Patch, alone and in Bundles."""

import base64
import json
from typing import Any

import pytest

from gateway.fhir import codec, xml
from tests.support.asserts import outcome
from tests.support.consortium import Browser
from tests.support.resources import bundle, entry, observation, patient

JSON_PATCH = {"Content-Type": "application/json-patch+json"}


def operation(type_: str, path: str, **parts: Any) -> dict[str, Any]:
    """Make one operation of a FHIRPath Patch; ``value`` is a whole part."""
    listed: list[dict[str, Any]] = [
        {"name": "type", "valueCode": type_},
        {"name": "path", "valueString": path},
    ]
    for name, value in parts.items():
        if name == "value":
            listed.append({"name": "value", **value})
        else:
            kind = "valueInteger" if isinstance(value, int) else "valueString"
            listed.append({"name": name, kind: value})
    return {"name": "operation", "part": listed}


def parameters(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": list(operations)}


@pytest.fixture
def path(county: Browser) -> str:
    made = county.post("/Patient", patient(multipleBirthInteger=2)).get_json()
    return f"/Patient/{made['id']}"


def test_a_json_patch_changes_what_it_names_and_makes_a_version(county: Browser, path: str) -> None:
    operations = [
        {"op": "test", "path": "/gender", "value": "female"},
        {"op": "add", "path": "/name/0/given/-", "value": "小芳"},
        {"op": "remove", "path": "/birthDate"},
        {"op": "move", "from": "/name/0/text", "path": "/name/0/family"},
    ]
    answer = county.ask("PATCH", path, data=json.dumps(operations), headers=JSON_PATCH)
    assert answer.status_code == 200
    assert answer.headers["ETag"] == 'W/"2"'
    body = answer.get_json()
    assert body["name"] == [{"family": "林桂芳", "given": ["桂芳", "小芳"]}]
    assert "birthDate" not in body


def test_decimals_of_a_json_patch_keep_their_digits(county: Browser, path: str) -> None:
    made = county.post("/Observation", observation(path[1:])).get_json()
    operations = b'[{"op":"add","path":"/valueQuantity","value":{"value":72.50,"unit":"g/L"}}]'
    target = f"/Observation/{made['id']}"
    answer = county.ask("PATCH", target, data=operations, headers=JSON_PATCH)
    assert b"72.50" in answer.get_data()
    assert b"72.50" in county.get(target).get_data()


def test_a_merge_patch_sets_what_it_holds_and_removes_what_is_null(
    county: Browser, path: str
) -> None:
    body = json.dumps({"active": True, "gender": None})
    for content_type in ("application/merge-patch+json", "application/json"):
        answer = county.ask("PATCH", path, data=body, headers={"Content-Type": content_type})
        assert answer.status_code == 200
        assert answer.get_json()["active"] is True
        assert answer.get_json()["birthDate"] == "1962"
        assert "gender" not in answer.get_json()


def test_a_patch_that_changes_nothing_makes_no_version(county: Browser, path: str) -> None:
    operations = [{"op": "replace", "path": "/gender", "value": "female"}]
    answer = county.ask("PATCH", path, data=json.dumps(operations), headers=JSON_PATCH)
    assert answer.headers["ETag"] == 'W/"1"'


@pytest.mark.parametrize(
    ("body", "status", "number"),
    [
        (b"{}", 400, "GW-7060"),
        (b'{"op":"add"}', 400, "GW-7060"),
        (b'[{"op":"dance"}]', 400, "GW-7060"),
        (b"[7]", 400, "GW-7060"),
        (b'[{"op":"add","path":"no-slash","value":1}]', 400, "GW-7060"),
        (b'[{"op":"remove","path":"/nothing"}]', 422, "GW-7061"),
        (b'[{"op":"replace","path":"/name/7","value":{}}]', 422, "GW-7061"),
        (b'[{"op":"add","path":"/gender/x","value":1}]', 422, "GW-7061"),
        (b'[{"op":"test","path":"/gender","value":"male"}]', 422, "GW-7062"),
        (b'[{"op":"replace","path":"/id","value":"other"}]', 422, "GW-7063"),
        (b'[{"op":"replace","path":"/resourceType","value":"Group"}]', 422, "GW-7063"),
        (b'[{"op":"replace","path":"","value":7}]', 400, "GW-7015"),
        (b'[{"op":"replace","path":"/gender","value":"perhaps"}]', 422, None),
        (b"[", 400, None),
        (b"", 400, "GW-7007"),
    ],
)
def test_a_json_patch_that_cannot_be_applied_changes_nothing(
    county: Browser, path: str, body: bytes, status: int, number: str | None
) -> None:
    answer = county.ask("PATCH", path, data=body, headers=JSON_PATCH)
    assert answer.status_code == status, answer.get_data(as_text=True)
    if number:
        outcome(answer, status, number)
    assert county.get(path).headers["ETag"] == 'W/"1"'


def test_a_fhirpath_patch_does_each_of_its_operations(county: Browser, path: str) -> None:
    asked = parameters(
        operation("replace", "Patient.birthDate", value={"valueDate": "1963-02"}),
        operation("add", "Patient", name="active", value={"valueBoolean": True}),
        operation(
            "add",
            "Patient",
            name="contact",
            value={
                "part": [
                    {"name": "name", "valueHumanName": {"text": "陈立"}},
                    {"name": "gender", "valueCode": "male"},
                ]
            },
        ),
        operation("insert", "Patient.name[0].given", index=0, value={"valueString": "阿"}),
        operation("move", "Patient.name.given", source=0, destination=1),
        operation("delete", "Patient.gender"),
        operation("delete", "Patient.deceased"),
        operation("replace", "Patient.multipleBirth", value={"valueBoolean": True}),
    )
    body = county.ask("PATCH", path, asked).get_json()
    assert body["birthDate"] == "1963-02"
    assert body["active"] is True
    assert body["contact"] == [{"name": {"text": "陈立"}, "gender": "male"}]
    assert body["name"][0]["given"] == ["桂芳", "阿"]
    assert "gender" not in body
    assert body["multipleBirthBoolean"] is True
    assert "multipleBirthInteger" not in body


def test_a_fhirpath_patch_comes_in_xml_too(county: Browser, path: str) -> None:
    asked = parameters(operation("add", "Patient", name="active", value={"valueBoolean": True}))
    answer = county.ask(
        "PATCH", path, data=xml.encode(asked), headers={"Content-Type": "application/fhir+xml"}
    )
    assert answer.get_json()["active"] is True


@pytest.mark.parametrize(
    ("asked", "status", "number"),
    [
        (parameters(), 400, "GW-7060"),
        (parameters({"name": "other"}), 400, "GW-7060"),
        (parameters(operation("dance", "Patient")), 400, "GW-7060"),
        (patient(), 400, "GW-7060"),
        (parameters(operation("replace", "Patient.photo", value={"valueString": "x"})), 422, None),
        (parameters(operation("delete", "Patient.name | Patient.gender")), 422, None),
        (parameters(operation("delete", "Patient")), 422, "GW-7061"),
        (parameters(operation("delete", "Patient.name.(")), 422, "GW-7061"),
        (parameters(operation("delete", "1 + 1")), 422, "GW-7061"),
        (parameters(operation("add", "Patient", name="nothing")), 422, "GW-7061"),
        (
            parameters(operation("add", "Patient", name="gender", value={"valueCode": "male"})),
            422,
            "GW-7061",
        ),
        (
            parameters(operation("insert", "Patient.name", index=5, value={"valueHumanName": {}})),
            422,
            "GW-7061",
        ),
        (parameters(operation("move", "Patient.name", source=0, destination=1)), 422, "GW-7061"),
        (parameters(operation("delete", "Patient.id")), 422, "GW-7063"),
    ],
)
def test_a_fhirpath_patch_that_cannot_be_applied_changes_nothing(
    county: Browser, path: str, asked: dict[str, Any], status: int, number: str | None
) -> None:
    answer = county.ask("PATCH", path, asked)
    assert answer.status_code == status, answer.get_data(as_text=True)
    if number:
        outcome(answer, status, number)
    assert county.get(path).headers["ETag"] == 'W/"1"'


def test_nobody_patches_what_he_does_not_see_or_own(
    county: Browser, city: Browser, path: str
) -> None:
    absent = city.ask("PATCH", "/Patient/nobody", data=b"[]", headers=JSON_PATCH)
    invisible = city.ask("PATCH", path, data=b"[]", headers=JSON_PATCH)
    outcome(absent, 404, "GW-7002")
    assert invisible.get_data() == absent.get_data()
    directory = county.post("/Location", {"resourceType": "Location", "name": "一病区"}).get_json()
    seen = f"/Location/{directory['id']}"
    assert city.get(seen).status_code == 200
    body = json.dumps([{"op": "add", "path": "/status", "value": "active"}])
    outcome(city.ask("PATCH", seen, data=body, headers=JSON_PATCH), 403, "GW-8005")
    assert county.get(seen).headers["ETag"] == 'W/"1"'


def test_a_patch_needs_the_right_to_update(consortium: Any, path: str) -> None:
    reader = consortium.client("qs-county", "system/*.rs")
    outcome(reader.ask("PATCH", path, data=b"[]", headers=JSON_PATCH), 403, "GW-8003")


def test_what_was_deleted_is_not_patched(county: Browser, path: str) -> None:
    county.ask("DELETE", path)
    outcome(county.ask("PATCH", path, data=b"[]", headers=JSON_PATCH), 410, "GW-7003")


def test_patches_are_entries_of_a_transaction(county: Browser, path: str) -> None:
    urn = "urn:oid:1.2.156.99.1"
    organization = {"resourceType": "Organization", "name": "示例医院"}
    add = operation(
        "add", "Patient", name="managingOrganization", value={"valueReference": {"reference": urn}}
    )
    first = county.post("/Patient", patient()).get_json()
    wrapped = {
        "resourceType": "Binary",
        "contentType": "application/json-patch+json",
        "data": base64.b64encode(b'[{"op":"remove","path":"/gender"}]').decode(),
    }
    answer = county.post(
        "/",
        bundle(
            "transaction",
            entry("PATCH", path[1:], parameters(add)),
            entry("PATCH", f"Patient/{first['id']}", wrapped, ifMatch='W/"1"'),
            entry("POST", "Organization", organization, urn),
        ),
    )
    assert answer.status_code == 200, answer.get_data(as_text=True)
    told = answer.get_json()["entry"]
    made = told[2]["resource"]["id"]
    assert told[0]["resource"]["managingOrganization"] == {"reference": f"Organization/{made}"}
    assert "gender" not in told[1]["resource"]


def test_a_failing_patch_of_a_transaction_is_named_and_nothing_is_written(
    county: Browser, path: str
) -> None:
    bad = parameters(operation("replace", "Patient.gender", value={"valueCode": "perhaps"}))
    answer = county.post(
        "/",
        bundle("transaction", entry("POST", "Patient", patient()), entry("PATCH", path[1:], bad)),
    )
    outcome(answer, 422, "GW-7026", "Bundle.entry[1]")
    assert county.get(path).headers["ETag"] == 'W/"1"'
    gone = parameters(operation("replace", "Patient.photo", value={"valueString": "x"}))
    answer = county.post("/", bundle("transaction", entry("PATCH", path[1:], gone)))
    outcome(answer, 422, "GW-7061")
    outcome(answer, 422, "GW-7026", "Bundle.entry[0]")


def test_the_statement_says_how_to_patch(county: Browser) -> None:
    statement = codec.decode(county.get("/metadata").get_data())
    assert "application/json-patch+json" in statement["patchFormat"]
    [rest] = statement["rest"]
    for resource in rest["resource"]:
        assert {"code": "patch"} in resource["interaction"]
        assert resource["conditionalUpdate"] is True
        assert resource["conditionalDelete"] == "single"
