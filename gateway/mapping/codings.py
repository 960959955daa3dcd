"""Codings as senders wrote them: a code that its code system does not hold is not put under it."""

from typing import Any

from gateway.mapping.run import Frame, One, Spot
from gateway.mapping.scope import Scope


def settled(one: One, scope: Scope, spot: Spot) -> One:
    """Leave out the system of a coding whose complete code system has no such code (GW-3216).

    Code and display stay as they were sent; systems that R4 does not bring are believed.
    """
    codes_of = scope.shapes.codes_of

    def value(frame: Frame, pointer: str) -> Any:
        made = one(frame, pointer)
        if made is None or "code" not in made or "system" not in made:
            return made
        codes = codes_of(made["system"])
        if codes is None or made["code"] in codes:
            return made
        run = frame.run
        del made["system"]
        path = f"{pointer}/system"
        run.lineage[:] = [row for row in run.lineage if row[0] != path]
        places = [row[2][0] for row in run.lineage if row[0] == f"{pointer}/code" and row[2]]
        run.warn("GW-3216", spot, places[-1] if places else None)
        return made

    return value
