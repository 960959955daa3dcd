"""The closed list of value functions: text of the source → value of an element.

A function of text may be followed by others (``as: [{split: …}, upper]``); one that makes a date,
a number or an object stands last. ``inverse`` names what the way back does, or ``none``.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from stdnum.cn import uscc as credit_code

from gateway.mapping import conversions as to
from gateway.mapping.conversions import Make, checked, moment, pure, strict
from gateway.mapping.shapes import STRINGS
from gateway.records import LineageKind


@dataclass(frozen=True, slots=True)
class Function:
    """One value function; ``fits`` are the element types of its result, None: it gives text."""

    name: str
    make: Make
    fits: frozenset[str] | None
    kind: LineageKind
    inverse: str
    text: str
    argument: str = ""


def _fits(*types: str) -> frozenset[str]:
    return frozenset(types)


_INTEGERS = ("integer", "positiveInt", "unsignedInt")
_QUANTITIES = _fits("Quantity", "Age", "Duration", "Count", "Distance", "SimpleQuantity")
_LIST = (
    Function("string", pure(lambda t: t), None, "copied", "itself", "the text as it stands"),
    Function("upper", pure(str.upper), None, "derived", "none", "capital letters"),
    Function("lower", pure(str.lower), None, "derived", "none", "small letters"),
    Function(
        "collapsed", pure(to.collapsed), None, "copied", "itself", "white space as single blanks"
    ),
    Function("squeezed", pure(to.squeezed), None, "copied", "itself", "without any white space"),
    Function(
        "ucum",
        pure(to.ucum),
        None,
        "copied",
        "itself",
        "a unit that is a UCUM code; absent when it is none",
    ),
    Function(
        "split",
        to.make_split,
        None,
        "derived",
        "none",
        "one part of a text, counted from 1 (from the end with -1)",
        "{by: text, part: number}",
    ),
    Function(
        "prefix", to.make_prefix, None, "derived", "strips it", "puts a constant in front", "text"
    ),
    Function(
        "absent",
        to.make_absent,
        None,
        "copied",
        "itself",
        "placeholders that mean nothing here",
        "text or list",
    ),
    Function(
        "id-card",
        checked("id-card", to.is_id_card),
        None,
        "copied",
        "itself",
        "ID card (GB 11643): a wrong check digit warns; checks: error refuses",
    ),
    Function(
        "uscc",
        checked("uscc", credit_code.is_valid),
        None,
        "copied",
        "itself",
        "unified social credit code (GB 32100), checked likewise",
    ),
    Function(
        "base64",
        pure(to.base64_text),
        None,
        "derived",
        "decodes it",
        "the text as base64 (UTF-8), for Attachment.data",
    ),
    Function("md5", pure(to.md5), None, "derived", "none", "MD5 of the text, hexadecimal"),
    Function(
        "uuid",
        strict("uuid", to.uuid_text),
        None,
        "derived",
        "itself",
        "a UUID in its lower-case form",
    ),
    Function(
        "urn",
        to.make_urn,
        None,
        "derived",
        "strips it",
        "an OID as urn:oid:…, a UUID as urn:uuid:…, a URI as it is;"
        " absent leaves out anything else",
        "absent",
    ),
    Function(
        "coding-system",
        to.make_coding_system,
        None,
        "translated",
        "by systems",
        "the URL of a coding system's name or OID; an unknown name warns",
    ),
    Function(
        "comparator",
        pure(to.comparator),
        None,
        "derived",
        "none",
        "the comparator of a result (≤23.0 → <=); absent when there is none",
    ),
    Function(
        "date",
        moment("date"),
        _fits("date", "dateTime"),
        "copied",
        "yyyyMMdd",
        "date of 4, 6, 8 or more digits, yyyy-MM-dd, yyyy年M月d日; keeps its precision",
    ),
    Function(
        "dateTime",
        moment("dateTime"),
        _fits("dateTime"),
        "copied",
        "yyyyMMddHHmmss+zzzz",
        "4 to 14 digits, fraction, offset, or yyyy-MM-dd HH:mm:ss; local gets the zone",
    ),
    Function(
        "instant",
        moment("instant"),
        _fits("instant", "dateTime"),
        "copied",
        "yyyyMMddHHmmss+zzzz",
        "time to the second; left out with a warning when seconds or zone are missing",
    ),
    Function("time", moment("time"), _fits("time"), "copied", "HHmmss", "time of day"),
    Function(
        "decimal",
        strict("decimal", to.number),
        _fits("decimal"),
        "copied",
        "itself",
        "number, its scale kept",
    ),
    Function(
        "integer",
        strict("integer", to.integer),
        _fits(*_INTEGERS),
        "copied",
        "itself",
        "whole number",
    ),
    Function(
        "magnitude",
        strict("magnitude", to.magnitude),
        _fits("decimal"),
        "copied",
        "itself",
        "the number of a result, without comparator and unit (<0.5 → 0.5)",
    ),
    Function(
        "boolean",
        to.make_boolean,
        _fits("boolean"),
        "copied",
        "first text listed",
        "true or false by the texts listed",
        "{true: [texts], false: [texts]}",
    ),
    Function(
        "quantity",
        strict("quantity", to.quantity),
        _QUANTITIES,
        "copied",
        "comparator and value",
        "comparator, value and unit of one text (<0.5 mg/L)",
    ),
    Function(
        "range",
        pure(to.reference_range),
        _fits("Observation.referenceRange"),
        "copied",
        "its text",
        "reference range (9-50, ≤23.0, anything else as text)",
    ),
    Function(
        "money",
        to.make_money,
        _fits("Money"),
        "copied",
        "its value",
        "amount in a currency, exact",
        "currency (CNY)",
    ),
    Function(
        "concept",
        pure(lambda t: {"text": t}),
        _fits("CodeableConcept"),
        "copied",
        "its text",
        "free text as CodeableConcept.text",
    ),
    Function(
        "narrative",
        pure(to.narrative),
        _fits("Narrative"),
        "derived",
        "none",
        "text as escaped XHTML, lines kept",
    ),
)
FUNCTIONS: Mapping[str, Function] = {function.name: function for function in _LIST}

DEFAULTS: Mapping[str, str] = {
    **dict.fromkeys(STRINGS, "string"),
    **dict.fromkeys(_INTEGERS, "integer"),
    **{name: name for name in ("date", "dateTime", "instant", "time", "decimal", "boolean")},
}
