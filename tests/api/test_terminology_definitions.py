"""The definitions that every tenant shares, read and searched like stored resources."""

from typing import Any

from gateway.fhir.systems import ROOT
from tests.support.asserts import outcome
from tests.support.consortium import Browser, Consortium

CORE = "http://hl7.org/fhir"


def _found(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return [
        one["resource"]["url"]
        for one in answer.get_json().get("entry", ())
        if one["search"]["mode"] == "match"
    ]


def test_the_definitions_of_the_standard_are_read_by_their_id(county: Browser) -> None:
    answer = county.get("/StructureDefinition/Patient")
    assert answer.status_code == 200
    assert answer.get_json()["url"] == f"{CORE}/StructureDefinition/Patient"
    assert answer.headers["ETag"] == 'W/"1"'
    again = county.get("/StructureDefinition/Patient", If_None_Match='W/"1"')
    assert again.status_code == 304
    outcome(county.get("/StructureDefinition/NoSuchType"), 404, "GW-7002")


def test_what_is_a_part_of_a_definition_is_marked_so(county: Browser) -> None:
    [tag] = county.get("/ValueSet/administrative-gender").get_json()["meta"]["tag"]
    assert tag["code"] == "SUBSETTED"
    own = county.get("/CodeSystem/org-tier").get_json()
    assert "tag" not in own.get("meta", {})


def test_definitions_are_found_by_url_and_name(county: Browser, city: Browser) -> None:
    url = f"{CORE}/ValueSet/administrative-gender"
    assert _found(county.get(f"/ValueSet?url={url}")) == [url]
    assert _found(county.get(f"/CodeSystem?url={ROOT}/CodeSystem/org-tier")) == [
        f"{ROOT}/CodeSystem/org-tier"
    ]
    assert url in _found(city.get("/ValueSet?name=administrativeg"))
    assert _found(county.get("/ValueSet?url=urn:nothing")) == []
    assert _found(county.get("/CodeSystem?_id=org-tier,v3-ActCode&_summary=true")) != []


def test_pages_of_definitions_hold_each_once_and_the_total_is_right(county: Browser) -> None:
    found: list[str] = []
    path: str | None = f"/StructureDefinition?url:below={ROOT}&_count=7"
    total = None
    while path:
        page = county.get(path).get_json()
        total = page.get("total", total)
        found += [one["resource"]["url"] for one in page["entry"]]
        following = [one["url"] for one in page["link"] if one["relation"] == "next"]
        path = following[0].partition("/fhir")[2] if following else None
    assert len(found) > 14
    assert len(found) == len(set(found)) == total


def test_a_stored_definition_stands_for_the_shared_one_of_its_url(county: Browser) -> None:
    shared = county.get("/ValueSet/org-tier").get_json()
    own = shared | {"title": "本县的机构层级"}
    made = county.post("/ValueSet", own)
    assert made.status_code == 201, made.get_data(as_text=True)
    bundle = county.get(f"/ValueSet?url={shared['url']}").get_json()
    assert [one["resource"]["title"] for one in bundle["entry"]] == ["本县的机构层级"]
    assert bundle["total"] == 1
    pages = _found(county.get("/ValueSet?name=OrgTier"))
    assert pages == [shared["url"]]
    county.ask("DELETE", f"/ValueSet/{made.get_json()['id']}")
    assert _found(county.get(f"/ValueSet?url={shared['url']}")) == [shared["url"]]


def test_reading_definitions_needs_the_right_to_it(consortium: Consortium) -> None:
    asker = consortium.client("qs-county", "system/Patient.rs")
    outcome(asker.get("/StructureDefinition/Patient"), 403, "GW-8003")
    outcome(asker.get(f"/ValueSet?url={CORE}/ValueSet/administrative-gender"), 403, "GW-8003")


def test_every_operation_of_the_statement_is_defined_by_the_standard(county: Browser) -> None:
    [rest] = county.get("/metadata").get_json()["rest"]
    named = {
        (one["type"], operation["name"]): operation["definition"]
        for one in rest["resource"]
        for operation in one.get("operation", ())
    }
    for type_, name in (
        ("CodeSystem", "lookup"),
        ("CodeSystem", "validate-code"),
        ("CodeSystem", "subsumes"),
        ("ValueSet", "validate-code"),
        ("ValueSet", "expand"),
        ("ConceptMap", "translate"),
    ):
        assert named[type_, name] == f"{CORE}/OperationDefinition/{type_}-{name}"
        answer = county.get(f"/OperationDefinition/{type_}-{name}")
        assert answer.get_json()["url"] == named[type_, name]


def test_the_terminology_that_is_loaded_is_stated_and_the_statement_is_valid(
    county: Browser, consortium: Consortium
) -> None:
    statement = county.get("/metadata?mode=terminology").get_json()
    assert statement["resourceType"] == "TerminologyCapabilities"
    uris = [one["uri"] for one in statement["codeSystem"]]
    assert len(uris) == len(set(uris))
    assert {f"{CORE}/administrative-gender", f"{ROOT}/CodeSystem/org-tier"} <= set(uris)
    assert "http://snomed.info/sct" not in uris
    errors = [
        issue
        for issue in consortium.runtime.validator.check(statement)
        if issue.severity in {"error", "fatal"}
    ]
    assert errors == []
    assert county.get("/metadata").get_json()["resourceType"] == "CapabilityStatement"
