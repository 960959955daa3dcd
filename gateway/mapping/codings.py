"""Codings as senders wrote them: a code that its code system does not hold is not put under it."""

from typing import Any

from gateway.mapping.mending import mended
from gateway.mapping.run import Frame, Spot
from gateway.mapping.scope import Scope
from gateway.mapping.tracing import rewrite, single
from gateway.mapping.writers import One


def settled(one: One, scope: Scope, spot: Spot) -> One:
    """Leave out the system of a coding whose complete code system has no such code (GW-3216).

    Code and display stay as they were sent; systems that R4 does not bring are believed.
    """
    codes_of = scope.shapes.codes_of

    def settle(made: dict[str, Any], frame: Frame, pointer: str) -> None:
        run = frame.run
        codes = codes_of(made["system"])
        if codes is None or made["code"] in codes:
            return
        del made["system"]
        path, at = f"{pointer}/system", f"{pointer}/code"
        kept = [row for row in single(run.lineage) if row[0] != path]
        rewrite(run.lineage, 0, kept)
        cells = [sources[0] for known, _, sources in kept if known == at and sources]
        run.warn("GW-3216", spot, cells[-1].place if cells else None)

    return mended(one, ("code", "system"), settle)
