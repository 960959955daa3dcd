"""Parameters that are two others at once, which the index has already: they bring no rows.

``Observation.combo-code`` is ``code`` and ``component-code``. Rows of its own would be as many as
both together have, in the most written type of all.
"""

_COMBINED = (
    *("code", "data-absent-reason", "value-concept", "value-quantity"),
    *("code-value-concept", "code-value-quantity"),
)
UNIONS = {("Observation", f"combo-{code}"): (code, f"component-{code}") for code in _COMBINED}


def codes_of(types: tuple[str, ...], code: str) -> tuple[str, ...]:
    """Give the codes that a parameter is made of; its own where it has rows."""
    return UNIONS.get((types[0], code), (code,)) if len(types) == 1 else (code,)
