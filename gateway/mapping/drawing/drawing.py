"""Write a first mapping from guesses; what was not guessed is listed for its author to decide."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.fhir.systems import ROOT
from gateway.mapping.drawing.concepts import Guess, guess
from gateway.mapping.drawing.fields import PLACEHOLDERS, Field
from gateway.records import Format

_PLAIN = re.compile(r"[A-Za-z_\u4e00-\u9fff][\w.\u4e00-\u9fff-]*\Z")
_STEP = re.compile(r"(?<=/)(?=[^@/])")
_ORG = f"{ROOT}/sid/org/{{uscc}}"
_CARDS = (
    ("card", "urn:oid:2.16.156.10011.1.3"),
    ("health-card", "urn:oid:2.16.156.10011.1.19"),
    ("insurance-no", f"{ROOT}/sid/nhsa/psn-no"),
    ("patient-no", f"{_ORG}/patient-no"),
)
_VISITS = (("inpatient-no", f"{_ORG}/inpatient-no"), ("outpatient-no", f"{_ORG}/outpatient-no"))


@dataclass(frozen=True, slots=True)
class Drawn:
    """A drawn mapping: its text, what was guessed, and the fields left to decide."""

    text: str
    guesses: tuple[Guess, ...]
    left: tuple[Field, ...]
    types: tuple[str, ...]


@dataclass(slots=True)
class Sketch:
    """The head of a mapping that is drawn: what is known before anything is guessed."""

    id: str
    format: Format
    kinds: Sequence[str]
    zone: str
    charset: str | None = None
    namespace: str | None = None
    extends: str | None = None
    options: Mapping[str, object] = field(default_factory=dict)


def quoted(text: str) -> str:
    """Write a text so that YAML takes it as it is."""
    return text if _PLAIN.match(text) else json.dumps(text, ensure_ascii=False)


class _Draft:
    """The lines of a mapping while they are written."""

    def __init__(self, sketch: Sketch, guesses: Mapping[str, Guess]) -> None:
        self._sketch = sketch
        self._guesses = guesses
        self.lines: list[str] = []
        self.used: dict[str, Guess] = {}
        self.types: list[str] = []
        self._anchor = ""

    def has(self, *concepts: str) -> bool:
        """Say whether one of some concepts was guessed."""
        return any(concept in self._guesses for concept in concepts)

    def shape(self, concept: str) -> str:
        """Give the shape of the values of a concept."""
        return self._guesses[concept].field.shape()

    def resource(self, name: str, type_: str, *concepts: str) -> None:
        """Begin a resource; it repeats where the first of its fields does."""
        found = [self._guesses[one].field.anchor for one in concepts if one in self._guesses]
        self._anchor = next((anchor for anchor in found if anchor), "")
        self.types.append(type_)
        self.lines += [f"  - as: {name}", f"    type: {type_}"]
        if self._anchor:
            self.lines.append(f"    each: {quoted(self.whole(self._anchor))}")

    def whole(self, path: str) -> str:
        """Give a whole path, with the prefix of the document's namespace."""
        is_prefixed = self._sketch.format == "xml" and self._sketch.namespace
        return _STEP.sub("x:", path) if is_prefixed else path

    def path(self, concept: str) -> str:
        """Give the path of a concept as its resource writes it."""
        one = self.used[concept] = self._guesses[concept]
        path = self.whole(one.field.path)
        anchor = self.whole(self._anchor)
        if not anchor or not path.startswith(anchor):
            return quoted(path)
        inner = path[len(anchor) :]
        return quoted(f".{inner}" if self._sketch.format == "xml" else inner)

    def top(self, concept: str) -> str | None:
        """Give the whole path of a concept that does not repeat; None for another."""
        one = self._guesses.get(concept)
        if one is None or one.field.anchor:
            return None
        self.used[concept] = one
        return quoted(self.whole(one.field.path))

    def why(self, *concepts: str) -> str:
        """Say what a line was guessed from."""
        found = [self._guesses[one] for one in concepts if one in self._guesses]
        zh = "、".join(one.reason_zh for one in found)
        en = "; ".join(one.reason_en for one in found)
        return f"  # 猜测 guessed: {zh} / {en}"

    def rule(self, element: str, text: str, *concepts: str) -> None:
        """Write one element's rule with its reason."""
        self.lines.append(f"      {element}: {text}{self.why(*concepts) if concepts else ''}")


def draw(fields: Sequence[Field], sketch: Sketch) -> Drawn:
    """Draw a mapping; without a number that names a patient or visit it has no resources."""
    guesses = {one.concept: one for one in guess(fields)} if not sketch.extends else {}
    draft = _Draft(sketch, guesses)
    for part in (_patient, _encounter, _condition, _observation, _referral):
        part(draft)
    nothing = sorted({text for one in fields for text in one.texts if text in PLACEHOLDERS})
    head = list(_head(sketch, draft, nothing))
    used = {one.field.path for one in draft.used.values()}
    left = tuple(one for one in fields if one.path not in used)
    text = "\n".join([*head, *draft.lines, "", *_decide(left, draft)])
    return Drawn(text + "\n", tuple(draft.used.values()), left, tuple(dict.fromkeys(draft.types)))


def _head(sketch: Sketch, draft: _Draft, nothing: Sequence[str]) -> Iterator[str]:
    yield "# 由 gateway map new 根据样例画出的初稿：逐行核对带“猜测”的地方，改对后删去注释。"
    yield "# A draft from samples: check each line marked as guessed, then take the mark away."
    yield "mapping: 1"
    yield f"id: {sketch.id}"
    if sketch.extends:
        yield f"extends: {sketch.extends}"
    yield "source:"
    yield f"  format: {sketch.format}"
    kinds = ", ".join(quoted(kind) for kind in sketch.kinds)
    if kinds:
        yield f"  messages: [{kinds}]"
    yield f"  zone: {sketch.zone}  # 猜测 guessed: 记录没有写明时区 / the records state none"
    for concept in ("referral-time", "result-time", "start"):
        if time := draft.top(concept):
            yield f"  time: {time}{draft.why(concept)}"
            break
    if sketch.namespace:
        yield f"  prefixes: {{x: {json.dumps(sketch.namespace)}}}"
    if nothing and not sketch.extends:
        texts = ", ".join(json.dumps(one, ensure_ascii=False) for one in nothing)
        yield f"absent: [{texts}]  # 猜测 guessed: 这些值表示没有 / these mean nothing"
    if not sketch.extends:
        yield "options: {uscc: null}  # 通道选项：统一社会信用代码 / option: credit code"
    options = {"uscc": "SAMPLE", **sketch.options} if not sketch.extends else dict(sketch.options)
    given = json.dumps(options, ensure_ascii=False)
    charset = f"charset: {sketch.charset}, " if sketch.charset else ""
    yield f"samples: {{{charset}options: {given}}}"
    if draft.lines:
        yield "resources:"


def _key(draft: _Draft, known: Sequence[tuple[str, str]]) -> None:
    draft.lines.append("    key:")
    for concept, system in known:
        if draft.has(concept):
            path = draft.path(concept)
            line = f'      - {{system: "{system}", value: {path}}}'
            draft.lines.append(line + draft.why(concept))


def _identifiers(draft: _Draft, known: Sequence[tuple[str, str]]) -> None:
    draft.lines.append("      identifier:")
    for concept, system in known:
        if draft.has(concept):
            check = ", as: id-card" if concept == "card" else ""
            value = f"{{from: {draft.path(concept)}{check}}}"
            draft.lines.append(f'        - set: {{system: "{system}", value: {value}}}')


def _patient(draft: _Draft) -> None:
    if not draft.has(*(concept for concept, _ in _CARDS)):
        return
    draft.resource("patient", "Patient")
    draft.lines.append("    write: merge")
    _key(draft, _CARDS)
    draft.lines.append("    set:")
    _identifiers(draft, _CARDS)
    for concept, element, rule in (
        ("name", "name", "{{set: {{text: {{from: {0}}}}}}}"),
        ("gender", "gender", "{{from: {0}, codes: gender}}"),
        ("birth", "birthDate", "{{from: {0}, as: date}}"),
        ("phone", "telecom", "{{set: {{system: phone, value: {{from: {0}}}}}}}"),
        ("address", "address", "{{set: {{text: {{from: {0}}}}}}}"),
        ("marital", "maritalStatus", "{{from: {0}, as: concept}}"),
    ):
        if draft.has(concept):
            draft.rule(element, rule.format(draft.path(concept)), concept)


def _encounter(draft: _Draft) -> None:
    if not draft.has(*(concept for concept, _ in _VISITS)):
        return
    draft.resource("visit", "Encounter")
    draft.lines.append("    write: merge")
    _key(draft, _VISITS)
    draft.lines.append("    set:")
    _identifiers(draft, _VISITS)
    draft.rule("status", "unknown")
    code, display = ("IMP", "inpatient") if draft.has("inpatient-no") else ("AMB", "ambulatory")
    system = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
    draft.rule("class", f'{{set: {{system: "{system}", code: {code}, display: {display}}}}}')
    _subject(draft)
    for concept, element in (("start", "period.start"), ("end", "period.end")):
        if draft.has(concept):
            draft.rule(element, f"{{from: {draft.path(concept)}, as: dateTime}}", concept)
    if draft.has("department"):
        draft.rule(
            "serviceType", f"{{set: {{text: {{from: {draft.path('department')}}}}}}}", "department"
        )
    if draft.has("doctor"):
        who = f"{{set: {{individual: {{set: {{display: {{from: {draft.path('doctor')}}}}}}}}}}}"
        draft.rule("participant", who, "doctor")


def _subject(draft: _Draft) -> None:
    if "Patient" in draft.types:
        draft.rule("subject", "{ref: patient}")


def _numbered(draft: _Draft, kind: str, *own: str) -> None:
    """Name a resource by the number of what it belongs to and its own code."""
    above = ("report-no", "inpatient-no", "outpatient-no", "card", "insurance-no", "patient-no")
    first = next((concept for concept in above if draft.has(concept)), None)
    parts = [concept for concept in (first, *own) if concept and draft.has(concept)]
    paths = ", ".join(draft.path(concept) for concept in parts)
    value = f'{{join: [{paths}], with: "-"}}'
    draft.lines.append(f'    key: {{system: "{_ORG}/{kind}", value: {value}}}{draft.why(*parts)}')


def _code(draft: _Draft, code: str, text: str) -> str:
    parts = []
    if draft.has(code):
        parts.append(f"coding: {{set: {{code: {{from: {draft.path(code)}}}}}}}")
    if draft.has(text):
        parts.append(f"text: {{from: {draft.path(text)}}}")
    return f"{{set: {{{', '.join(parts)}}}}}"


def _condition(draft: _Draft) -> None:
    own = ("diagnosis-code", "diagnosis")
    if not draft.has(*own) or "Patient" not in draft.types:
        return
    draft.resource("condition", "Condition", *own)
    _numbered(draft, "condition-no", own[0] if draft.has(own[0]) else own[1])
    draft.lines.append("    set:")
    draft.rule("code", _code(draft, *own), *own)
    _subject(draft)
    if "Encounter" in draft.types:
        draft.rule("encounter", "{ref: visit}")


def _observation(draft: _Draft) -> None:
    if not draft.has("result") or not draft.has("item", "item-code"):
        return
    draft.resource("observation", "Observation", "result", "item")
    _numbered(draft, "result-no", "item-code" if draft.has("item-code") else "item")
    draft.lines.append("    set:")
    draft.rule("status", "unknown")
    draft.rule("code", _code(draft, "item-code", "item"), "item-code", "item")
    _subject(draft)
    if "Encounter" in draft.types:
        draft.rule("encounter", "{ref: visit}")
    if draft.has("result-time"):
        when = f"{{from: {draft.path('result-time')}, as: dateTime}}"
        draft.rule("effectiveDateTime", when, "result-time")
    path = draft.path("result")
    unit = f", unit: {{from: {draft.path('unit')}}}" if draft.has("unit") else ""
    number = f"value: {{from: {path}, as: magnitude}}, comparator: {{from: {path}, as: comparator}}"
    when = f"when: {{number: {path}}}"
    draft.rule("valueQuantity", f"{{set: {{{number}{unit}}}, {when}}}", "result", "unit")
    draft.rule("valueString", f"{{from: {path}, when: {{not: {{number: {path}}}}}}}", "result")
    if draft.has("range"):
        draft.rule("referenceRange", f"{{from: {draft.path('range')}, as: range}}", "range")


def _referral(draft: _Draft) -> None:
    if not draft.has("referral-no") or "Patient" not in draft.types:
        return
    known = (("referral-no", f"{_ORG}/referral-no"),)
    draft.resource("referral", "ServiceRequest", "referral-no")
    _key(draft, known)
    draft.lines.append("    set:")
    _identifiers(draft, known)
    draft.rule("status", "unknown")
    draft.rule("intent", "order")
    _subject(draft)
    if "Encounter" in draft.types:
        draft.rule("encounter", "{ref: visit}")
    if draft.has("referral-time"):
        draft.rule(
            "authoredOn", f"{{from: {draft.path('referral-time')}, as: dateTime}}", "referral-time"
        )
    if draft.has("reason"):
        draft.rule("reasonCode", f"{{set: {{text: {{from: {draft.path('reason')}}}}}}}", "reason")
    for element, code, name in (
        ("requester", "from-code", "from-name"),
        ("performer", "to-code", "to-name"),
    ):
        if not draft.has(code, name):
            continue
        parts = ["type: Organization"]
        if draft.has(code):
            value = f"{{from: {draft.path(code)}}}"
            parts.append(f'identifier: {{system: "https://www.cods.org.cn", value: {value}}}')
        if draft.has(name):
            parts.append(f"display: {{from: {draft.path(name)}}}")
        draft.rule(element, f"{{ref: {{{', '.join(parts)}}}}}", code, name)


def _decide(left: Sequence[Field], draft: _Draft) -> Iterator[str]:
    """List what was not guessed, as lines that count only once their author frees them."""
    if not left:
        return
    yield "# 待定：下列字段没有猜出用途。有用的写进 resources；没人要的去掉行首的 #，写明原因。"
    yield "# To decide: map each of these, or free its line and say why nobody needs it."
    yield "# ignore:"
    for one in left:
        is_number = all(text.isdigit() for text in one.texts)
        shape = "number" if is_number and one.shape() != "date" else one.shape() or "text"
        path = quoted(draft.whole(one.path))
        count = f"{shape}, {len(set(one.texts))} 种 distinct"
        yield f'#   - {{path: {path}, why: "…"}}  # {count}'
