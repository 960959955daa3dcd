"""Rules of conformance resources that invariants do not state: search parameters, profiles."""

from typing import TYPE_CHECKING, Any

from gateway.fhir.fhirpath import FhirPathError
from gateway.fhir.fhirpath.syntax import (
    Binary,
    Call,
    Dot,
    Index,
    Name,
    Tree,
    TypeTest,
    parse,
)
from gateway.records import Resource
from gateway.validation.places import Trail
from gateway.validation.profiles.tree import ProfileError, is_constraint
from gateway.validation.run import Run

if TYPE_CHECKING:
    from gateway.validation.engine import Engine


def check_conformance(resource: Resource, trail: Trail, run: Run, engine: "Engine") -> None:
    """Check a definition that is itself the resource under check."""
    if resource["resourceType"] == "SearchParameter":
        _check_search_parameter(resource, trail, run, engine)
    elif resource["resourceType"] == "StructureDefinition":
        _check_structure(resource, trail, run, engine)


def _check_search_parameter(resource: Resource, trail: Trail, run: Run, engine: "Engine") -> None:
    expression, bases = resource.get("expression"), resource.get("base")
    if type(expression) is not str or type(bases) is not list:
        return
    try:
        roots = _roots(parse(expression))
    except FhirPathError as err:
        run.report("GW-4501", trail, "expression", problem=f"{err.number} at column {err.column}")
        return
    allowed = {
        name for parent in bases if type(parent) is str for name in engine.model.bases(parent)
    }
    for root in sorted(roots & engine.resource_types - allowed):
        problem = f"{root} is no base of this search parameter"
        run.report("GW-4501", trail, "expression", problem=problem)


def _roots(tree: Tree) -> set[str]:
    """Name what each branch of a union starts from."""
    if isinstance(tree, Binary):
        return _roots(tree.left) | (_roots(tree.right) if tree.operator == "|" else set())
    if isinstance(tree, (Dot, Index, TypeTest)):
        return _roots(tree.left)
    return {tree.name} if isinstance(tree, Name) else set()


def _check_structure(resource: Resource, trail: Trail, run: Run, engine: "Engine") -> None:
    """Check that each element of a profile's differential exists in the type it constrains."""
    differential = resource.get("differential")
    elements = differential.get("element") if type(differential) is dict else None
    if not is_constraint(resource) or type(elements) is not list:
        return
    fixed = _fixed_url(elements)
    if resource.get("type") == "Extension" and fixed not in (None, resource.get("url")):
        problem = "Extension.url is fixed to another url than that of the definition"
        run.report("GW-4501", trail, problem=problem)
    parent = _parent_url(resource, engine)
    if fixed is not None and parent is not None and parent != fixed:
        problem = "Extension.url is fixed to another url than in its base definition"
        run.report("GW-4501", trail, problem=problem)
    inner: Trail = (trail, "differential", None)
    for index, element in enumerate(elements):
        path = element.get("path") if type(element) is dict else None
        if type(path) is not str:
            continue
        if not _types_at(path, engine):
            problem = "the type that is constrained has no such element"
            run.report("GW-4501", inner, "element", index, problem=problem)
        else:
            _check_discriminators(element, (inner, "element", index), run, engine)


def _fixed_url(elements: list[Any]) -> Any:
    for element in elements:
        if type(element) is dict and element.get("path") == "Extension.url":
            return element.get("fixedUri")
    return None


def _parent_url(resource: Resource, engine: "Engine") -> Any:
    """Give the url that an extension's base definition fixes; None if that is no extension."""
    try:
        tree = engine.book.tree(str(resource.get("baseDefinition")))
    except ProfileError:
        return None
    url = tree.children.get("url") if tree is not None and tree.name == "Extension" else None
    return url.fixed if url is not None else None


def _check_discriminators(element: Resource, trail: Trail, run: Run, engine: "Engine") -> None:
    """Check that each discriminator's path leads somewhere from the element that is sliced."""
    slicing = element.get("slicing")
    discriminators = slicing.get("discriminator") if type(slicing) is dict else None
    inner: Trail = (trail, "slicing", None)
    for index, one in enumerate(discriminators if type(discriminators) is list else ()):
        path = one.get("path") if type(one) is dict else None
        if type(path) is not str:
            continue
        try:
            found = _walk(_types_at(element["path"], engine), parse(path), engine)
        except FhirPathError as err:
            found, path = set(), f"column {err.column}"
        if not found:
            problem = f"the element that is sliced has no {path}"
            run.report("GW-4501", inner, "discriminator", index, problem=problem)


def _walk(types: set[str], tree: Tree, engine: "Engine") -> set[str]:
    """Follow the restricted FHIRPath of a discriminator through types (R4, profiling.html)."""
    if isinstance(tree, Dot):
        return _walk(_walk(types, tree.left, engine), tree.right, engine)
    if isinstance(tree, Name):
        return {code for owner in types for code in _step(owner, tree.name, engine)}
    if isinstance(tree, Call) and tree.name == "resolve":
        return {"Resource"} if types & {"Reference", "canonical", "Resource"} else set()
    if isinstance(tree, Call) and tree.name == "extension":
        return {"Extension"}
    if isinstance(tree, Call) and tree.name == "ofType" and tree.arguments:
        wanted = tree.arguments[0]
        return {wanted.name} if isinstance(wanted, Name) else set()
    return types


def _types_at(path: str, engine: "Engine") -> set[str]:
    """Name the types an element may have; none where there is no such element."""
    root, *steps = path.split(".")
    types = {root}
    for step in steps:
        types = {code for owner in types for code in _step(owner, step, engine)}
    return types


def _step(owner: str, step: str, engine: "Engine") -> set[str]:
    if owner == "Resource":
        # What is contained may be of any type; its profile says which.
        return {owner}
    children = engine.model.children(owner)
    keys = children.get(step.removesuffix("[x]"))
    if keys is not None:
        return {code for _, code in keys}
    return {code for keys in children.values() for key, code in keys if key == step}
