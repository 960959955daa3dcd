"""What a benchmark is asked for on the command line: numbers, and a word that chooses."""

import argparse
from collections.abc import Sequence


def numbers(module: str, about: str | None, words: Sequence[str] = ()) -> tuple[list[int], str]:
    """Read whole numbers and at most one of the words, in any order; ``--help`` tells both."""
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks.{module}",
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    told = f"whole numbers{''.join(f' or {word}' for word in words)}"
    parser.add_argument("asked", nargs="*", help=told)
    asked: list[str] = parser.parse_args().asked
    for one in asked:
        if not one.isdigit() and one not in words:
            parser.error(f"{one}: {told}")
    chosen = [one for one in asked if one in words]
    return [int(one) for one in asked if one.isdigit()], chosen[0] if chosen else ""
