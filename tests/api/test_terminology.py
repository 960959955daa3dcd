"""$lookup, $validate-code and $expand over what comes with the gateway."""

import pytest

from gateway.fhir.systems import ROOT
from tests.support.asserts import outcome
from tests.support.consortium import Browser
from tests.support.terminology import (
    ACT_CODE,
    GENDER,
    GENDERS,
    LOINC,
    TIER,
    codes,
    parameters,
    parts,
    told,
)

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
        ("CodeSystem/$validate-code?url=http://unitsofmeasure.org&code=mmol/L", True),
        ("CodeSystem/$validate-code?url=urn:ietf:bcp:47&code=zh-Hans-CN", True),
        ("CodeSystem/$validate-code?url=urn:ietf:bcp:47&code=Chinese_", False),
        (f"ValueSet/$validate-code?url={GENDERS}&system={GENDER}&code=other", True),
        (f"ValueSet/$validate-code?url={GENDERS}&system={ACT_CODE}&code=AMB", False),
        ("ValueSet/$validate-code?url=http://hl7.org/fhir/ValueSet/ucum-units"
         "&system=http://unitsofmeasure.org&code=mg/dL", True),
        ("ValueSet/$validate-code?url=http://hl7.org/fhir/ValueSet/ucum-units"
         "&system=http://unitsofmeasure.org&code=mg%20dL", False),
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


def test_an_expansion_is_answered_inside_a_batch_too(county: Browser) -> None:
    entry = {"request": {"method": "GET", "url": f"ValueSet/$expand?url={GENDERS}&count=1"}}
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": [entry]}
    [answer] = county.post("/", bundle).get_json()["entry"]
    assert answer["response"]["status"].startswith("200")
    assert [one["code"] for one in answer["resource"]["expansion"]["contains"]] == ["male"]


def test_retired_codes_are_left_out_when_only_active_ones_are_asked_for(county: Browser) -> None:
    path = "/ValueSet/$expand?url=http://terminology.hl7.org/ValueSet/v3-RoleCode"
    whole = county.get(path).get_json()["expansion"]["contains"]
    retired = {one["code"] for one in whole if one.get("inactive")}
    active = set(codes(county.get(f"{path}&activeOnly=true")))
    assert retired
    assert active == {one["code"] for one in whole} - retired


def test_a_code_can_be_asked_by_form_as_well(county: Browser) -> None:
    answer = county.ask(
        "POST",
        "/CodeSystem/$lookup",
        data=f"system={GENDER}&code=male",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert told(answer)["display"] == "Male"


def test_a_value_set_in_the_request_that_is_malformed_is_refused_with_its_place(
    county: Browser,
) -> None:
    value_set = {"resourceType": "ValueSet", "status": "draft", "compose": {"include": "all"}}
    body = {
        "resourceType": "Parameters",
        "parameter": [{"name": "valueSet", "resource": value_set}],
    }
    answer = county.post("/ValueSet/$expand", body)
    assert answer.status_code == 422
    assert "compose.include" in answer.get_data(as_text=True)
