"""Parameters that others make up, whose rows the index has already: they bring none.

``Observation.combo-code`` is ``code`` or ``component-code``. ``Observation.code-value-quantity`` is
``code`` and ``value-quantity``: a resource has one code and one value, so nothing else could be
meant. Rows of their own would be half of all, in the most written type.
"""

_COMBINED = (
    *("code", "data-absent-reason", "value-concept", "value-quantity"),
    *("code-value-concept", "code-value-quantity"),
)
UNIONS = {("Observation", f"combo-{code}"): (code, f"component-{code}") for code in _COMBINED}

JOINED = {
    ("Observation", f"code-{value}"): ("code", value)
    for value in ("value-concept", "value-quantity")
}


def has_rows(type_: str, code: str) -> bool:
    """Say whether a parameter brings rows of its own."""
    return (type_, code) not in UNIONS and (type_, code) not in JOINED


def components_of(types: tuple[str, ...], code: str, count: int) -> tuple[str, ...]:
    """Give the codes by which the rows of a composite's components are named."""
    own = tuple(f"{code}${position}" for position in range(1, count + 1))
    return JOINED.get((types[0], code), own) if len(types) == 1 else own


def codes_of(types: tuple[str, ...], code: str) -> tuple[str, ...]:
    """Give the codes that a parameter is made of; its own where it has rows."""
    return UNIONS.get((types[0], code), (code,)) if len(types) == 1 else (code,)
