"""Parse the parameters of a search URL into a typed Query (R4 section 3.1.1)."""

from collections.abc import Sequence
from typing import Literal, Protocol, cast, get_args

from gateway.errors import GatewayError
from gateway.fhir.definitions import ParameterKind, SearchParameter
from gateway.fhir.search_additions import PINYIN
from gateway.fhir.search_model import Chain, Condition, Criterion, Has, Include, Query, Sort
from gateway.fhir.search_parameters import is_modifier, parse_values, split_escaped
from gateway.fhir.search_pinyin import asked_pinyin
from gateway.fhir.search_special import refuse
from gateway.records import CodeSets

Mode = Literal["strict", "lenient"]
Total = Literal["none", "estimate", "accurate"]
Summary = Literal["true", "text", "data", "count", "false"]
# Answered elsewhere, or known and without an index yet.
_PRESENTATION = frozenset({"_format", "_pretty", "_explain"})
# Contained resources are no matches of their own, which is the default.
_AS_ALWAYS = frozenset({("_contained", "false"), ("_containedType", "container")})
_UNANSWERED = frozenset({"_filter", "_query"})
_OWN: dict[str, ParameterKind] = {"_id": "token", "_lastUpdated": "date"}
MAX_CHAIN = 8
MAX_CONDITIONS = 50
MAX_COUNT = 1000


class Searchable(Protocol):
    """The definitions that a search is parsed by."""

    @property
    def resource_types(self) -> frozenset[str]:
        """The names of all resource types."""

    @property
    def search_parameters(self) -> dict[str, dict[str, SearchParameter]]:
        """The parameters by type and code."""

    @property
    def search_parameters_by_url(self) -> dict[str, SearchParameter]:
        """The parameters by canonical URL."""


def parse_query(
    definitions: Searchable,
    types: Sequence[str],
    pairs: Sequence[tuple[str, str]],
    mode: Mode | None = None,
    *,
    server: str | None = None,
    code_sets: CodeSets | None = None,
) -> Query:
    """Parse the decoded name and value pairs of a search on ``types``.

    ``code_sets`` answers ``:in``, ``:not-in``, ``:above`` and ``:below``.
    ``server`` is our own base URL: references that begin with it are ours. Unknown parameters:
    ``strict`` refuses them (GW-7101), ``lenient`` ignores them, and by default only names that
    begin with ``_`` are ignored, for leaving out any other would silently widen the result. Bad
    values raise GW-7102, modifiers that cannot be answered GW-7103; each names the parameter.
    """
    parser = _Parser(definitions, tuple(types), mode, server, code_sets)
    for name, value in pairs:
        if name == "_type":
            parser.narrow(value)
    for name, value in pairs:
        parser.take(name, value)
    return parser.query()


class _Parser:
    def __init__(
        self,
        definitions: Searchable,
        types: tuple[str, ...],
        mode: Mode | None,
        server: str | None,
        code_sets: CodeSets | None,
    ) -> None:
        self._code_sets = code_sets
        self._definitions = definitions
        self._types = types
        self._mode = mode
        self._server = server
        self._conditions: list[Condition] = []
        self._sorts: list[Sort] = []
        self._includes: list[Include] = []
        self._used: list[tuple[str, str]] = []
        self._ignored: list[str] = []
        self._count: int | None = None
        self._total: Total | None = None
        self._summary: Summary | None = None
        self._elements: tuple[str, ...] = ()
        # The parameter that is being parsed, as refusals name it.
        self._full = ""

    def narrow(self, value: str) -> None:
        """Keep only the types of ``_type`` (search of the whole system)."""
        wanted = tuple(part for part in value.split(",") if part)
        unknown = [type_ for type_ in wanted if type_ not in self._types]
        if unknown or not wanted:
            raise refuse("_type", "不是可检索的资源类型", "it is no resource type to search here")
        self._types = wanted

    def take(self, name: str, value: str) -> None:
        """Take one parameter."""
        if name in _PRESENTATION or name == "_type" or (name, value) in _AS_ALWAYS:
            self._used.append((name, value))
            return
        self._full = name
        control = getattr(self, f"_take{name}", None) if name in _CONTROLS else None
        try:
            if control is not None:
                control(value)
            elif name.partition(":")[0] in {"_include", "_revinclude"}:
                self._includes.append(self._include(name, value))
            elif len(self._conditions) == MAX_CONDITIONS:
                limit = MAX_CONDITIONS
                raise refuse(name, f"条件超过 {limit} 个", f"there are over {limit} conditions")
            else:
                self._conditions.append(self._condition(name, value, self._types, MAX_CHAIN))
        except GatewayError as err:
            if not self._is_ignored(err, name):
                raise
            self._ignored.append(name)
            return
        self._used.append((name, value))

    def query(self) -> Query:
        """Give the whole query."""
        return Query(
            types=self._types,
            conditions=tuple(self._conditions),
            sorts=tuple(self._sorts),
            includes=tuple(self._includes),
            count=self._count,
            total=self._total,
            summary=self._summary,
            elements=self._elements,
            used=tuple(self._used),
            ignored=tuple(dict.fromkeys(self._ignored)),
        )

    def _is_ignored(self, err: GatewayError, name: str) -> bool:
        if err.number != "GW-7101" or self._mode == "strict":
            return False
        return self._mode == "lenient" or name.startswith("_")

    # ------------------------------------------------------------ controls

    def _take_count(self, value: str) -> None:
        if not (value.isascii() and value.isdigit()):
            raise refuse("_count", "不是非负整数", "it is not a whole number from 0")
        self._count = min(int(value[:9]), MAX_COUNT)

    def _take_total(self, value: str) -> None:
        if value not in get_args(Total):
            raise refuse("_total", "应为 none、estimate 或 accurate", "none, estimate or accurate")
        self._total = cast(Total, value)

    def _take_summary(self, value: str) -> None:
        if value not in get_args(Summary):
            raise refuse("_summary", "取值不在规范之内", "true, text, data, count or false")
        self._summary = cast(Summary, value)

    def _take_elements(self, value: str) -> None:
        self._elements += tuple(part.strip() for part in value.split(",") if part.strip())

    def _take_sort(self, value: str) -> None:
        for part in value.split(","):
            code = part.strip().removeprefix("-")
            kind = self._parameter("_sort", code, self._types)[0]
            if kind not in {"string", "token", "date", "number", "quantity", "reference", "uri"}:
                raise GatewayError("GW-7104", name=code)
            self._sorts.append(Sort(self._types, code, kind, part.strip().startswith("-")))

    # ------------------------------------------------------------ conditions

    def _condition(self, name: str, value: str, types: tuple[str, ...], depth: int) -> Condition:
        if depth == 0:
            raise refuse(
                self._full, f"链式检索超过 {MAX_CHAIN} 层", f"it chains deeper than {MAX_CHAIN}"
            )
        if name.startswith("_has:"):
            return self._has(name, value, types, depth)
        if "." in name:
            return self._chain(name, value, types, depth)
        if name == "_list":
            return self._list(value, types)
        code, _, modifier = name.partition(":")
        return self._criterion(code, modifier or None, value, types)

    def _criterion(
        self, code: str, modifier: str | None, value: str, types: tuple[str, ...]
    ) -> Criterion:
        kind, parameter = self._parameter(self._full, code, types)
        components = self._components(parameter) if kind == "composite" and parameter else ()
        if modifier == "missing":
            if value not in {"true", "false"} or code in _OWN:
                raise refuse(self._full, "应为 true 或 false", "it is true or false")
            return Criterion(
                types, code, kind, (), components=components, is_missing=value == "true"
            )
        of_type = kind == "reference" and modifier in self._definitions.resource_types
        if modifier is not None and not of_type and not is_modifier(kind, modifier):
            raise GatewayError("GW-7103", name=self._full, modifier=modifier)
        if parameter is not None and parameter.url == PINYIN:
            value = asked_pinyin(value)
        values = parse_values(
            self._full,
            kind,
            value,
            modifier=modifier,
            components=components,
            server=self._server,
            code_sets=self._code_sets,
        )
        kept = None if of_type else modifier
        return Criterion(types, code, kind, values, kept, components=components)

    def _list(self, value: str, types: tuple[str, ...]) -> Has:
        """Ask for what a List names: R4's ``_list`` is a reverse chain over its items."""
        if value.startswith("$"):
            raise refuse("_list", "不支持动态列表", "lists that are computed are not kept here")
        ids = ",".join(one.strip().removeprefix("List/") for one in value.split(","))
        return Has(types, "List", "item", self._criterion("_id", None, ids, ("List",)))

    def _chain(self, name: str, value: str, types: tuple[str, ...], depth: int) -> Chain:
        head, _, rest = name.partition(".")
        code, _, type_ = head.partition(":")
        kind, _ = self._parameter(self._full, code, types)
        if kind != "reference":
            raise refuse(self._full, f"{code} 不是引用参数", f"{code} is not a reference parameter")
        targets = self._targets(code, types)
        if type_:
            if type_ not in targets:
                raise refuse(
                    self._full, f"{code} 不指向 {type_}", f"{code} does not point to {type_}"
                )
            targets = (type_,)
        inner_code = rest.partition(".")[0].partition(":")[0]
        if inner_code != "_has":
            targets = tuple(t for t in targets if self._find(inner_code, t) is not None)
        if not targets:
            raise GatewayError("GW-7101", name=self._full)
        return Chain(types, code, targets, self._condition(rest, value, targets, depth - 1))

    def _has(self, name: str, value: str, types: tuple[str, ...], depth: int) -> Has:
        parts = name.split(":", 3)
        if len(parts) != 4 or parts[1] not in self._definitions.resource_types:
            raise refuse(
                self._full, "应写成 _has:类型:引用参数:参数", "it is _has:Type:reference:parameter"
            )
        _, source, code, rest = parts
        kind, _ = self._parameter(self._full, code, (source,))
        if kind != "reference":
            raise refuse(self._full, f"{code} 不是引用参数", f"{code} is not a reference parameter")
        return Has(types, source, code, self._condition(rest, value, (source,), depth - 1))

    # ------------------------------------------------------------ includes

    def _include(self, name: str, value: str) -> Include:
        head, *modifiers = name.split(":")
        if any(modifier not in {"iterate", "recurse"} for modifier in modifiers):
            raise GatewayError("GW-7103", name=name, modifier=":".join(modifiers))
        is_reverse = head == "_revinclude"
        source, _, rest = value.partition(":")
        code, _, target = rest.partition(":")
        if value == "*" and len(self._types) == 1:
            if is_reverse:
                return self._all_pointing(is_iterated=bool(modifiers))
            source, code = self._types[0], "*"
        if source not in self._definitions.resource_types or not code:
            raise refuse(name, "应写成 类型:参数", "it is Type:parameter or Type:parameter:Target")
        if target and target not in self._definitions.resource_types:
            raise refuse(name, f"没有 {target} 这种资源", f"there is no resource type {target}")
        codes = self._reference_codes(source) if code == "*" else (code,)
        for one in codes:
            if self._parameter(name, one, (source,))[0] != "reference":
                raise refuse(name, f"{one} 不是引用参数", f"{one} is not a reference parameter")
        return Include(source, codes, target or None, is_reverse, bool(modifiers))

    def _all_pointing(self, *, is_iterated: bool) -> Include:
        """Give what may point to the type that is searched or, step by step, to anything."""
        codes = [
            f"{source}.{code}"
            for source in sorted(self._definitions.resource_types)
            for code in self._reference_codes(source)
            if is_iterated or not {*self._targets(code, (source,))}.isdisjoint(self._types)
        ]
        return Include("", tuple(codes), None, True, is_iterated)

    def _reference_codes(self, type_: str) -> tuple[str, ...]:
        known = self._definitions.search_parameters[type_]
        return tuple(code for code, one in known.items() if one.kind == "reference")

    # ------------------------------------------------------------ definitions

    def _find(self, code: str, type_: str) -> SearchParameter | None:
        return self._definitions.search_parameters[type_].get(code)

    def _parameter(
        self, full: str, code: str, types: tuple[str, ...]
    ) -> tuple[ParameterKind, SearchParameter | None]:
        """Give the kind of a parameter that all types have; raises GW-7101."""
        if code in _OWN:
            return _OWN[code], None
        found = [self._find(code, type_) for type_ in types]
        known = [one for one in found if one is not None]
        if code in _UNANSWERED or not known or len(known) != len(found):
            raise GatewayError("GW-7101", name=full)
        if len({one.kind for one in known}) > 1:
            raise refuse(full, "各类型的含义不同", "it means something else for each type")
        return known[0].kind, known[0]

    def _targets(self, code: str, types: tuple[str, ...]) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for type_ in types:
            parameter = self._find(code, type_)
            found.update(dict.fromkeys(parameter.targets if parameter else ()))
        # No targets are stated where any type may be pointed to.
        return tuple(found) or tuple(sorted(self._definitions.resource_types))

    def _components(self, parameter: SearchParameter) -> tuple[ParameterKind, ...]:
        by_url = self._definitions.search_parameters_by_url
        return tuple(by_url[url].kind for url, _ in parameter.components)


_CONTROLS = frozenset({"_count", "_total", "_summary", "_elements", "_sort"})

__all__ = ["Mode", "Query", "Searchable", "parse_query", "split_escaped"]
