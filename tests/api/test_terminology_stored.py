"""$translate and $subsumes, and the terminology that members store themselves."""

from typing import Any

import pytest

from gateway.fhir.systems import ROOT
from tests.support.asserts import outcome
from tests.support.consortium import Browser, Consortium
from tests.support.terminology import (
    ACT_CODE,
    GENDER,
    GENDERS,
    LOINC,
    codes,
    parameters,
    parts,
    told,
)

# ------------------------------------------------------------ $translate


def test_the_example_of_the_standard_translates_a_composition_status(county: Browser) -> None:
    answer = county.get(
        "/ConceptMap/$translate?system=http://hl7.org/fhir/composition-status&code=preliminary"
        "&source=http://hl7.org/fhir/ValueSet/composition-status"
        "&target=http://terminology.hl7.org/ValueSet/v3-ActStatus"
    )
    assert told(answer)["result"] is True
    matches = parts(answer, "match")
    assert [one["concept"]["code"] for one in matches] == ["active"]
    assert matches[0]["equivalence"] in ("equivalent", "wider")


def test_a_national_code_is_translated_forth_and_back(county: Browser) -> None:
    national = "urn:oid:2.16.156.10011.2.3.3.4"
    url = f"{ROOT}/ConceptMap/gender"
    forth = county.get(f"/ConceptMap/$translate?url={url}&system={national}&code=9")
    [match] = parts(forth, "match")
    assert (match["concept"]["code"], match["equivalence"]) == ("unknown", "wider")
    assert match["source"] == url
    back = county.get(f"/ConceptMap/gender/$translate?system={GENDER}&code=unknown&reverse=true")
    assert {(one["concept"]["code"], one["equivalence"]) for one in parts(back, "match")} == {
        ("0", "equivalent"),
        ("9", "narrower"),
    }


def test_what_has_no_translation_says_so(county: Browser) -> None:
    url = f"{ROOT}/ConceptMap/gender"
    answer = county.get(f"/ConceptMap/$translate?url={url}&system={GENDER}&code=male")
    assert told(answer)["result"] is False
    assert "message" in told(answer)
    outcome(county.get("/ConceptMap/$translate?url=urn:no&system=urn:x&code=1"), 404, "GW-7210")


# ------------------------------------------------------------ $subsumes


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("IMP", "ACUTE", "subsumes"),
        ("ACUTE", "IMP", "subsumed-by"),
        ("_ActEncounterCode", "ACUTE", "subsumes"),
        ("IMP", "IMP", "equivalent"),
        ("AMB", "IMP", "not-subsumed"),
    ],
)
def test_codes_subsume_by_the_hierarchy(
    county: Browser, first: str, second: str, expected: str
) -> None:
    query = f"system={ACT_CODE}&codeA={first}&codeB={second}"
    assert told(county.get(f"/CodeSystem/$subsumes?{query}"))["outcome"] == expected
    path = f"/CodeSystem/v3-ActCode/$subsumes?codeA={first}&codeB={second}"
    assert told(county.get(path))["outcome"] == expected


def test_codes_of_two_systems_are_not_compared(county: Browser) -> None:
    body = parameters(
        codingA=("valueCoding", {"system": ACT_CODE, "code": "AMB"}),
        codingB=("valueCoding", {"system": GENDER, "code": "male"}),
    )
    outcome(county.post("/CodeSystem/$subsumes", body), 400, "GW-7208")


# ------------------------------------------------------------ what members store


def _icd(version: str, *concepts: dict[str, Any]) -> dict[str, Any]:
    return {
        "resourceType": "CodeSystem",
        "url": "urn:test:icd",
        "version": version,
        "status": "active",
        "content": "complete",
        "hierarchyMeaning": "is-a",
        "caseSensitive": False,
        "concept": list(concepts),
    }


def test_a_stored_code_system_takes_effect_at_once_for_all_members(
    county: Browser, city: Browser
) -> None:
    path = "/CodeSystem/$lookup?system=urn:test:icd&code=i10"
    outcome(city.get(path), 404, "GW-7201")
    hypertension = {
        "code": "I10-I15",
        "display": "高血压病",
        "concept": [{"code": "I10", "display": "特发性高血压"}],
    }
    made = county.post("/CodeSystem", _icd("1.0", hypertension))
    assert made.status_code == 201, made.get_data(as_text=True)
    assert told(city.get(path))["display"] == "特发性高血压"
    value_set = {
        "resourceType": "ValueSet",
        "url": "urn:test:hypertension",
        "status": "active",
        "compose": {
            "include": [
                {
                    "system": "urn:test:icd",
                    "filter": [{"property": "concept", "op": "descendent-of", "value": "I10-I15"}],
                }
            ]
        },
    }
    assert county.post("/ValueSet", value_set).status_code == 201
    expand = "/ValueSet/$expand?url=urn:test:hypertension"
    assert codes(city.get(expand)) == ["I10"]
    newer = hypertension | {"concept": [{"code": "I10"}, {"code": "I11"}]}
    assert county.post("/CodeSystem", _icd("1.10", newer)).status_code == 201
    assert county.post("/CodeSystem", _icd("1.9", hypertension)).status_code == 201
    assert codes(city.get(expand)) == ["I10", "I11"]
    pinned = "/CodeSystem/$lookup?system=urn:test:icd&version=1.9&code=I11"
    outcome(city.get(pinned), 404, "GW-7205")


def test_a_stored_code_system_opens_a_value_set_of_the_standard(county: Browser) -> None:
    query = "/ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/iso3166-1-2"
    assert "CN" in codes(county.get(query))
    url = "http://hl7.org/fhir/ValueSet/doc-typecodes"
    outcome(county.get(f"/ValueSet/$expand?url={url}"), 404, "GW-7203")
    loinc = _icd("2.77") | {
        "url": LOINC,
        "property": [{"code": "SCALE_TYP", "type": "string"}],
        "concept": [
            {
                "code": "57133-1",
                "display": "Referral note",
                "property": [{"code": "SCALE_TYP", "valueString": "Doc"}],
            },
            {"code": "718-7", "display": "Hemoglobin"},
        ],
    }
    made = county.post("/CodeSystem", loinc)
    assert made.status_code == 201, made.get_data(as_text=True)
    assert codes(county.get(f"/ValueSet/$expand?url={url}")) == ["57133-1"]
    county.ask("DELETE", f"/CodeSystem/{made.get_json()['id']}")
    outcome(county.get(f"/ValueSet/$expand?url={url}"), 404, "GW-7203")


def test_the_operations_need_the_right_to_read(consortium: Consortium) -> None:
    asker = consortium.client("qs-county", "system/Patient.r")
    for path in (
        f"/CodeSystem/$lookup?system={GENDER}&code=male",
        f"/ValueSet/$expand?url={GENDERS}",
        f"/ConceptMap/$translate?system={GENDER}&code=male",
    ):
        outcome(asker.get(path), 403, "GW-8003")


def test_a_search_knows_the_value_sets_that_members_stored(county: Browser, city: Browser) -> None:
    url = "urn:test:mine"
    include = {"system": "urn:test:own", "concept": [{"code": "a"}, {"code": "b"}]}
    mine = {"resourceType": "ValueSet", "url": url, "status": "active"}
    id_ = county.post("/ValueSet", mine | {"compose": {"include": [include]}}).get_json()["id"]
    for code in ("a", "z"):
        found = {"resourceType": "Observation", "status": "final", "valueString": code}
        coded = {"code": {"coding": [{"system": "urn:test:own", "code": code}]}}
        county.post("/Observation", found | coded)

    def values(query: str) -> set[str]:
        page = county.get(f"/Observation?code=urn:test:own|&{query}").get_json()
        return {one["resource"]["valueString"] for one in page.get("entry", ())}

    for named in (url, f"ValueSet/{id_}"):
        assert values(f"code:in={named}") == {"a"}
        assert values(f"code:not-in={named}") == {"z"}
        assert city.get(f"/Observation?code:in={named}").status_code == 200
    assert county.get("/Observation?code:in=ValueSet/none").status_code == 400
