"""What the parts of a rule are to the compiler: writers of statements (``code.Code``)."""

from collections.abc import Callable

from gateway.mapping.code import Code, Here

One = Callable[[Code, Here, str], None]
"""Leaves the value, or None, in a variable and notes the lineage of its leaves."""

Many = Callable[[Code, Here, str], None]
"""Adds the values of an array to the list in a variable; the pointer is the array's."""

Test = Callable[[Code, Here], str]
"""Gives a condition as an expression."""

Source = Callable[[Code, Here], tuple[str, str]]
"""Gives the variables of a text (None when absent) and of the places it came from."""

Put = Callable[[Code, Here, str, str | None], None]
"""Writes one element into the object in a variable.

The last variable, if any, becomes true when something other than a constant came out.
"""
