import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import GatewayError
from gateway.fhir import codec, json_places
from tests.unit.fhir.examples import needs_examples, paths

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
decimals = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**18), max_value=10**18)
scalars = st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**64), decimals, texts)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=20,
)


def refusal(raw: bytes) -> GatewayError:
    with pytest.raises(GatewayError) as refused:
        codec.decode(raw)
    return refused.value


@pytest.mark.parametrize(
    "number", ["72.50", "0.0000001", "0.00", "-0.10", "132.10", "123456789012345678.1234567890"]
)
def test_a_decimal_keeps_its_very_digits(number: str) -> None:
    raw = b'{"value":%s}' % number.encode()
    assert codec.encode(codec.decode(raw)) == raw


def test_an_exponent_that_adds_zeros_stays_an_exponent() -> None:
    assert codec.encode(codec.decode(b"[1e3,1E-7]")) == b"[1E+3,0.0000001]"


@settings(max_examples=150)
@given(st.lists(values, max_size=3))
def test_what_is_encoded_is_decoded_to_the_same(value: list[Any]) -> None:
    decoded = codec.decode(codec.encode(value))
    assert _exactly(decoded) == _exactly(value)
    assert codec.encode(decoded) == codec.encode(value)


def _exactly(value: Any) -> Any:
    """Replace numbers by their text: Python holds 72.5 equal to 72.50."""
    if isinstance(value, dict):
        return {key: _exactly(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_exactly(item) for item in value]
    if isinstance(value, Decimal):
        return codec.plain(value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


@settings(max_examples=100)
@given(st.lists(values, max_size=3))
def test_the_standard_library_reads_what_is_written(value: list[Any]) -> None:
    read = json.loads(codec.encode(value), parse_float=Decimal)
    assert codec.encode(read) == codec.encode(value)


@needs_examples
def test_every_official_example_keeps_its_decimals() -> None:
    for path in paths():
        raw = path.read_bytes()
        written = codec.encode(codec.decode(raw))
        first, second = (
            json.loads(text, parse_float=_digits, parse_int=_digits) for text in (raw, written)
        )
        assert first == second, path.name


def _digits(number: str) -> tuple[object, ...]:
    """Tell 72.50 from 72.5, but not 1e3 from 1E+3."""
    return Decimal(number).as_tuple()


def test_key_order_is_kept() -> None:
    assert list(codec.decode(b'{"z":1,"a":2,"m":3}')) == ["z", "a", "m"]


def test_a_byte_order_mark_is_passed_over() -> None:
    assert codec.decode(b'\xef\xbb\xbf{"a":1}') == {"a": 1}


@pytest.mark.parametrize(
    ("raw", "number", "path", "line"),
    [
        (b'{"name":[{"family":"\xff"}]}', "GW-2201", "name[0].family", 1),
        (b"", "GW-2202", "", 1),
        (b'{"a":1,\n"b":}', "GW-2202", "b", 2),
        (b'{"a":NaN}', "GW-2202", "a", 1),
        (b'{"a":[1,2', "GW-2202", "a[1]", 1),
        (b'"text"', "GW-2204", "", 1),
        (b'{"a":{"b":1,"c":2,\n"b":3}}', "GW-2205", "a.b", 2),
        (b'{"a" : 1, "\\u0061" : 2}', "GW-2205", "a", 1),
        (b'{"a":["x","\\ud800y"]}', "GW-2206", "a[1]", 1),
        (b'["\\udc00\\ud800"]', "GW-2206", "[0]", 1),
        (b'{"a":\n 1e999999999}', "GW-2207", "a", 2),
        (b'{"a":1e99999999999999999999}', "GW-2207", "a", 1),
        (b'{"a":' + b"9" * 5000 + b"}", "GW-2207", "a", 1),
    ],
)
def test_a_fault_is_refused_with_its_place(raw: bytes, number: str, path: str, line: int) -> None:
    refused = refusal(raw)
    assert refused.number == number
    assert refused.where is not None
    assert (refused.where.path, refused.where.line) == (path, line)


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 201 + b"]" * 201,
        b'{"a":' * 201 + b"1" + b"}" * 201,
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'[{"a":"]]]]\\"]]}"},' + b"[" * 200 + b"]" * 201,
    ],
)
def test_nesting_beyond_two_hundred_is_refused(raw: bytes) -> None:
    assert refusal(raw).number == "GW-2203"


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 200 + b"]" * 200,
        b'{"a":"' + b"[" * 500 + b'","b":"\\\\","c":"{\\"{"}',
        b"[" + b",".join([b'{"a":[]}'] * 500) + b"]",
    ],
)
def test_brackets_in_texts_and_in_breadth_are_no_nesting(raw: bytes) -> None:
    assert codec.encode(codec.decode(raw)) == raw


@settings(max_examples=80)
@given(values, texts)
def test_a_doubled_key_is_always_found(value: Any, key: str) -> None:
    one = codec.encode({key: value})[1:-1]
    raw = b'{"x":[{' + one + b" , " + one.replace(b":", b" : ", 0) + b"}]}"
    refused = refusal(raw)
    assert refused.number == "GW-2205"
    assert refused.where is not None
    assert refused.where.path == f"x[0].{key}"


def test_an_escaped_quote_is_no_doubled_key() -> None:
    assert codec.decode(b'{"a":"\\u0022:\\u0022"}') == {"a": '":"'}


def test_numbers_that_are_not_finite_are_not_written() -> None:
    for number in ("NaN", "Infinity"):
        with pytest.raises(GatewayError, match="GW-2207"):
            codec.encode({"value": Decimal(number)})


def test_texts_that_look_like_exponents_are_untouched() -> None:
    value = {"a": "1E-7 NaN Infinity", "b": Decimal("0.5")}
    assert codec.encode(value) == b'{"a":"1E-7 NaN Infinity","b":0.5}'


def test_a_lone_surrogate_is_not_written() -> None:
    with pytest.raises(GatewayError, match="GW-2206"):
        codec.encode({"a": "\ud800"})


def test_the_place_of_an_element_is_found_in_its_source() -> None:
    raw = b'{\n  "name": [\n    {"given": ["a",\n "b"]}\n  ]\n}'
    place = json_places.find(raw, "name[0].given[1]")
    assert place is not None
    assert (place.line, place.column) == (4, 2)
    assert json_places.find(raw, "name[1]") is None
