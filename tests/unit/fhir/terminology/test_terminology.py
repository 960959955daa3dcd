"""Value sets, code systems and concept maps, without any store."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.fhir.definitions import load
from gateway.fhir.terminology import (
    Match,
    Question,
    Terminology,
    Wish,
    applies,
    code_list,
    display_of,
    entries,
    is_text_of,
    properties_of,
    relation,
    translate,
)
from gateway.fhir.terminology.code_list import is_safe

Resource = dict[str, Any]
R4 = Terminology(load())
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


class Loaded:
    """A source of a few resources."""

    def __init__(self, *resources: Resource) -> None:
        self._by_url = {(one["resourceType"], one["url"]): one for one in resources}

    def value_set(self, url: str) -> Resource | None:
        return self._by_url.get(("ValueSet", url))

    def code_system(self, url: str) -> Resource | None:
        return self._by_url.get(("CodeSystem", url))


def system(*concepts: Resource, **more: Any) -> Resource:
    return {
        "resourceType": "CodeSystem",
        "url": "urn:s",
        "content": "complete",
        "concept": list(concepts),
        **more,
    }


def value_set(url: str, *include: Resource, **compose: Any) -> Resource:
    return {
        "resourceType": "ValueSet",
        "url": url,
        "compose": {"include": list(include), **compose},
    }


TREE = system(
    {"code": "a", "concept": [{"code": "b", "concept": [{"code": "c"}]}, {"code": "d"}]},
    {"code": "e", "property": [{"code": "parent", "valueCode": "b"}]},
    {"code": "f", "property": [{"code": "status", "valueCode": "retired"}]},
)


def known(terminology: Terminology, url: str) -> list[str]:
    expansion = terminology.expansion(url)
    assert expansion is not None
    return [one["code"] for one in entries(terminology, expansion, Wish())]


@pytest.mark.parametrize(
    ("op", "name", "value", "expected"),
    [
        ("is-a", "concept", "b", "bce"),
        ("descendent-of", "concept", "b", "ce"),
        ("is-not-a", "concept", "b", "adf"),
        ("generalizes", "concept", "c", "abc"),
        ("=", "status", "retired", "f"),
        ("exists", "status", "true", "f"),
        ("exists", "status", "false", "abcde"),
        ("in", "code", "a, c", "ac"),
        ("not-in", "code", "a,c", "bdef"),
        ("regex", "code", "[a-c]", "abc"),
        ("=", "parent", "a", "bd"),
        ("=", "child", "e", "b"),
    ],
)
def test_a_filter_keeps_what_the_standard_says(
    op: str, name: str, value: str, expected: str
) -> None:
    part = {"system": "urn:s", "filter": [{"op": op, "property": name, "value": value}]}
    terminology = Terminology(Loaded(TREE, value_set("urn:v", part)))
    assert known(terminology, "urn:v") == sorted(expected)


def test_filters_of_one_include_all_hold_and_includes_join() -> None:
    first = {
        "system": "urn:s",
        "filter": [
            {"op": "is-a", "property": "concept", "value": "a"},
            {"op": "not-in", "property": "code", "value": "d"},
        ],
    }
    second = {"system": "urn:t", "concept": [{"code": "z"}]}
    terminology = Terminology(Loaded(TREE, value_set("urn:v", first, second)))
    assert known(terminology, "urn:v") == ["a", "b", "c", "e", "z"]


def test_value_sets_of_one_include_intersect_and_excludes_are_taken_out() -> None:
    terminology = Terminology(
        Loaded(
            TREE,
            value_set("urn:1", {"system": "urn:s", "concept": [{"code": c} for c in "abcd"]}),
            value_set("urn:2", {"system": "urn:s", "concept": [{"code": c} for c in "bcde"]}),
            value_set(
                "urn:v",
                {"valueSet": ["urn:1", "urn:2"]},
                exclude=[{"system": "urn:s", "concept": [{"code": "c"}]}],
            ),
        )
    )
    assert known(terminology, "urn:v") == ["b", "d"]


def test_inactive_codes_stay_out_where_the_value_set_says_so() -> None:
    whole = {"system": "urn:s"}
    terminology = Terminology(
        Loaded(TREE, value_set("urn:all", whole), value_set("urn:v", whole, inactive=False))
    )
    assert "f" in known(terminology, "urn:all")
    assert "f" not in known(terminology, "urn:v")
    expansion = terminology.expansion("urn:all")
    assert expansion is not None
    shown = entries(terminology, expansion, Wish(is_active_only=True))
    assert "f" not in [one["code"] for one in shown]


def test_a_value_set_that_includes_itself_ends() -> None:
    terminology = Terminology(Loaded(TREE, value_set("urn:v", {"valueSet": ["urn:v"]})))
    expansion = terminology.expansion("urn:v")
    assert expansion is not None
    assert expansion.contains("urn:s", "a") is None


def test_what_is_not_loaded_decides_nothing() -> None:
    terminology = Terminology(Loaded(value_set("urn:v", {"system": "urn:absent"})))
    expansion = terminology.expansion("urn:v")
    assert expansion is not None
    assert expansion.contains("urn:absent", "x") is None
    assert expansion.contains("urn:other", "x") is False
    assert expansion.missing == "urn:absent"
    assert terminology.expansion("urn:nothing") is None


def test_a_fragment_knows_its_codes_and_leaves_the_others_open() -> None:
    terminology = Terminology(
        Loaded(system({"code": "a"}, content="fragment"), value_set("urn:v", {"system": "urn:s"}))
    )
    expansion = terminology.expansion("urn:v")
    assert expansion is not None
    assert expansion.contains("urn:s", "a") is True
    assert expansion.contains("urn:s", "b") is None
    assert terminology.codes("urn:s") is None
    assert terminology.content("urn:s") is not None


def test_case_does_not_count_where_the_system_says_so() -> None:
    terminology = Terminology(
        Loaded(system({"code": "Ab"}, caseSensitive=False), value_set("urn:v", {"system": "urn:s"}))
    )
    expansion = terminology.expansion("urn:v")
    assert expansion is not None
    assert expansion.contains("urn:s", "aB") is True
    assert expansion.has_code("AB") is True
    assert known(terminology, "urn:v") == ["Ab"]


def test_a_layer_above_changes_only_what_it_touches() -> None:
    below = Terminology(
        Loaded(
            TREE,
            value_set("urn:v", {"system": "urn:s"}),
            value_set("urn:w", {"system": "urn:t", "concept": [{"code": "z"}]}),
        )
    )
    above = Terminology(Loaded(system({"code": "new"})), below)
    assert known(above, "urn:v") == ["new"]
    assert above.expansion("urn:w") is below.expansion("urn:w")
    assert known(below, "urn:v") == ["a", "b", "c", "d", "e", "f"]


def test_a_pattern_that_could_run_for_ever_is_not_run() -> None:
    assert is_safe("[A-Z]{3}")
    assert not is_safe("(a+)+b")
    assert not is_safe("[")
    part = {"system": "urn:s", "filter": [{"op": "regex", "property": "code", "value": "(a+)+b"}]}
    expansion = Terminology(Loaded(TREE, value_set("urn:v", part))).expansion("urn:v")
    assert expansion is not None
    assert expansion.contains("urn:s", "a") is None


# ------------------------------------------------------------ R4's own


def test_every_value_set_of_r4_expands_to_codes_that_its_system_has() -> None:
    strays = []
    for one in load().value_sets():
        expansion = R4.expansion(one["url"])
        assert expansion is not None
        for url, codes in expansion.known.items():
            content = R4.codes(url)
            if content is not None:
                strays += [(one["url"], code) for code in codes if not content.has(code)]
    assert strays == []


def test_a_concept_of_v3_with_two_parents_stands_under_both() -> None:
    content = R4.codes("http://terminology.hl7.org/CodeSystem/v3-RoleCode")
    assert content is not None
    assert len(content.parents["TWINSIS"]) == 2
    assert all(content.is_below("TWINSIS", parent) for parent in content.parents["TWINSIS"])
    assert relation(content, "FAMMEMB", "TWINSIS") == "subsumes"


def test_a_concept_tells_its_definition_and_relations() -> None:
    content = R4.codes(ACT_CODE)
    assert content is not None
    told = list(properties_of(content, "IMP"))
    assert [one[0] for one in told][:1] == ["definition"]
    assert ("child", "ACUTE") in {(name, value) for name, _, value, _ in told}


def test_a_hierarchy_of_parts_subsumes_nothing() -> None:
    content = code_list(TREE | {"hierarchyMeaning": "part-of"})
    assert relation(content, "a", "b") == "not-subsumed"
    assert relation(code_list(TREE), "a", "b") == "subsumes"


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=25))
def test_is_below_and_below_agree_on_any_graph_cycles_too(edges: list[tuple[int, int]]) -> None:
    concepts = [
        {
            "code": str(node),
            "property": [
                {"code": "parent", "valueCode": str(parent)}
                for child, parent in edges
                if child == node
            ],
        }
        for node in range(10)
    ]
    content = code_list(system(*concepts))
    for upper in content.concepts:
        under = content.below(upper) - {upper}
        assert under == {
            code for code in content.concepts if code != upper and content.is_below(code, upper)
        }


def test_a_text_is_chosen_by_language() -> None:
    concept = {
        "display": "县级",
        "designation": [{"language": "en", "value": "County"}, {"language": "en-GB", "value": "C"}],
    }
    assert display_of([concept]) == "县级"
    assert display_of([concept], "en") == "County"
    assert display_of([concept], "en-US") == "County"
    assert display_of([concept], "de") == "县级"
    assert is_text_of(" county ", [concept])
    assert not is_text_of("province", [concept])


# ------------------------------------------------------------ maps

MAP: Resource = {
    "resourceType": "ConceptMap",
    "url": "urn:m",
    "sourceUri": "urn:from",
    "targetCanonical": "urn:to|1",
    "group": [
        {
            "source": "urn:s",
            "target": "urn:t",
            "element": [
                {"code": "1", "target": [{"code": "A", "equivalence": "wider"}]},
                {"code": "2", "target": [{"equivalence": "unmatched"}]},
                {
                    "code": "3",
                    "target": [
                        {
                            "code": "C",
                            "equivalence": "equal",
                            "dependsOn": [{"property": "urn:sex", "value": "f"}],
                            "product": [{"property": "urn:p", "system": "urn:q", "value": "x"}],
                        }
                    ],
                },
            ],
            "unmapped": {"mode": "other-map", "url": "urn:other"},
        }
    ],
}
FIXED: Resource = {
    "url": "urn:other",
    "group": [
        {"source": "urn:s", "target": "urn:t", "unmapped": {"mode": "fixed", "code": "unknown"}}
    ],
}


def ask(code: str, **more: Any) -> list[Match]:
    question = Question(more.pop("system", "urn:s"), code, **more)
    return translate(MAP, question, {"urn:other": FIXED}.get)


def test_a_code_is_translated_and_back_with_the_relation_turned_round() -> None:
    [forth] = ask("1")
    assert (forth.system, forth.code, forth.equivalence) == ("urn:t", "A", "wider")
    [back] = ask("A", system="urn:t", is_reverse=True)
    assert (back.system, back.code, back.equivalence) == ("urn:s", "1", "narrower")
    assert ask("1", target_system="urn:else") == []


def test_an_unmatched_code_has_no_translation_and_no_fallback() -> None:
    assert ask("2") == []


def test_a_dependency_has_to_be_met() -> None:
    assert ask("3", dependencies={"urn:sex": "m"})[0].code == "unknown"
    [match] = ask("3", dependencies={"urn:sex": "f"})
    assert match.code == "C"
    assert match.products[0]["value"] == "x"


def test_a_code_that_a_map_leaves_out_follows_its_rule() -> None:
    [match] = ask("9")
    assert (match.code, match.equivalence, match.map) == ("unknown", None, "urn:other")
    endless = {"group": [{"source": "urn:s", "unmapped": {"mode": "other-map", "url": "urn:x"}}]}
    assert translate(endless, Question("urn:s", "1"), lambda _: endless) == []


def test_a_map_applies_to_its_own_sides() -> None:
    assert applies(MAP, None, None)
    assert applies(MAP, "urn:from|2", "urn:to")
    assert not applies(MAP, "urn:to", None)
