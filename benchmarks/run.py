"""Run benchmarks and print their ratios: all of them, or those that are named.

python -m benchmarks.run [storage] [search] [mapping] [start] …
"""

import importlib
import sys

EVERY = ("storage", "reading", "search", "mapping", "start", "validation", "delivery", "referrals")


def main(names: list[str]) -> None:
    """Run each module's ``main``."""
    for name in names or EVERY:
        importlib.import_module(f"benchmarks.{name}").main()
        print(flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
