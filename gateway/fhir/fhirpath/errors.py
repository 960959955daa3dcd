"""The one error of FHIRPath: an expression that does not parse, or that cannot be evaluated."""

from gateway.errors import GatewayError
from gateway.records import Place


class FhirPathError(GatewayError):
    """A refusal that names the column (from 1) of the expression where it arose."""

    def __init__(
        self, number: str, expression: str, column: int, problem: str, *, is_spent: bool = False
    ) -> None:
        """Take what went wrong; ``is_spent``: it was stopped, another start would be too."""
        where = Place(expression, 1, column)
        super().__init__(number, where=where, column=column, problem=problem)
        self.column = column
        self.is_spent = is_spent


def unparsable(expression: str, column: int, problem: str) -> FhirPathError:
    """Make the error of an expression that is not FHIRPath."""
    return FhirPathError("GW-4901", expression, column, problem=problem)


class EvaluationError(ValueError):
    """What a running closure raises; ``Expression`` gives it its expression and column."""

    def __init__(self, problem: str, column: int = 1) -> None:
        super().__init__(problem)
        self.problem = problem
        self.column = column


class TooManySteps(EvaluationError):  # noqa: N818 - it ends an evaluation
    """Ends an evaluation that touches more items than it may."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"it takes more than {limit:,} steps")
