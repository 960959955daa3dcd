"""Parse the values of search parameters (R4 sections 3.1.1.4.1 to 3.1.1.5.15)."""

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from gateway.fhir import times
from gateway.fhir.definitions import ParameterKind
from gateway.fhir.search_model import (
    PREFIXES,
    CompositeValue,
    DateValue,
    NumberValue,
    Prefix,
    ReferenceValue,
    TextValue,
    TokenValue,
    Value,
)
from gateway.fhir.search_special import near, refuse, terms_value, value_set, with_relatives
from gateway.fhir.search_values import searched_bounds
from gateway.records import CodeSets

_ESCAPE = re.compile(r"\\([\\,$|])")
_PREFIXED = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb|ap)(?=[-+.\d])")
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?([eE][-+]?\d{1,3})?", re.ASCII)
_ZONELESS = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?", re.ASCII)
_LOCAL = re.compile(r"(?:([A-Z][A-Za-z]+)/)?([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]+)?")
_MODIFIERS: dict[str, frozenset[str]] = {
    "string": frozenset({"exact", "contains"}),
    "token": frozenset({"not", "text", "of-type", "in", "not-in", "above", "below"}),
    "uri": frozenset({"above", "below"}),
    "reference": frozenset({"identifier"}),
}
_SPECIAL = "http://hl7.org/fhir/special-values"
_RUNNING_TEXT = ("_text", "_content")
MAX_ALTERNATIVES = 500


def split_escaped(text: str, separator: str) -> list[str]:
    """Split at a separator that no backslash stands before; escapes stay."""
    parts, start, at = [], 0, 0
    while at < len(text):
        if text[at] == "\\":
            at += 2
            continue
        if text[at] == separator:
            parts.append(text[start:at])
            start = at + 1
        at += 1
    parts.append(text[start:])
    return parts


def unescape(text: str) -> str:
    """Take the backslashes of ``\\,`` ``\\$`` ``\\|`` ``\\\\`` away."""
    return _ESCAPE.sub(r"\1", text) if "\\" in text else text


def is_modifier(kind: ParameterKind, modifier: str) -> bool:
    """Say whether a kind of parameter takes a modifier that the store can answer."""
    return modifier in _MODIFIERS.get(kind, frozenset())


def parse_values(
    name: str,
    kind: ParameterKind,
    text: str,
    *,
    modifier: str | None = None,
    components: tuple[ParameterKind, ...] = (),
    server: str | None = None,
    code_sets: CodeSets | None = None,
) -> tuple[Value, ...]:
    """Parse the alternatives of one value; raises GW-7102 naming the parameter.

    ``code_sets`` answers what is in a value set, above or below a code.
    """
    if "\x00" in text:
        raise refuse(name, "含有不允许的字符", "it holds a character that is not allowed")
    alternatives = split_escaped(text, ",")
    if len(alternatives) > MAX_ALTERNATIVES:
        reason = f"{MAX_ALTERNATIVES}"
        raise refuse(name, f"备选值超过 {reason} 个", f"it lists more than {reason} values")
    if any(not one.strip() for one in alternatives):
        raise refuse(name, "值为空", "a value is empty")
    if kind == "composite":
        return tuple(_composite(name, one, components, server) for one in alternatives)
    if modifier in {"in", "not-in"}:
        return tuple(value_set(name, unescape(one).strip(), code_sets) for one in alternatives)
    if kind == "token" and modifier in {"above", "below"}:
        return tuple(
            with_relatives(name, _token(name, one), modifier, code_sets) for one in alternatives
        )
    return tuple(_single(name, kind, one, modifier, server) for one in alternatives)


def _composite(
    name: str, text: str, components: tuple[ParameterKind, ...], server: str | None
) -> Value:
    parts = split_escaped(text, "$")
    if len(parts) != len(components):
        count = len(components)
        raise refuse(name, f"应由 $ 分为 {count} 段", f"it needs {count} parts joined by $")
    pairs = zip(components, parts, strict=True)
    return CompositeValue(tuple(_single(name, kind, part, None, server) for kind, part in pairs))


def _single(
    name: str, kind: ParameterKind, text: str, modifier: str | None, server: str | None
) -> Value:
    if kind == "reference":
        if modifier == "identifier":
            return _token(name, text)
        return _reference(name, text, modifier, server)
    if kind == "token" and modifier == "text":
        return TextValue(unescape(text))
    if kind == "token" and modifier == "of-type":
        return _of_type(name, text)
    return _PARSERS[kind](name, text)


def _token(name: str, text: str) -> TokenValue:
    parts = [unescape(part).strip() for part in split_escaped(text, "|")]
    if len(parts) == 1:
        return TokenValue(None, parts[0])
    # A value may hold a bar that its sender forgot to escape; the system ends at the first.
    system, code = parts[0], "|".join(parts[1:])
    if system == _SPECIAL:
        # The implied system of booleans, which no content ever states (search.html#token).
        system = ""
    if not system and not code:
        raise refuse(name, "缺少编码", "the code is missing")
    return TokenValue(system, code or None)


def _of_type(name: str, text: str) -> TokenValue:
    parts = [unescape(part).strip() for part in split_escaped(text, "|")]
    if len(parts) < 3 or not parts[1] or not parts[2]:
        raise refuse(name, "应写成 类型系统|类型编码|号码", "it is system|code|value")
    return TokenValue(parts[0] or None, "|".join(parts[1:]))


def _text(name: str, text: str) -> Value:
    if name.endswith(_RUNNING_TEXT):
        return terms_value(name, unescape(text))
    return TextValue(unescape(text))


def _near(name: str, text: str) -> Value:
    return near(name, [unescape(part).strip() for part in split_escaped(text, "|")])


def _split_prefix(text: str) -> tuple[Prefix, str]:
    match = _PREFIXED.match(text)
    if match is None:
        return "eq", text
    found = match[1]
    return next(prefix for prefix in PREFIXES if prefix == found), text[2:]


def _date(name: str, text: str) -> DateValue:
    prefix, rest = _split_prefix(unescape(text).strip())
    # A plus sign that was not encoded in the URL arrives as a blank; a time holds no other.
    rest = rest.replace(" ", "+")
    if _ZONELESS.fullmatch(rest):
        # R4 asks for a zone (SHOULD) and lets the server assume one: UTC, as for dates.
        rest += "Z"
    try:
        low, high = times.interval(rest)
    except ValueError as err:
        raise refuse(name, "不是 FHIR 日期", "it is not a FHIR date") from err
    return DateValue(prefix, low, high)


def _number(name: str, text: str) -> NumberValue:
    prefix, rest = _split_prefix(unescape(text).strip())
    if _NUMBER.fullmatch(rest) is None:
        raise refuse(name, "不是数字", "it is not a number")
    try:
        number = Decimal(rest)
        low, high = searched_bounds(number)
    except (InvalidOperation, ValueError) as err:
        raise refuse(name, "不是数字", "it is not a number") from err
    return NumberValue(prefix, number, low, high)


def _quantity(name: str, text: str) -> NumberValue:
    parts = split_escaped(text, "|")
    if len(parts) not in {1, 3}:
        raise refuse(
            name, "应写成 数值 或 数值|单位系统|单位", "it is number or number|system|unit"
        )
    plain = _number(name, parts[0])
    if len(parts) == 1:
        return plain
    system, unit = unescape(parts[1]).strip() or None, unescape(parts[2]).strip() or None
    return NumberValue(plain.prefix, plain.number, plain.low, plain.high, system, unit)


def _reference(name: str, text: str, type_: str | None, server: str | None) -> ReferenceValue:
    value = unescape(text).strip()
    if server and value.startswith(server.rstrip("/") + "/"):
        value = value[len(server.rstrip("/")) + 1 :]
    match = _LOCAL.fullmatch(value)
    if match is None:
        return ReferenceValue(None, None, value)
    found_type, id_ = match.groups()
    if type_ and found_type and type_ != found_type:
        raise refuse(name, f"引用的类型不是 {type_}", f"the reference is not to a {type_}")
    return ReferenceValue(found_type or type_, id_)


_PARSERS: dict[str, Callable[[str, str], Value]] = {
    "token": _token,
    "string": _text,
    "uri": _text,
    "date": _date,
    "number": _number,
    "quantity": _quantity,
    "special": _near,
}
