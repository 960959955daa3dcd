"""Periods whose ends were told with different precision, or the wrong way round.

R4's per-1 cannot compare ``2024-05-09`` with a time of that day, and so refuses the pair: the finer
end is cut to what the coarser says. Where the mapping leaves out what cannot be read, an end before
its start is left out, too.
"""

from typing import Any

from gateway.fhir.times import interval
from gateway.mapping.mending import mended
from gateway.mapping.run import Frame, Run, Spot
from gateway.mapping.tracing import rewrite, single
from gateway.mapping.writers import One

_PRECISIONS = (4, 7, 10)


def fitted(one: One, spot: Spot) -> One:
    """Let the periods of a rule keep per-1."""

    def fit(made: dict[str, Any], frame: Frame, pointer: str) -> None:
        _fit(made, frame, spot, pointer)

    return mended(one, ("start", "end"), fit)


def _fit(made: dict[str, Any], frame: Frame, spot: Spot, pointer: str) -> None:
    start, end = made["start"], made["end"]
    length = min(len(start), len(end))
    if length not in _PRECISIONS:
        if interval(start)[0] > interval(end)[0]:
            _leave_out(made, frame, spot, pointer)
        return
    if len(start) == len(end):
        if start > end:
            _leave_out(made, frame, spot, pointer)
        return
    if start[:length] == end[:length]:
        made["start"], made["end"] = start[:length], end[:length]
        frame.run.warn("GW-3210", spot, frame.anchor.place, path=frame.anchor.place.path)
    elif start[:length] > end[:length]:
        _leave_out(made, frame, spot, pointer)


def _leave_out(made: dict[str, Any], frame: Frame, spot: Spot, pointer: str) -> None:
    run = frame.run
    if not run.is_lenient:
        return
    del made["end"]
    _forget(run, f"{pointer}/end")
    run.warn("GW-3211", spot, frame.anchor.place, path=frame.anchor.place.path)


def _forget(run: Run, pointer: str) -> None:
    kept = list(single(run.lineage))
    for number in range(len(kept) - 1, -1, -1):
        if kept[number][0] == pointer:
            del kept[number]
            rewrite(run.lineage, 0, kept)
            return
