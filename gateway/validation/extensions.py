"""Extensions: known or not, where they may stand, modifier or not."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gateway.fhir import fhirpath
from gateway.fhir.fhirpath import FhirPathError
from gateway.records import Resource
from gateway.validation.places import Trail
from gateway.validation.profiles.items import Item
from gateway.validation.run import Run, Scope

if TYPE_CHECKING:
    from gateway.validation.engine import Engine

_ABSOLUTE = ("http:", "https:", "urn:")
_EXAMPLES = ("example.org", "acme.com")
_HL7 = "http://hl7.org/fhir/"
# Contexts that R4 states wrongly; HL7's later extension pack corrects them.
_CORRECTED = {
    "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type": {
        "ElementDefinition.type"
    },
    "http://hl7.org/fhir/StructureDefinition/structuredefinition-normative-version": {
        "DomainResource",
        "ElementDefinition",
    },
    "http://hl7.org/fhir/StructureDefinition/valueset-concept-comments": {"CodeSystem.concept"},
    "http://hl7.org/fhir/StructureDefinition/regex": {
        "ElementDefinition",
        "ElementDefinition.type",
    },
}


def check_extension(value: Resource, trail: Trail, run: Run, engine: "Engine") -> None:
    """Check one extension against its definition; within a complex one its url is a name."""
    url = value.get("url")
    scope = run.scope
    if type(url) is not str or scope is None:
        return
    parent = trail[0]
    is_part = parent is not None and parent[1] == "extension" and parent is not scope.trail
    if not url.startswith(_ABSOLUTE):
        if not is_part:
            run.report("GW-4403", trail)
        return
    is_example = any(domain in url for domain in _EXAMPLES)
    if is_example and not run.options.allows_examples:
        run.report("GW-4409", trail, "url")
        return
    rule = _rule(url, engine)
    if rule is None:
        _report_unknown(url, is_example, trail, run)
        return
    if not _is_at_home(rule, trail, scope, engine, run):
        contexts = ", ".join(str(one.get("expression")) for one in rule.contexts)
        run.report("GW-4405", trail, url=url, allowed=contexts)
    if rule.is_modifier != (trail[1] == "modifierExtension"):
        run.report("GW-4406", trail, url=url)
    engine.book.enter(Item(value, None, "Extension", trail), url, run)


@dataclass(slots=True)
class ExtensionRule:
    """What the definition of an extension says about where it may stand.

    ``homes`` remembers the places that were found right: type of the resource, steps from it.
    """

    url: str
    contexts: list[Resource]
    is_modifier: bool
    homes: set[tuple[str, ...]] = field(default_factory=set)


def _rule(url: str, engine: "Engine") -> ExtensionRule | None:
    known = engine.extensions
    if url in known:
        return known[url]
    definition = engine.artefacts.structure(url)
    rule = None
    if definition is not None and definition.get("type") == "Extension":
        contexts = [one for one in definition.get("context", ()) if isinstance(one, dict)]
        rule = ExtensionRule(str(definition.get("url")), contexts, _is_modifier(definition))
    if len(known) < _MOST_RULES:
        known[url] = rule
    return rule


_MOST_RULES = 4_096


def _is_at_home(
    rule: ExtensionRule, trail: Trail, scope: Scope, engine: "Engine", run: Run
) -> bool:
    if not all(one.get("type") == "element" for one in rule.contexts):
        return _is_allowed(rule, trail, scope, engine, run)
    steps = [str(scope.resource.get("resourceType"))]
    current = trail[0]
    while current is not None and current != scope.trail:
        steps.append(current[1])
        current = current[0]
    place = tuple(steps)
    if place in rule.homes:
        return True
    found = _is_allowed(rule, trail, scope, engine, run)
    if found and len(rule.homes) < _MOST_RULES:
        rule.homes.add(place)
    return found


def _report_unknown(url: str, is_example: bool, trail: Trail, run: Run) -> None:
    severity = run.options.unknown_extension
    if is_example or url.startswith((_HL7, *run.options.extension_domains)):
        severity = "warning"
    elif trail[1] == "modifierExtension":
        severity = "error"
    run.report("GW-4404", trail, severity=severity, url=url)


def _is_modifier(definition: Resource) -> bool:
    for view in ("snapshot", "differential"):
        elements = (definition.get(view) or {}).get("element")
        # A stored differential may hold anything here.
        first = elements[0] if type(elements) is list and elements else None
        if type(first) is dict and "isModifier" in first:
            return first["isModifier"] is True
    return False


def _is_allowed(
    rule: ExtensionRule, trail: Trail, scope: Scope, engine: "Engine", run: Run
) -> bool:
    parent = trail[0]
    if not rule.contexts or parent is None:
        return True
    names = element_names(parent, scope, engine)
    if names & _CORRECTED.get(rule.url, set()):
        return True
    if parent == scope.trail:
        # R4 states Element for what it uses on resources too.
        names.add("Element")
    for context in rule.contexts:
        kind, expression = context.get("type"), str(context.get("expression", ""))
        if kind == "element" and _meets_element(expression, names):
            return True
        if kind == "extension":
            holder = parent[0] if parent[1].startswith("value") and parent[0] else parent
            owner = value_at(holder, scope)
            if isinstance(owner, dict) and owner.get("url") == expression:
                return True
        if kind == "fhirpath" and _meets_path(expression, parent, scope, run):
            return True
    return False


def _meets_element(expression: str, names: set[str]) -> bool:
    plain = expression.rpartition("#")[2] if "#" in expression else expression
    plain = plain.removeprefix("http://hl7.org/fhir/StructureDefinition/")
    return plain in names or plain.removesuffix("[x]") in names


def _meets_path(expression: str, parent: Trail, scope: Scope, run: Run) -> bool:
    try:
        found = fhirpath.compile(expression).evaluate(scope.resource, run.context())
    except FhirPathError:
        return False
    owner = value_at(parent, scope)
    return found == [True] or any(one is owner or (one == owner) for one in found)


def _steps(trail: Trail, scope: Scope) -> list[tuple[str, int | None]]:
    steps: list[tuple[str, int | None]] = []
    current: Trail | None = trail
    while current is not None and current != scope.trail:
        steps.append((current[1], current[2]))
        current = current[0]
    return steps[::-1]


def element_names(trail: Trail, scope: Scope, engine: "Engine") -> set[str]:
    """Name an element in every way a context may: by paths through its types, by type."""
    type_ = str(scope.resource.get("resourceType"))
    names = set(engine.model.bases(type_))
    for step, _ in _steps(trail, scope):
        name, _, chosen = step.partition(".ofType(")
        keys = engine.model.children(type_).get(name, ())
        code = chosen.rstrip(")") or (keys[0][1] if keys else "Element")
        names = {f"{known}.{name}" for known in names} | set(engine.model.bases(code))
        type_ = code
    return names


def value_at(trail: Trail, scope: Scope) -> Any:
    """Read the value at a trail; for a primitive its ``_name`` sibling."""
    value: Any = scope.resource
    for step, index in _steps(trail, scope):
        name, _, chosen = step.partition(".ofType(")
        if chosen:
            code = chosen.rstrip(")")
            name += code[:1].upper() + code[1:]
        if not isinstance(value, dict):
            return None
        inner = value.get(name)
        if index is not None:
            inner = inner[index] if isinstance(inner, list) and index < len(inner) else None
        if not isinstance(inner, dict):
            extra = value.get("_" + name)
            if index is not None:
                extra = extra[index] if isinstance(extra, list) and index < len(extra) else None
            inner = extra if isinstance(extra, dict) else inner
        value = inner
    return value
