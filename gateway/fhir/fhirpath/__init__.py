"""FHIRPath compiled to closures.

``compile("Patient.name.given")`` gives an ``Expression``; ``evaluate(resource, context)`` its
values. The language is FHIRPath N1 with FHIR R4's additions and the functions of FHIRPath 2;
``elementDefinition()`` alone is refused.
"""

from functools import lru_cache
from typing import Any

from gateway.fhir.fhirpath.compiler import Compiler
from gateway.fhir.fhirpath.context import Context, Env
from gateway.fhir.fhirpath.errors import EvaluationError, FhirPathError, TooManySteps
from gateway.fhir.fhirpath.model import Model
from gateway.fhir.fhirpath.navigation import node_of
from gateway.fhir.fhirpath.registry import Closure
from gateway.fhir.fhirpath.syntax import parse
from gateway.fhir.fhirpath.values import Collection, Node, single_boolean

__all__ = ["Context", "Expression", "FhirPathError", "Model", "Node", "compile", "node_of"]


class Expression:
    """A compiled expression; it holds no state and may be shared."""

    __slots__ = ("_closure", "text")

    def __init__(self, text: str, closure: Closure) -> None:
        self.text = text
        self._closure = closure

    def nodes(self, start: Any, context: Context) -> Collection:
        """Give the items: ``Node`` for FHIR data, plain values for computed ones.

        ``start`` is a resource, a JSON object with a type (``Node``), or a list of them.
        Raises FhirPathError with the column where evaluation fails.
        """
        items = start if isinstance(start, list) else [start]
        origin = [item if type(item) is Node else node_of(item) for item in items]
        env = Env(context, origin)
        try:
            return self._closure(env, origin)
        except EvaluationError as err:
            raise FhirPathError(
                "GW-4902",
                self.text,
                err.column,
                err.problem,
                is_spent=isinstance(err, TooManySteps),
            ) from err
        except RecursionError as err:
            raise FhirPathError("GW-4902", self.text, 1, problem="nested too deeply") from err

    def evaluate(self, start: Any, context: Context) -> Collection:
        """Give the values: JSON values for FHIR data, plain values for computed ones."""
        found = self.nodes(start, context)
        return [item.value if type(item) is Node else item for item in found]

    def is_true(self, start: Any, context: Context) -> bool | None:
        """Read the result as an invariant does: empty is None."""
        found = self.nodes(start, context)
        try:
            return single_boolean(found)
        except EvaluationError as err:
            raise FhirPathError("GW-4902", self.text, err.column, problem=err.problem) from err


@lru_cache(maxsize=8192)
def compile(expression: str) -> Expression:  # noqa: A001 - the package's word for it
    """Compile an expression, once; raise FhirPathError GW-4901 with the column of its error."""
    return Expression(expression, Compiler(expression).compile(parse(expression)))
