"""The terminology operations, with the examples of the standard and the consortium's own codes."""

from typing import Any

import pytest
from fhir.resources.R4B.parameters import Parameters
from fhir.resources.R4B.valueset import ValueSet

from gateway.fhir.systems import ROOT
from tests.support.asserts import outcome
from tests.support.consortium import Browser, Consortium

GENDER = "http://hl7.org/fhir/administrative-gender"
GENDERS = "http://hl7.org/fhir/ValueSet/administrative-gender"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
TIER = f"{ROOT}/CodeSystem/org-tier"
LOINC = "http://loinc.org"


def told(answer: Any, status: int = 200) -> dict[str, Any]:
    """Give the single output parameters by name; the foreign library reads them all."""
    assert answer.status_code == status, answer.get_data(as_text=True)
    body = answer.get_json()
    Parameters.model_validate(body)
    return {
        one["name"]: next(value for key, value in one.items() if key.startswith("value"))
        for one in body["parameter"]
        if "part" not in one
    }


def parts(answer: Any, name: str) -> list[dict[str, Any]]:
    """Give the composed output parameters of a name, each as a dictionary."""
    return [
        {
            part["name"]: next(value for key, value in part.items() if key.startswith("value"))
            for part in one["part"]
            if "part" not in part
        }
        for one in answer.get_json()["parameter"]
        if one["name"] == name
    ]


def codes(answer: Any) -> list[str]:
    """Give the codes of an expansion; the foreign library reads it."""
    assert answer.status_code == 200, answer.get_data(as_text=True)
    body = answer.get_json()
    ValueSet.model_validate(body)
    return [one["code"] for one in body["expansion"].get("contains", ())]


def parameters(**values: Any) -> dict[str, Any]:
    """Make the Parameters of a POST: ``name=("valueCode", value)``."""
    listed = [{"name": name, element: value} for name, (element, value) in values.items()]
    return {"resourceType": "Parameters", "parameter": listed}


# ------------------------------------------------------------ $lookup


def test_lookup_tells_display_designations_properties_and_hierarchy(county: Browser) -> None:
    answer = county.get(f"/CodeSystem/$lookup?system={ACT_CODE}&code=AMB")
    assert told(answer)["display"] == "ambulatory"
    assert told(answer)["version"] == "2018-08-12"
    found = {(one["code"], one["value"]) for one in parts(answer, "property")}
    assert ("parent", "_ActEncounterCode") in found


def test_lookup_speaks_the_language_asked_for(county: Browser) -> None:
    path = f"/CodeSystem/$lookup?system={TIER}&code=county"
    chinese = told(county.get(path))["display"]
    english = told(county.get(f"{path}&displayLanguage=en"))["display"]
    assert chinese != english
    assert english.isascii()


def test_lookup_tells_only_the_properties_asked_for(county: Browser) -> None:
    answer = county.get(f"/CodeSystem/$lookup?system={ACT_CODE}&code=AMB&property=definition")
    assert {one["code"] for one in parts(answer, "property")} == {"definition"}


def test_lookup_by_coding_is_the_same_as_by_code(county: Browser) -> None:
    body = parameters(coding=("valueCoding", {"system": GENDER, "code": "female"}))
    by_post = county.post("/CodeSystem/$lookup", body)
    by_get = county.get(f"/CodeSystem/$lookup?system={GENDER}&code=female")
    assert by_post.get_json() == by_get.get_json()


def test_a_code_system_that_is_not_loaded_is_named_with_how_to_load_it(county: Browser) -> None:
    for system in (LOINC, "http://snomed.info/sct"):
        told_issue = outcome(
            county.get(f"/CodeSystem/$lookup?system={system}&code=1"), 404, "GW-7201"
        )
        assert told_issue["code"] == "not-found"
        assert system in told_issue["details"]["text"]
        assert "/fhir/CodeSystem" in told_issue["details"]["text"]


def test_a_code_that_the_system_lacks_is_not_found(county: Browser) -> None:
    outcome(county.get(f"/CodeSystem/$lookup?system={GENDER}&code=perhaps"), 404, "GW-7205")


def test_an_unknown_or_missing_parameter_is_named(county: Browser) -> None:
    outcome(county.get(f"/CodeSystem/$lookup?system={GENDER}&code=male&colour=red"), 400, "GW-7206")
    outcome(county.get(f"/CodeSystem/$lookup?system={GENDER}"), 400, "GW-7207")
    outcome(county.get("/CodeSystem/$lookup?code=male"), 400, "GW-7207")


# ------------------------------------------------------------ $validate-code


@pytest.mark.parametrize(
    ("query", "result"),
    [
        (f"CodeSystem/$validate-code?url={GENDER}&code=male", True),
        (f"CodeSystem/$validate-code?url={GENDER}&code=MALE", False),
        (f"CodeSystem/$validate-code?url={GENDER}&code=male&display=Male", True),
        (f"CodeSystem/$validate-code?url={GENDER}&code=male&display=Female", False),
        (f"ValueSet/$validate-code?url={GENDERS}&system={GENDER}&code=other", True),
        (f"ValueSet/$validate-code?url={GENDERS}&system={ACT_CODE}&code=AMB", False),
        ("ValueSet/$validate-code?url=http://hl7.org/fhir/ValueSet/ucum-units"
         "&system=http://unitsofmeasure.org&code=mg/dL", True),
        ("ValueSet/$validate-code?url=http://hl7.org/fhir/ValueSet/ucum-units"
         "&system=http://unitsofmeasure.org&code=mg//dL", False),
        ("ValueSet/administrative-gender/$validate-code"
         f"?system={GENDER}&code=unknown", True),
        ("CodeSystem/v3-ActCode/$validate-code?code=_ActEncounterCode", True),
        ("CodeSystem/v3-ActCode/$validate-code?code=_ActEncounterCode&abstract=false", False),
    ],
)  # fmt: skip
def test_codes_are_validated_by_system_and_value_set(
    county: Browser, query: str, result: bool
) -> None:
    found = told(county.get(f"/{query}"))
    assert found["result"] is result
    assert ("message" in found) is not result


def test_a_wrong_display_is_told_the_right_one(county: Browser) -> None:
    found = told(county.get(f"/CodeSystem/$validate-code?url={GENDER}&code=male&display=x"))
    assert found["display"] == "Male"


def test_one_good_coding_of_a_concept_is_enough(county: Browser) -> None:
    concept = {
        "coding": [{"system": GENDER, "code": "nobody"}, {"system": GENDER, "code": "female"}]
    }
    body = parameters(url=("valueUri", GENDERS), codeableConcept=("valueCodeableConcept", concept))
    assert told(county.post("/ValueSet/$validate-code", body))["result"] is True


def test_a_value_set_over_codes_that_are_not_loaded_says_so(county: Browser) -> None:
    url = "http://hl7.org/fhir/ValueSet/condition-code"
    query = f"/ValueSet/$validate-code?url={url}&system=http://snomed.info/sct&code=1"
    assert "http://snomed.info/sct" in outcome(county.get(query), 404, "GW-7203")["details"]["text"]
    unknown = "/ValueSet/$validate-code?url=urn:nothing&system=urn:x&code=1"
    outcome(county.get(unknown), 404, "GW-7202")


# ------------------------------------------------------------ $expand


def test_the_administrative_genders_are_the_four_of_the_standard(county: Browser) -> None:
    answer = county.get(f"/ValueSet/$expand?url={GENDERS}")
    assert codes(answer) == ["male", "female", "other", "unknown"]
    expansion = answer.get_json()["expansion"]
    assert expansion["total"] == 4
    assert {"name": "version", "valueUri": f"{GENDER}|4.0.1"} in expansion["parameter"]


def test_the_observation_statuses_are_the_eight_of_the_standard(county: Browser) -> None:
    answer = county.get("/ValueSet/observation-status/$expand")
    assert codes(answer) == [
        "registered", "preliminary", "final", "amended", "corrected", "cancelled",
        "entered-in-error", "unknown",
    ]  # fmt: skip


def test_pages_of_an_expansion_join_without_gap(county: Browser) -> None:
    url = "http://terminology.hl7.org/ValueSet/v3-ActEncounterCode"
    whole = codes(county.get(f"/ValueSet/$expand?url={url}"))
    assert {"AMB", "EMER", "IMP", "ACUTE", "NONAC"} <= set(whole)
    pages = [
        codes(county.get(f"/ValueSet/$expand?url={url}&count=3&offset={offset}"))
        for offset in range(0, len(whole), 3)
    ]
    assert [code for page in pages for code in page] == whole
    nothing = county.get(f"/ValueSet/$expand?url={url}&count=0")
    assert codes(nothing) == []
    assert nothing.get_json()["expansion"]["total"] == len(whole)


def test_the_filter_reads_chinese_and_english_texts(county: Browser) -> None:
    url = f"{ROOT}/ValueSet/org-tier"
    whole = codes(county.get(f"/ValueSet/$expand?url={url}"))
    chinese = codes(county.get(f"/ValueSet/$expand?url={url}&filter=县"))
    english = codes(county.get(f"/ValueSet/$expand?url={url}&filter=COUNTY"))
    assert "county" in chinese
    assert "county" in english
    assert len(chinese) < len(whole)


def test_designations_are_shown_when_asked_for(county: Browser) -> None:
    path = f"/ValueSet/$expand?url={ROOT}/ValueSet/org-tier"
    bare = county.get(path).get_json()["expansion"]["contains"]
    shown = county.get(f"{path}&includeDesignations=true").get_json()["expansion"]["contains"]
    assert not any("designation" in one for one in bare)
    assert all(one["designation"] for one in shown)


def test_an_expansion_without_end_is_too_costly(county: Browser) -> None:
    answer = county.get("/ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/ucum-units")
    assert outcome(answer, 422, "GW-7209")["code"] == "too-costly"


def test_a_fragment_is_listed_and_marked_as_unclosed(county: Browser) -> None:
    answer = county.get(f"/ValueSet/$expand?url={ROOT}/ValueSet/nhsa-med-type")
    assert "11" in codes(answer)
    [mark] = answer.get_json()["expansion"]["extension"]
    assert mark["url"] == "http://hl7.org/fhir/StructureDefinition/valueset-unclosed"


def test_a_value_set_in_the_request_is_expanded(county: Browser) -> None:
    value_set = {
        "resourceType": "ValueSet",
        "status": "draft",
        "compose": {
            "include": [
                {
                    "system": ACT_CODE,
                    "filter": [{"property": "concept", "op": "is-a", "value": "_ActEncounterCode"}],
                },
                {"valueSet": [GENDERS]},
            ],
            "exclude": [{"system": ACT_CODE, "concept": [{"code": "VR"}]}],
        },
    }
    body = {
        "resourceType": "Parameters",
        "parameter": [{"name": "valueSet", "resource": value_set}],
    }
    found = codes(county.post("/ValueSet/$expand", body))
    assert {"AMB", "male"} <= set(found)
    assert "VR" not in found


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
