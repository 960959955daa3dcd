"""Every way of asking for observations of persons; each says which of them were given."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tests.support.access_world import Case, World

Way = Callable[[World, str, Sequence[Case]], set[str]]
"""(world, who asks, cases) → the observations that were given."""


def _ids(answer: Any) -> set[str]:
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return {
        one["resource"]["id"]
        for one in answer.get_json().get("entry", [])
        if "resource" in one and "id" in one["resource"]
    }


def _each(asked: Callable[[World, str, Case], bool]) -> Way:
    """Ask for one case after the other."""

    def way(world: World, viewer: str, cases: Sequence[Case]) -> set[str]:
        return {case.observation for case in cases if asked(world, viewer, case)}

    return way


def _status(path: str, absent: int, present: int, method: str = "GET", **headers: str) -> Way:
    def asked(world: World, viewer: str, case: Case) -> bool:
        answer = world.ask(viewer, method, path.format(case=case), **headers)
        assert answer.status_code in {absent, present}, answer.get_data(as_text=True)
        return bool(answer.status_code == present)

    return _each(asked)


def _listed(path: str) -> Way:
    def asked(world: World, viewer: str, case: Case) -> bool:
        answer = world.ask(viewer, "GET", path.format(case=case))
        if answer.status_code == 404:
            return False
        return case.observation in _ids(answer)

    return _each(asked)


def _joined(values: Iterable[str]) -> str:
    return ",".join(values)


def _searched(path: str) -> Way:
    """Search for all cases at once: each match is tested by itself, and none speaks for another."""

    def way(world: World, viewer: str, cases: Sequence[Case]) -> set[str]:
        asked = path.format(
            observations=_joined(case.observation for case in cases),
            codes=_joined(case.code for case in cases),
            patients=_joined(case.patient for case in cases),
            numbers=_joined(case.number for case in cases),
        )
        return _ids(world.ask(viewer, "GET", f"{asked}&_count=1000"))

    return way


def _counted(world: World, viewer: str, case: Case) -> bool:
    path = f"/Observation?code={case.code}&_summary=count"
    return bool(world.ask(viewer, "GET", path).get_json()["total"])


def _had(world: World, viewer: str, cases: Sequence[Case]) -> set[str]:
    codes = _joined(case.code for case in cases)
    path = f"/Patient?_has:Observation:subject:code={codes}&_count=1000"
    patients = _ids(world.ask(viewer, "GET", path))
    return {case.observation for case in cases if case.patient in patients}


def _posted(world: World, viewer: str, cases: Sequence[Case]) -> set[str]:
    ids = _joined(case.observation for case in cases)
    path = f"/Observation/_search?_id={ids}&_count=1000"
    return _ids(world.ask(viewer, "POST", path))


def _batched(world: World, viewer: str, cases: Sequence[Case]) -> set[str]:
    entries = _entries(world, viewer, [f"Observation/{case.observation}" for case in cases])
    return {
        case.observation
        for case, entry in zip(cases, entries, strict=True)
        if entry["response"]["status"].startswith("200")
    }


def _batch_searched(world: World, viewer: str, cases: Sequence[Case]) -> set[str]:
    entries = _entries(world, viewer, [f"Observation?code={case.code}" for case in cases])
    return {
        case.observation
        for case, entry in zip(cases, entries, strict=True)
        if entry["resource"].get("total")
    }


def _entries(world: World, viewer: str, urls: list[str]) -> list[Any]:
    entries = [{"request": {"method": "GET", "url": url}} for url in urls]
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    told: list[Any] = world.ask(viewer, "POST", "/", bundle).get_json()["entry"]
    return told


def _updated(world: World, viewer: str, case: Case) -> bool:
    """Whoever sees it is told that it is not theirs; whoever does not, that the id is refused."""
    body = {
        "resourceType": "Observation",
        "id": case.observation,
        "status": "final",
        "code": {"text": "x"},
    }
    status = world.ask(viewer, "PUT", f"/Observation/{case.observation}", body, If_Match='W/"99"')
    assert status.status_code in {403, 405, 412}, status.get_data(as_text=True)
    return bool(status.status_code != 405)


def _viewed(world: World, viewer: str, case: Case) -> bool:
    access = world.consortium.runtime.access
    path = access.sign_link(1, viewer, "Observation", case.observation)
    answer = world.consortium.app.test_client().get(path)
    assert answer.status_code in {200, 404}
    return bool(answer.status_code == 200)


_NAMED = "subject:Patient.identifier={numbers}"
WAYS: dict[str, Way] = {
    "read": _status("/Observation/{case.observation}", 404, 200),
    "read as XML": _status("/Observation/{case.observation}?_format=xml", 404, 200),
    "conditional read": _status(
        "/Observation/{case.observation}", 404, 304, If_None_Match='W/"1", W/"2"'
    ),
    "vread": _status("/Observation/{case.observation}/_history/1", 404, 200),
    "history of the instance": _listed("/Observation/{case.observation}/_history"),
    "search by id": _searched("/Observation?_id={observations}"),
    "search by code": _searched("/Observation?code={codes}"),
    "search by subject": _searched("/Observation?subject={patients}"),
    "search sorted": _searched("/Observation?code={codes}&_sort=-_lastUpdated"),
    "search of several types": _searched("/?_type=Observation,Patient&_id={observations}"),
    "search by POST": _posted,
    "count": _each(_counted),
    "chain": _searched(f"/Observation?{_NAMED}"),
    "_has": _had,
    "_include": _searched("/Observation?code={codes}&_include=Observation:subject"),
    "_revinclude": _searched("/Patient?_id={patients}&_revinclude=Observation:subject"),
    "$everything": _listed("/Patient/{case.patient}/$everything"),
    "compartment": _listed("/Patient/{case.patient}/Observation"),
    "$meta": _status("/Observation/{case.observation}/$meta", 404, 200),
    "batch": _batched,
    "search in a batch": _batch_searched,
    "update": _each(_updated),
    "signed link": _each(_viewed),
}
