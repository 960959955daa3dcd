"""The search index: every R4 search parameter compiled, per type one list of look-ups."""

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple, cast

from gateway.fhir.definitions import Definitions, SearchParameter
from gateway.fhir.search_additions import PINYIN
from gateway.fhir.search_paths import Member, Path, SearchExpressionError, Truth, parse
from gateway.fhir.search_routes import Route, Test, Visit, condition, routes
from gateway.fhir.search_rows import Maker, Values, maker
from gateway.fhir.search_text import content_terms, narrative_terms
from gateway.fhir.search_unions import has_rows
from gateway.records import IndexRow, Json, Resource

RowKind = Literal[
    "token", "string", "date", "number", "quantity", "reference", "uri", "text", "position"
]


class Rows(list[IndexRow]):
    """The rows of one resource in the making; what several parameters read is made once.

    ``made`` are the values by the number of what they were made of: the resource lives as long.
    """

    __slots__ = ("made",)

    def __init__(self) -> None:
        super().__init__()
        self.made: dict[tuple[int, Maker], tuple[Values, ...]] = {}

    def values(self, value: Json, make: Maker) -> tuple[Values, ...]:
        """Give the index values of one value of the resource."""
        key = (id(value), make)
        known = self.made.get(key)
        if known is None:
            known = self.made[key] = tuple(make(value))
        return known


Extract = Callable[[Resource, Rows], None]

UNINDEXED = frozenset({"_id", "_lastUpdated", "_content", "_text", "_query", "_filter"})
"""Parameters without an expression: columns of the store, running text, named queries."""
OF_TYPE = ":of-type"


def component_name(parameter: str, position: int) -> str:
    """Name one component of a composite parameter in the index, counted from 1."""
    return f"{parameter}${position}"


class Indexer:
    """Gives the index rows of resources; compiled per type when the first one comes."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._added: dict[str, dict[str, SearchParameter]] = {}
        self._compiled: dict[str, _TypeIndex] = {}

    def add(self, type_: str, parameter: SearchParameter) -> None:
        """Index one more parameter; raises SearchExpressionError when it cannot be compiled."""
        _compile(self._definitions, type_, parameter)
        self._added.setdefault(type_, {})[parameter.code] = parameter
        self._compiled.pop(type_, None)

    def parameters(self, type_: str) -> dict[str, SearchParameter]:
        """Give the parameters of a type that are indexed, by code."""
        known = self._definitions.search_parameters[type_] | self._added.get(type_, {})
        return {code: p for code, p in known.items() if code not in UNINDEXED}

    def components(self, type_: str, code: str) -> tuple[tuple[str, RowKind], ...]:
        """Give the components of a composite parameter: names in the index and kinds."""
        parameter = self.parameters(type_)[code]
        bases = _bases(type_, parameter)
        compiled = _components(self._definitions, type_, parameter, f"{type_}.{code}", bases[0])
        return tuple((component.label, component.kind) for component in compiled)

    def compile(self, type_: str) -> None:
        """Compile a type now; raises SearchExpressionError when a parameter cannot be."""
        self._type_index(type_)

    def rows(self, resource: Resource) -> tuple[IndexRow, ...]:
        """Give the index rows of a resource of a known type, composites grouped from 1."""
        rows = Rows()
        index = self._type_index(resource["resourceType"])
        for extract in index.always:
            extract(resource, rows)
        for key in resource:
            for extract in index.by_key.get(key, ()):
                extract(resource, rows)
        _texts(resource, rows)
        return tuple(rows)

    def _type_index(self, type_: str) -> "_TypeIndex":
        index = self._compiled.get(type_)
        if index is None:
            index = _TypeIndex()
            for parameter in self.parameters(type_).values():
                if not has_rows(type_, parameter.code):
                    continue
                for first_key, extract in _compile(self._definitions, type_, parameter):
                    index.place(first_key, extract)
            self._compiled[type_] = index
        return index


def compile_indexer(definitions: Definitions) -> Indexer:
    """Make the indexer of HL7's own search parameters."""
    return Indexer(definitions)


def compile_parameter(
    definitions: Definitions, type_: str, parameter: SearchParameter
) -> list[Extract]:
    """Compile one parameter of a type; raises SearchExpressionError when it cannot be."""
    return [extract for _, extract in _compile(definitions, type_, parameter)]


class _TypeIndex:
    """The compiled parameters of one type, by the key of the resource they begin with."""

    def __init__(self) -> None:
        self.always: list[Extract] = []
        self.by_key: dict[str, list[Extract]] = {}

    def place(self, first_key: str | None, extract: Extract) -> None:
        """Put an extractor where its key will find it."""
        where = self.always if first_key is None else self.by_key.setdefault(first_key, [])
        where.append(extract)


def _compile(
    definitions: Definitions, type_: str, parameter: SearchParameter
) -> list[tuple[str | None, Extract]]:
    name = f"{type_}.{parameter.code}"
    if parameter.expression is None:
        raise SearchExpressionError(f"{name} has no expression")
    if parameter.kind == "composite":
        return _composite(definitions, type_, parameter, name)
    parsed = parse(parameter.expression)
    if isinstance(parsed, Truth):
        return [(None, _truth(condition(parsed.condition, type_, type_), name))]
    found = _routes(parsed, type_)
    kind = cast(RowKind, {"special": "position"}.get(parameter.kind, parameter.kind))
    made = _makers(found, "pinyin" if parameter.url == PINYIN else kind, name)
    extracts = [(r.first_key, _simple(r.visit(), make, kind, name)) for r, make in made]
    if kind == "token":
        extracts += _of_type(found, name)
    return extracts


def _of_type(found: list[Route], name: str) -> list[tuple[str | None, Extract]]:
    """Give the rows of ``:of-type`` beside those of an identifier."""
    made = [(route, maker("of-type", route.type, None)) for route in found]
    return [
        (route.first_key, _simple(route.visit(), make, "token", name + OF_TYPE))
        for route, make in made
        if make is not None
    ]


def _texts(resource: Resource, rows: Rows) -> None:
    type_ = resource["resourceType"]
    for code, read in (("_text", narrative_terms), ("_content", content_terms)):
        terms = read(resource)
        if terms:
            rows.append(IndexRow("text", f"{type_}.{code}", tuple(sorted(terms))))


def _routes(paths: Iterable[Path], type_: str, start: Route | None = None) -> list[Route]:
    return [route for path in paths for route in routes(path, type_, start)]


def _makers(found: list[Route], kind: str, name: str) -> list[tuple[Route, Maker]]:
    """Pair routes with what makes rows of their values.

    A choice of types may hold some that the kind has no rule for; they give nothing, as R4 says.
    """
    made = [(route, maker(kind, route.type, route.required)) for route in found]
    usable = [(route, make) for route, make in made if make is not None]
    if not usable:
        types = ", ".join(sorted({route.type for route in found})) or "no element"
        raise SearchExpressionError(f"{name}: {kind} cannot index {types}")
    return usable


def _simple(visit: Visit, make: Maker, kind: RowKind, name: str) -> Extract:
    def extract(resource: Resource, rows: Rows) -> None:
        def take(value: Json) -> None:
            for values in rows.values(value, make):
                rows.append(IndexRow(kind, name, values))

        visit(resource, take)

    return extract


def _truth(test: Test, name: str) -> Extract:
    def extract(resource: Resource, rows: Rows) -> None:
        rows.append(IndexRow("token", name, (None, "true" if test(resource) else "false", None)))

    return extract


# ---------------------------------------------------------------- composites


class Component(NamedTuple):
    """One component of a composite: how its rows are named, and the ways to its values."""

    kind: RowKind
    label: str
    is_rooted: bool
    ways: list[tuple[Visit, Maker]]

    def values(self, resource: Resource, place: Json, rows: Rows) -> list[Values]:
        """Give the index values at one occurrence of the composite."""
        found: list[Values] = []
        for visit, make in self.ways:
            places: list[Json] = []
            visit(resource if self.is_rooted else place, places.append)
            for value in places:
                found += rows.values(value, make)
        return found


def _composite(
    definitions: Definitions, type_: str, parameter: SearchParameter, name: str
) -> list[tuple[str | None, Extract]]:
    bases = _bases(type_, parameter)
    compiled = [
        (parent.visit(), _components(definitions, type_, parameter, name, parent))
        for parent in bases
    ]
    first_keys = {parent.first_key for parent in bases}
    return [(first_keys.pop() if len(first_keys) == 1 else None, _grouped(compiled))]


def _bases(type_: str, parameter: SearchParameter) -> list[Route]:
    """Give the ways to the occurrences of a composite."""
    parsed = parse(parameter.expression or "")
    bases = [] if isinstance(parsed, Truth) else _routes(parsed, type_)
    if not bases:
        raise SearchExpressionError(f"{type_}.{parameter.code} leads to no element")
    return bases


def _components(
    definitions: Definitions, type_: str, parameter: SearchParameter, name: str, parent: Route
) -> list[Component]:
    components: list[Component] = []
    for position, (url, expression) in enumerate(parameter.components, start=1):
        kind = definitions.search_parameters_by_url[url].kind
        paths = parse(expression)
        if isinstance(paths, Truth):
            raise SearchExpressionError(f"{name}: component {position} is a condition")
        is_rooted = paths[0][0] == Member("%resource")
        start = Route((), type_, type_) if is_rooted else Route((), parent.type, parent.shape)
        found = _routes([p[1:] if is_rooted else p for p in paths], type_, start)
        label = component_name(name, position)
        ways = [(r.visit(), make) for r, make in _makers(found, kind, label)]
        components.append(Component(cast(RowKind, kind), label, is_rooted, ways))
    return components


def _grouped(compiled: list[tuple[Visit, list[Component]]]) -> Extract:
    """Give the rows of each occurrence whose components all have values, in one group."""

    def extract(resource: Resource, rows: Rows) -> None:
        group = 0
        for visit, components in compiled:
            places: list[Json] = []
            visit(resource, places.append)
            for place in places:
                found = [component.values(resource, place, rows) for component in components]
                if not all(found):
                    continue
                group += 1
                rows.extend(
                    IndexRow(component.kind, component.label, values, group)
                    for component, several in zip(components, found, strict=True)
                    for values in several
                )

    return extract
