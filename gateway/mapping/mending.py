"""What is looked at once more as soon as an object of a rule is whole."""

from collections.abc import Callable
from typing import Any

from gateway.mapping.code import Code, Here
from gateway.mapping.run import Frame
from gateway.mapping.writers import Keep, One

Mend = Callable[[dict[str, Any], Frame, str], None]
"""Change an object of a frame that stands at a pointer."""


def mended(one: One, elements: tuple[str, str], mend: Mend) -> One:
    """Let a rule's objects that hold both elements be mended before they are kept."""
    condition = " and ".join(f"{name!r} in {{made}}" for name in elements)

    def write(code: Code, here: Here, keep: Keep) -> None:
        def check(made: str) -> None:
            made = code.named(made)
            with code.block(f"if {condition.format(made=made)}:"):
                code.put(f"{code.bind(mend, 'mend')}({made}, {here.frame}, {here.path})")
            keep(made)

        one(code, here, check)

    return write
