"""The functions of FHIRPath by name: eager ones take collections, lazy ones take closures."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.fhir.fhirpath.context import Env
from gateway.fhir.fhirpath.values import Collection

Closure = Callable[[Env, Collection], Collection]
Eager = Callable[..., Collection]
Lazy = Callable[..., Collection]


@dataclass(frozen=True, slots=True)
class Function:
    """``call(env, focus, *arguments)``; ``takes`` says what the arguments are."""

    call: Eager | Lazy
    least: int
    most: int
    takes: str


FUNCTIONS: dict[str, Function] = {}


def eager(name: str, least: int = 0, most: int | None = None) -> Callable[[Eager], Eager]:
    """Register a function whose arguments are evaluated first, with ``$this`` as their focus."""

    def register(call: Eager) -> Eager:
        FUNCTIONS[name] = Function(call, least, least if most is None else most, "collections")
        return call

    return register


def lazy(name: str, least: int = 0, most: int | None = None) -> Callable[[Lazy], Lazy]:
    """Register a function that evaluates its arguments itself, such as ``where``."""

    def register(call: Lazy) -> Lazy:
        FUNCTIONS[name] = Function(call, least, least if most is None else most, "closures")
        return call

    return register


def typed(name: str) -> Callable[[Eager], Eager]:
    """Register a function whose one argument is the name of a type."""

    def register(call: Eager) -> Eager:
        FUNCTIONS[name] = Function(call, 1, 1, "type")
        return call

    return register
