"""From the syntax tree to closures: ``closure(env, focus) -> collection``."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from gateway.fhir.fhirpath import (
    collections_,
    conversions,
    fhir_functions,
    numbers,
    strings,
    types,
)
from gateway.fhir.fhirpath.context import CONSTANTS, FREE_SIZE, Env
from gateway.fhir.fhirpath.errors import EvaluationError, unparsable
from gateway.fhir.fhirpath.navigation import child, node_of
from gateway.fhir.fhirpath.operators import OPERATORS
from gateway.fhir.fhirpath.quantities import Quantity
from gateway.fhir.fhirpath.registry import FUNCTIONS, Closure, Function
from gateway.fhir.fhirpath.syntax import (
    Binary,
    Call,
    Dot,
    External,
    Index,
    Literal,
    Name,
    Sign,
    Special,
    Tree,
    TypeTest,
    type_name,
)
from gateway.fhir.fhirpath.values import Collection, Node, single, single_boolean

# Importing these registers their functions.
LIBRARIES = (collections_, conversions, fhir_functions, numbers, strings, types)


class Compiler:
    """Compiles one expression's tree; the expression itself is for error texts."""

    def __init__(self, expression: str) -> None:
        self._expression = expression

    def compile(self, tree: Tree) -> Closure:
        """Give the closure of a tree; raise FhirPathError for unknown functions."""
        makers: dict[type, Callable[[Any], Closure]] = {
            Literal: self._literal,
            Name: self._name,
            Call: self._call,
            Special: self._special,
            External: self._external,
            Dot: self._dot,
            Index: self._index,
            Binary: self._binary,
            Sign: self._sign,
            TypeTest: self._type_test,
        }
        return makers[type(tree)](tree)

    def _literal(self, tree: Literal) -> Closure:
        found = list(tree.values)
        return lambda _env, _focus: found

    def _name(self, tree: Name) -> Closure:
        name = tree.name

        def navigate(env: Env, focus: Collection) -> Collection:
            model = env.context.model
            if len(focus) == 1:
                item = focus[0]
                return child(model, item, name) if type(item) is Node else []
            found: Collection = []
            env.spend(len(focus))
            for item in focus:
                if type(item) is Node:
                    found.extend(child(model, item, name))
            return found

        if not tree.is_root or not name[:1].isupper():
            return navigate

        def navigate_from_type(env: Env, focus: Collection) -> Collection:
            is_a = env.context.model.is_a
            same = [item for item in focus if type(item) is Node and is_a(item.type, name)]
            return same or navigate(env, focus)

        return navigate_from_type

    def _call(self, tree: Call) -> Closure:
        function = FUNCTIONS.get(tree.name)
        if function is None:
            raise unparsable(self._expression, tree.column, f"unknown function {tree.name}()")
        if not function.least <= len(tree.arguments) <= function.most:
            problem = f"{tree.name}() does not take {len(tree.arguments)} arguments"
            raise unparsable(self._expression, tree.column, problem)
        run = self._called(function, tree)
        column = tree.column

        def call(env: Env, focus: Collection) -> Collection:
            try:
                found = run(env, focus)
                if found:
                    env.charge(found)
                return found
            except EvaluationError as err:
                if err.column == 1:
                    err.column = column
                raise

        return call

    def _called(self, function: Function, tree: Call) -> Closure:
        work = function.call
        if function.takes == "type":
            wanted = type_name(tree.arguments[0])
            if wanted is None:
                raise unparsable(self._expression, tree.column, "a type is expected")
            return lambda env, focus: work(env, focus, wanted)
        closures = [self.compile(argument) for argument in tree.arguments]
        if function.takes == "closures":
            return lambda env, focus: work(env, focus, *closures)
        if not closures:
            return work
        if len(closures) == 1:
            only = closures[0]
            return lambda env, focus: work(env, focus, only(env, env.this))
        return lambda env, focus: work(env, focus, *[one(env, env.this) for one in closures])

    def _special(self, tree: Special) -> Closure:
        if tree.name == "$this":
            return lambda env, _focus: env.this
        if tree.name == "$index":
            return lambda env, _focus: [] if env.index is None else [env.index]
        return lambda env, _focus: env.total

    def _external(self, tree: External) -> Closure:
        name, column = tree.name, tree.column
        if name in CONSTANTS:
            constant = [CONSTANTS[name]]
            return lambda _env, _focus: constant
        for prefix, space in (("vs-", "ValueSet"), ("ext-", "StructureDefinition")):
            if name.startswith(prefix):
                url = [f"http://hl7.org/fhir/{space}/{name.removeprefix(prefix)}"]
                return lambda _env, _focus: url

        def look_up(env: Env, _: Collection) -> Collection:
            context = env.context
            if name == "resource":
                return [] if context.resource is None else [node_of(context.resource)]
            if name == "rootResource":
                root = context.resource if context.root is None else context.root
                return [] if root is None else [node_of(root)]
            if name == "context":
                return env.origin
            if name in env.defined:
                return env.defined[name]
            if name not in context.variables:
                raise EvaluationError(f"%{name} is not known here", column)
            value = context.variables[name]
            return value if isinstance(value, list) else [value]

        return look_up

    def _dot(self, tree: Dot) -> Closure:
        if isinstance(tree.right, Call) and tree.right.name == "elementDefinition":
            owner, name = _last_step(tree.left)
            if name is not None and not tree.right.arguments:
                return self._definition(owner, name, tree.left)
        left, right = self.compile(tree.left), self.compile(tree.right)

        def step(env: Env, focus: Collection) -> Collection:
            return right(env, left(env, focus))

        return step

    def _definition(self, owner: Tree | None, name: str, items: Tree) -> Closure:
        """Ask for the definition of an element: an item alone does not know which it is."""
        count = self.compile(items)
        owners = None if owner is None else self.compile(owner)

        def define(env: Env, focus: Collection) -> Collection:
            above = focus if owners is None else owners(env, focus)
            return fhir_functions.definitions_of(env, above, name, len(count(env, focus)))

        return define

    def _index(self, tree: Index) -> Closure:
        left, index, column = self.compile(tree.left), self.compile(tree.index), tree.column

        def pick(env: Env, focus: Collection) -> Collection:
            items = left(env, focus)
            at = single(index(env, env.this), column)
            if at is None:
                return []
            if not isinstance(at, int) or isinstance(at, bool):
                raise EvaluationError("an index is a whole number", column)
            return [items[at]] if 0 <= at < len(items) else []

        return pick

    def _binary(self, tree: Binary) -> Closure:
        left, right = self.compile(tree.left), self.compile(tree.right)
        apply, column = OPERATORS[tree.operator], tree.column
        if tree.operator in ("and", "or", "implies"):
            return _short(left, right, tree.operator, column)
        is_square = tree.operator in ("~", "!~")

        def both(env: Env, focus: Collection) -> Collection:
            defined = env.defined
            ours = left(env, focus)
            env.defined = defined
            theirs = right(env, focus)
            env.defined = defined
            size = len(ours) + len(theirs)
            if size > FREE_SIZE:
                env.spend(size * size if is_square else size)
            found = apply(ours, theirs, column)
            if found:
                env.charge(found)
            return found

        return both

    def _sign(self, tree: Sign) -> Closure:
        operand, column = self.compile(tree.operand), tree.column
        if tree.operator == "+":
            return operand

        def negate(env: Env, focus: Collection) -> Collection:
            value = single(operand(env, focus), column)
            if value is None:
                return []
            if isinstance(value, Quantity):
                return [Quantity(-value.value, value.unit, value.is_calendar)]
            if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
                raise EvaluationError("only numbers have a sign", column)
            return [-value]

        return negate

    def _type_test(self, tree: TypeTest) -> Closure:
        left, wanted = self.compile(tree.left), tree.type
        work = FUNCTIONS[tree.operator].call
        return lambda env, focus: work(env, left(env, focus), wanted)


_FILTERS = frozenset({"where", "first", "last", "tail", "skip", "take", "single", "ofType", "as"})


def _last_step(tree: Tree) -> tuple[Tree | None, str | None]:
    """Give what an element is taken from, and its name; a filter changes neither."""
    if isinstance(tree, Index):
        return _last_step(tree.left)
    if isinstance(tree, Name) and not (tree.is_root and tree.name[:1].isupper()):
        return None, tree.name
    if isinstance(tree, Dot) and isinstance(tree.right, Name):
        return tree.left, tree.right.name
    if isinstance(tree, Dot) and isinstance(tree.right, Call) and tree.right.name in _FILTERS:
        return _last_step(tree.left)
    return None, None


def _short(left: Closure, right: Closure, operator: str, column: int) -> Closure:
    """Leave the right side out where the left one decides: invariants rely on it."""
    decisive = {"and": False, "or": True, "implies": False}[operator]
    apply = OPERATORS[operator]
    result = [operator != "and"]

    def decide(env: Env, focus: Collection) -> Collection:
        ours = left(env, focus)
        if single_boolean(ours, column) is decisive:
            return result
        return apply(ours, right(env, focus), column)

    return decide
