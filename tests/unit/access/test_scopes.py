"""Scopes: what is understood, what it permits, how asking narrows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.scopes import (
    LETTERS,
    Scope,
    granted,
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
        ("system/Patient.rs?name=x", 1),
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
