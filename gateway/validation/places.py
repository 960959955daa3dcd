"""Where an element stands: links from child to parent, read only when there is a finding."""

from typing import Any

Trail = tuple[Any, str, int | None]
"""(parent trail or None, step such as ``name`` or ``value.ofType(Quantity)``, index or None)."""


def expression(trail: Trail | None, name: str | None = None, index: int | None = None) -> str:
    """Write a trail as FHIRPath: ``Patient.name[0].family``."""
    steps: list[str] = []
    if name is not None:
        steps.append(name if index is None else f"{name}[{index}]")
    while trail is not None:
        parent, step, position = trail
        steps.append(step if position is None else f"{step}[{position}]")
        trail = parent
    return ".".join(reversed(steps))
