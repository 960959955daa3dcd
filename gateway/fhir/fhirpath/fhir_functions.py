"""The functions that FHIR adds to FHIRPath (R4, fhirpath.html)."""

from typing import Any

from gateway.fhir.fhirpath.context import Env
from gateway.fhir.fhirpath.errors import EvaluationError
from gateway.fhir.fhirpath.navigation import child, node_of
from gateway.fhir.fhirpath.registry import eager
from gateway.fhir.fhirpath.strings import text_of
from gateway.fhir.fhirpath.values import Collection, Node


@eager("extension", 1)
def extension(env: Env, focus: Collection, url: Collection) -> Collection:
    """Give the extensions with that url."""
    wanted = text_of(url)
    found: Collection = []
    for item in focus:
        if type(item) is not Node:
            continue
        holder = item if isinstance(item.value, dict) else Node(item.extra, "Element")
        for one in child(env.context.model, holder, "extension"):
            if isinstance(one.value, dict) and one.value.get("url") == wanted:
                found.append(one)
    return found


@eager("hasValue")
def has_value(_: Env, focus: Collection) -> Collection:
    """Say whether there is exactly one item and it is a primitive with a value."""
    if len(focus) != 1:
        return [False]
    item = focus[0]
    value = item.value if type(item) is Node else item
    return [value is not None and not isinstance(value, (dict, list))]


@eager("resolve")
def resolve(env: Env, focus: Collection) -> Collection:
    """Give the resources that references (or canonical urls) name; unknown ones are left out."""
    find = env.context.resolve
    found: Collection = []
    for item in focus:
        reference = item.value if type(item) is Node else item
        if isinstance(reference, dict):
            reference = reference.get("reference")
        if not isinstance(reference, str) or not reference:
            continue
        target = _contained(env, reference) if reference[0] == "#" else find and find(reference)
        if isinstance(target, dict):
            found.append(node_of(target))
    return found


def _contained(env: Env, reference: str) -> Any:
    root = env.context.root if isinstance(env.context.root, dict) else env.context.resource
    if not isinstance(root, dict):
        return None
    if reference == "#":
        return root
    contained = root.get("contained")
    for one in contained if isinstance(contained, list) else ():
        if isinstance(one, dict) and one.get("id") == reference[1:]:
            return one
    return None


@eager("memberOf", 1)
def member_of(env: Env, focus: Collection, value_set: Collection) -> Collection:
    """Ask the terminology; empty where it cannot say."""
    url, ask = text_of(value_set), env.context.member_of
    if len(focus) != 1 or url is None or ask is None:
        return []
    item = focus[0]
    verdict = ask(url, item.value if type(item) is Node else item)
    return [] if verdict is None else [verdict]


@eager("conformsTo", 1)
def conforms_to(env: Env, focus: Collection, profile: Collection) -> Collection:
    """Ask the validator whether an item meets a profile; empty for an unknown profile."""
    url, ask = text_of(profile), env.context.conforms_to
    if len(focus) != 1 or url is None:
        return []
    item = focus[0]
    if type(item) is not Node:
        return [False]
    prefix = "http://hl7.org/fhir/StructureDefinition/"
    name = url.removeprefix(prefix)
    if url.startswith(prefix) and env.context.model.is_a(item.type, name):
        return [True]
    verdict = None if ask is None else ask(item, url)
    return [] if verdict is None else [verdict]


@eager("htmlChecks")
def html_checks(env: Env, focus: Collection) -> Collection:
    """Say whether a narrative keeps FHIR's rules for XHTML."""
    if len(focus) != 1 or env.context.html is None:
        return [True]
    text = text_of(focus)
    return [text is None or env.context.html(text)]


eager("htmlChecks1")(html_checks)
eager("htmlChecks2")(html_checks)


@eager("elementDefinition")
def element_definition(env: Env, focus: Collection) -> Collection:
    """Give the definitions of the items' types; the compiler asks for those of elements."""
    nodes = [item for item in focus if type(item) is Node]
    return _definitions(env, [(item.type, None) for item in nodes])


def definitions_of(env: Env, owners: Collection, name: str, count: int) -> Collection:
    """Give the definition of an element for each of ``count`` items that the owners have."""
    types = dict.fromkeys(item.type for item in owners if type(item) is Node)
    model = env.context.model
    having: list[tuple[str, str | None]] = [
        (type_, name) for type_ in types if name in model.children(type_)
    ]
    if len(having) > 1:
        raise EvaluationError("elementDefinition() of elements of several types")
    return _definitions(env, having * count)


def _definitions(env: Env, asked: list[tuple[str, str | None]]) -> Collection:
    found = {pair: env.context.model.definition(*pair) for pair in dict.fromkeys(asked)}
    return [Node(one, "ElementDefinition") for pair in asked if (one := found[pair]) is not None]


@eager("checkModifiers", 0, 99)
def check_modifiers(_: Env, focus: Collection, *known: Collection) -> Collection:
    """Raise an error when an item has a modifier extension other than those named."""
    allowed = {text_of(one) for one in known}
    for item in focus:
        value = item.value if type(item) is Node else None
        modifiers = value.get("modifierExtension") if isinstance(value, dict) else None
        for modifier in modifiers if isinstance(modifiers, list) else ():
            if not isinstance(modifier, dict) or modifier.get("url") not in allowed:
                raise EvaluationError("an unknown modifier extension")
    return focus


@eager("subsumes", 1)
def subsumes(_: Env, focus: Collection, other: Collection) -> Collection:
    """Say that equal codes subsume each other; more needs a terminology server."""
    return _same_code(focus, other)


@eager("subsumedBy", 1)
def subsumed_by(_: Env, focus: Collection, other: Collection) -> Collection:
    """Say that equal codes subsume each other; more needs a terminology server."""
    return _same_code(focus, other)


def _same_code(focus: Collection, other: Collection) -> Collection:
    if len(focus) != 1 or len(other) != 1:
        return []
    pairs = [_codings(item) for item in (focus[0], other[0])]
    return [True] if pairs[0] & pairs[1] else []


def _codings(item: Any) -> set[tuple[Any, Any]]:
    value = item.value if type(item) is Node else None
    if not isinstance(value, dict):
        return set()
    codings = value.get("coding")
    found = codings if isinstance(codings, list) else [value]
    return {
        (one.get("system"), one.get("code"))
        for one in found
        if isinstance(one, dict) and isinstance(one.get("code"), str)
    }
