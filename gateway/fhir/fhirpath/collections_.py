"""Functions on collections: existence, filtering, subsetting, combining (N1, 5.1 to 5.4)."""

from typing import Any

from gateway.fhir.fhirpath.context import Env
from gateway.fhir.fhirpath.errors import EvaluationError
from gateway.fhir.fhirpath.navigation import children, descendants
from gateway.fhir.fhirpath.registry import Closure, eager, lazy
from gateway.fhir.fhirpath.values import (
    Collection,
    Node,
    distinct,
    equal,
    equivalent,
    key,
    plain,
    single,
    single_boolean,
)

_ROUNDS = 10_000


def each(env: Env, focus: Collection, closure: Closure) -> list[Collection]:
    """Evaluate a closure for each item, with ``$this`` and ``$index`` set."""
    env.spend(len(focus))
    this, index, defined = env.this, env.index, env.defined
    results: list[Collection] = []
    try:
        for position, item in enumerate(focus):
            only = [item]
            env.this, env.index = only, position
            results.append(closure(env, only))
            env.defined = defined
    finally:
        env.this, env.index, env.defined = this, index, defined
    return results


@eager("empty")
def empty(_: Env, focus: Collection) -> Collection:
    """Say whether there is nothing."""
    return [not focus]


@lazy("exists", 0, 1)
def exists(env: Env, focus: Collection, criteria: Closure | None = None) -> Collection:
    """Say whether there is something (that meets the criteria)."""
    return [bool(where(env, focus, criteria) if criteria else focus)]


@lazy("all", 1)
def all_(env: Env, focus: Collection, criteria: Closure) -> Collection:
    """Say whether every item meets the criteria."""
    return [all(single_boolean(one) is True for one in each(env, focus, criteria))]


def _booleans(focus: Collection) -> list[bool]:
    values = [plain(item) for item in focus]
    if not all(isinstance(value, bool) for value in values):
        raise EvaluationError("booleans are expected here")
    return values


@eager("allTrue")
def all_true(_: Env, focus: Collection) -> Collection:
    """Say whether all are true."""
    return [all(_booleans(focus))]


@eager("anyTrue")
def any_true(_: Env, focus: Collection) -> Collection:
    """Say whether any is true."""
    return [any(_booleans(focus))]


@eager("allFalse")
def all_false(_: Env, focus: Collection) -> Collection:
    """Say whether all are false."""
    return [not any(_booleans(focus))]


@eager("anyFalse")
def any_false(_: Env, focus: Collection) -> Collection:
    """Say whether any is false."""
    return [not all(_booleans(focus))]


@eager("subsetOf", 1)
def subset_of(_: Env, focus: Collection, other: Collection) -> Collection:
    """Say whether every item is in the other collection."""
    return [{key(item) for item in focus} <= {key(item) for item in other}]


@eager("supersetOf", 1)
def superset_of(_: Env, focus: Collection, other: Collection) -> Collection:
    """Say whether the other's items are all here."""
    return [{key(item) for item in focus} >= {key(item) for item in other}]


@eager("count")
def count(_: Env, focus: Collection) -> Collection:
    """Count the items."""
    return [len(focus)]


@eager("distinct")
def distinct_items(_: Env, focus: Collection) -> Collection:
    """Drop doubles."""
    return distinct(focus)


@eager("isDistinct")
def is_distinct(_: Env, focus: Collection) -> Collection:
    """Say whether no item stands twice."""
    return [len({key(item) for item in focus}) == len(focus)]


@lazy("where", 1)
def where(env: Env, focus: Collection, criteria: Closure) -> Collection:
    """Keep items that meet the criteria."""
    verdicts = each(env, focus, criteria)
    return [item for item, one in zip(focus, verdicts, strict=True) if single_boolean(one) is True]


@lazy("select", 1)
def select(env: Env, focus: Collection, projection: Closure) -> Collection:
    """Give the projections of all items in one collection."""
    return [item for found in each(env, focus, projection) for item in found]


@lazy("repeat", 1)
def repeat(env: Env, focus: Collection, projection: Closure) -> Collection:
    """Project again and again until nothing new appears."""
    found: Collection = []
    seen: set[Any] = set()
    waiting = list(focus)
    for _ in range(_ROUNDS):
        fresh = [item for item in select(env, waiting, projection) if key(item) not in seen]
        if not fresh:
            return found
        waiting = distinct(fresh)
        seen.update(key(item) for item in waiting)
        found.extend(waiting)
    raise EvaluationError("repeat() finds no end")


@lazy("aggregate", 1, 2)
def aggregate(
    env: Env, focus: Collection, step: Closure, start: Closure | None = None
) -> Collection:
    """Fold the items into ``$total``."""
    env.spend(len(focus))
    total, this, index = env.total, env.this, env.index
    env.total = start(env, env.this) if start else []
    try:
        for position, item in enumerate(focus):
            env.this, env.index = [item], position
            env.total = step(env, [item])
        return env.total
    finally:
        env.total, env.this, env.index = total, this, index


@eager("single")
def only(_: Env, focus: Collection) -> Collection:
    """Give the only item; an error when there are several."""
    if len(focus) > 1:
        raise EvaluationError("single() found several items")
    return focus


@eager("first")
def first(_: Env, focus: Collection) -> Collection:
    """Give the first item."""
    return focus[:1]


@eager("last")
def last(_: Env, focus: Collection) -> Collection:
    """Give the last item."""
    return focus[-1:]


@eager("tail")
def tail(_: Env, focus: Collection) -> Collection:
    """Give all but the first item."""
    return focus[1:]


def _whole(argument: Collection) -> int:
    value = single(argument)
    if not isinstance(value, int) or isinstance(value, bool):
        raise EvaluationError("a whole number is expected")
    return value


@eager("skip", 1)
def skip(_: Env, focus: Collection, number: Collection) -> Collection:
    """Leave the first items out."""
    return focus[max(0, _whole(number)) :]


@eager("take", 1)
def take(_: Env, focus: Collection, number: Collection) -> Collection:
    """Give the first items."""
    return focus[: max(0, _whole(number))]


@eager("intersect", 1)
def intersect(_: Env, focus: Collection, other: Collection) -> Collection:
    """Give items that are in both, each once."""
    theirs = {key(item) for item in other}
    return distinct(item for item in focus if key(item) in theirs)


@eager("exclude", 1)
def exclude(_: Env, focus: Collection, other: Collection) -> Collection:
    """Give items that are not in the other, in order, with doubles."""
    theirs = {key(item) for item in other}
    return [item for item in focus if key(item) not in theirs]


@eager("union", 1)
def union(_: Env, focus: Collection, other: Collection) -> Collection:
    """Merge both, each item once."""
    return distinct([*focus, *other])


@eager("combine", 1)
def combine(_: Env, focus: Collection, other: Collection) -> Collection:
    """Merge both, with doubles."""
    return [*focus, *other]


@eager("children")
def child_nodes(env: Env, focus: Collection) -> Collection:
    """Give all direct children."""
    model = env.context.model
    return [inner for item in focus if type(item) is Node for inner in children(model, item)]


@eager("descendants")
def descendant_nodes(env: Env, focus: Collection) -> Collection:
    """Give all children at every depth."""
    return descendants(env.context.model, focus)


@lazy("iif", 2, 3)
def iif(
    env: Env, focus: Collection, criterion: Closure, then: Closure, otherwise: Closure | None = None
) -> Collection:
    """Choose: only the chosen branch is evaluated."""
    if len(focus) > 1:
        raise EvaluationError("iif() works on one item")
    this = env.this
    env.this = focus or this
    try:
        if single_boolean(criterion(env, focus)) is True:
            return then(env, focus)
        return otherwise(env, focus) if otherwise else []
    finally:
        env.this = this


@eager("not")
def not_(_: Env, focus: Collection) -> Collection:
    """Negate a boolean."""
    value = single_boolean(focus)
    return [] if value is None else [not value]


@lazy("trace", 1, 2)
def trace(_: Env, focus: Collection, *__: Closure) -> Collection:
    """Pass the items on; nothing is written."""
    return focus


@lazy("defineVariable", 1, 2)
def define_variable(
    env: Env, focus: Collection, name: Closure, value: Closure | None = None
) -> Collection:
    """Name a collection for what follows in this chain."""
    named = single(name(env, env.this))
    if not isinstance(named, str):
        raise EvaluationError("a variable has a name")
    if named in env.defined or named in ("context", "resource", "rootResource", "ucum"):
        raise EvaluationError("the variable is already defined")
    env.defined = {**env.defined, named: value(env, focus) if value else focus}
    return focus


@eager("comparable", 1)
def is_comparable(_: Env, focus: Collection, other: Collection) -> Collection:
    """Say whether two values can be compared."""
    if len(focus) != 1 or len(other) != 1:
        return []
    return [equal(focus[0], other[0]) is not None or equivalent(focus[0], other[0])]
