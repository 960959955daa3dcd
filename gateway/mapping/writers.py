"""What the parts of a rule are to the compiler: writers of statements (``code.Code``)."""

from collections.abc import Callable

from gateway.mapping.code import Code, Here

Keep = Callable[[str], None]
"""Writes, once, what is done with a value that is there, given as an expression."""

One = Callable[[Code, Here, Keep], None]
"""Writes a value, handing it on where it is there, and notes the lineage of its leaves."""

Many = Callable[[Code, Here, str], None]
"""Adds the values of an array to the list in a variable; the pointer is the array's."""

Test = Callable[[Code, Here], str]
"""Gives a condition as an expression."""

Source = Callable[[Code, Here, Callable[[str, str], None]], None]
"""Writes the reading of a text, handing on text and places where there is one."""

Put = Callable[[Code, Here, str, str | None], None]
"""Writes one element into the object in a variable.

The last variable, if any, becomes true when something other than a constant came out.
"""
