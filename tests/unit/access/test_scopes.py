"""Scopes: what is understood, what it permits, how asking narrows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.scopes import (
    LETTERS,
    Scope,
    granted,
    narrowed_types,
    parse_scopes,
    permits,
    permits_intake,
    readable_types,
)
from gateway.errors import GatewayError


def test_a_version_2_scope_permits_only_its_letters() -> None:
    scopes = parse_scopes("system/Observation.rs")
    assert permits(scopes, "Observation", "read")
    assert permits(scopes, "Observation", "search")
    assert not permits(scopes, "Observation", "create")
    assert not permits(scopes, "Patient", "read")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("system/*.read", "system/*.rs"),
        ("system/Patient.write", "system/Patient.cud"),
        ("system/Patient.*", "system/Patient.cruds"),
    ],
)
def test_a_version_1_scope_means_what_smart_2_says_it_means(old: str, new: str) -> None:
    # SMART App Launch 2.0, "Scopes for requesting FHIR resources": .read is .rs, .write is .cud.
    assert parse_scopes(old) == parse_scopes(new)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("system/Patient.sr", 1),
        ("system/Patient.", 1),
        ("system/Patient", 1),
        ("patient/Patient.rs", 1),
        ("system/*.rs system/Patient.x", 13),
        ("system/*.rs?_id=x", 1),
        ("system/Patient.cruds?name=x", 1),
        ("system/Patient.rs?", 1),
        ("intake/", 1),
        ("intake/a/b", 1),
        ("system/Patient.rs system/𝔓atient.rs", 19),
    ],
)
def test_a_word_that_is_no_scope_is_refused_with_its_column(text: str, column: int) -> None:
    with pytest.raises(GatewayError) as caught:
        parse_scopes(text)
    assert caught.value.number == "GW-8010"
    assert caught.value.where is not None
    assert caught.value.where.column == column


def test_asking_for_all_types_gives_only_the_registered_one() -> None:
    given_scopes = granted(parse_scopes("system/*.cruds"), parse_scopes("system/Patient.rs"))
    assert given_scopes == (Scope("system", "Patient", "rs"),)


def test_asking_for_something_else_gives_nothing() -> None:
    held = parse_scopes("system/Patient.rs intake/lis")
    assert granted(parse_scopes("system/Patient.c intake/his"), held) == ()


def test_an_intake_scope_opens_its_channel_and_no_resource() -> None:
    scopes = parse_scopes("intake/lis-oru")
    assert permits_intake(scopes, "lis-oru")
    assert not permits_intake(scopes, "his-adt")
    assert not permits(scopes, "Patient", "read")
    assert readable_types(scopes) == frozenset()


def test_a_wildcard_reads_every_type_and_a_write_scope_none() -> None:
    assert readable_types(parse_scopes("system/*.rs")) is None
    assert readable_types(parse_scopes("system/Patient.cud")) == frozenset()


_SCOPES = st.builds(
    Scope,
    st.just("system"),
    st.sampled_from(["*", "Patient", "Observation"]),
    st.sets(st.sampled_from("cruds"), min_size=1).map(
        lambda letters: "".join(sorted(letters, key="cruds".index))
    ),
)


@given(st.lists(_SCOPES, max_size=4), st.lists(_SCOPES, max_size=4))
def test_what_is_granted_permits_exactly_what_both_sides_permit(
    asked: list[Scope], held: list[Scope]
) -> None:
    both = granted(asked, held)
    for type_ in ("Patient", "Observation", "Claim"):
        for interaction in LETTERS:
            expected = permits(asked, type_, interaction) and permits(held, type_, interaction)
            assert permits(both, type_, interaction) == expected


@given(st.lists(_SCOPES, min_size=1, max_size=4))
def test_a_scope_written_out_is_read_back_as_the_same(scopes: list[Scope]) -> None:
    assert parse_scopes(" ".join(map(str, scopes))) == tuple(dict.fromkeys(scopes))


LAB = "system/Observation.rs?category=laboratory"
LAB_R = "system/Observation.r?category=laboratory"


@pytest.mark.parametrize(
    "query",
    [
        *("subject.name=x", "_has:Provenance:target:agent=x", "_sort=date", "_count=1"),
        *(
            "colour=red",
            "date=yesterday",
            "_include=Observation:subject",
            "=",
            "code=a&_total=none",
        ),
    ],
)
def test_parameters_that_cannot_be_asked_of_every_version_are_refused(query: str) -> None:
    with pytest.raises(GatewayError, match="GW-8023"):
        parse_scopes(f"system/Observation.rs?{query}")


@pytest.mark.parametrize("type_", ["AuditEvent", "ValueSet", "Nothing"])
def test_what_is_answered_from_elsewhere_is_not_narrowed(type_: str) -> None:
    with pytest.raises(GatewayError, match="GW-8023"):
        parse_scopes(f"system/{type_}.rs?_id=x")


def test_a_narrowed_scope_is_written_out_and_read_back() -> None:
    text = f"{LAB}&code=http://loinc.org|718-7,http://loinc.org|1&value-string=a%20b%26c"
    (scope,) = parse_scopes(text)
    assert scope.query[-1] == ("value-string", "a b&c")
    assert " " not in str(scope)
    assert parse_scopes(str(scope)) == (scope,)


@pytest.mark.parametrize(
    ("asked", "held", "given"),
    [
        (LAB, "system/*.cruds", LAB),
        ("system/*.cruds", LAB, LAB),
        ("system/Observation.cr", LAB, LAB_R),
        (LAB, "system/Observation.r?status=final", f"{LAB_R}&status=final"),
        (LAB, "system/Observation.cud", ""),
        (LAB, LAB, LAB),
    ],
)  # fmt: skip
def test_parameters_of_both_sides_hold(asked: str, held: str, given: str) -> None:
    assert granted(parse_scopes(asked), parse_scopes(held)) == parse_scopes(given)


@pytest.mark.parametrize(
    ("text", "is_narrow"),
    [
        (LAB, True),
        (f"{LAB} system/Observation.cud", True),
        (f"{LAB} system/*.r", True),
        (f"{LAB} system/*.rs", False),
        (f"{LAB} system/Patient.rs", True),
        ("system/Observation.r?category=laboratory system/Observation.s", True),
    ],
)
def test_a_type_is_whole_only_where_a_wider_scope_permits_as_much(
    text: str, is_narrow: bool
) -> None:
    expected = (("Observation", ((("category", "laboratory"),),)),) if is_narrow else ()
    assert narrowed_types(parse_scopes(text)) == expected
