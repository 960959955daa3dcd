"""Every way of asking for one observation of a person; each says whether it was given."""

from collections.abc import Callable
from typing import Any

from tests.support.access_world import Case, World

Way = Callable[[World, str, Case], bool]


def _ids(answer: Any) -> set[str]:
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return {
        one["resource"]["id"]
        for one in answer.get_json().get("entry", [])
        if "resource" in one and "id" in one["resource"]
    }


def _status(path: str, absent: int, present: int, method: str = "GET", **headers: str) -> Way:
    def way(world: World, viewer: str, case: Case) -> bool:
        answer = world.ask(viewer, method, path.format(case=case), **headers)
        assert answer.status_code in {absent, present}, answer.get_data(as_text=True)
        return bool(answer.status_code == present)

    return way


def _listed(path: str) -> Way:
    def way(world: World, viewer: str, case: Case) -> bool:
        answer = world.ask(viewer, "GET", path.format(case=case))
        if answer.status_code == 404:
            return False
        return case.observation in _ids(answer)

    return way


def _counted(world: World, viewer: str, case: Case) -> bool:
    path = f"/Observation?code={case.code}&_summary=count"
    return bool(world.ask(viewer, "GET", path).get_json()["total"])


def _had(world: World, viewer: str, case: Case) -> bool:
    path = f"/Patient?_has:Observation:subject:code={case.code}"
    return case.patient in _ids(world.ask(viewer, "GET", path))


def _posted(world: World, viewer: str, case: Case) -> bool:
    answer = world.ask(viewer, "POST", f"/Observation/_search?_id={case.observation}", {})
    return case.observation in _ids(answer)


def _batched(world: World, viewer: str, case: Case) -> bool:
    request = {"method": "GET", "url": f"Observation/{case.observation}"}
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": [{"request": request}]}
    [entry] = world.ask(viewer, "POST", "/", bundle).get_json()["entry"]
    return bool(entry["response"]["status"].startswith("200"))


def _batch_searched(world: World, viewer: str, case: Case) -> bool:
    request = {"method": "GET", "url": f"Observation?code={case.code}"}
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": [{"request": request}]}
    [entry] = world.ask(viewer, "POST", "/", bundle).get_json()["entry"]
    return bool(entry["resource"].get("total"))


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


_NAMED = "subject:Patient.identifier={case.number}"
WAYS: dict[str, Way] = {
    "read": _status("/Observation/{case.observation}", 404, 200),
    "read as XML": _status("/Observation/{case.observation}?_format=xml", 404, 200),
    "conditional read": _status(
        "/Observation/{case.observation}", 404, 304, If_None_Match='W/"1", W/"2"'
    ),
    "vread": _status("/Observation/{case.observation}/_history/1", 404, 200),
    "history of the instance": _listed("/Observation/{case.observation}/_history"),
    "search by id": _listed("/Observation?_id={case.observation}"),
    "search by code": _listed("/Observation?code={case.code}"),
    "search by subject": _listed("/Observation?subject=Patient/{case.patient}"),
    "search sorted": _listed("/Observation?code={case.code}&_sort=-_lastUpdated"),
    "search of several types": _listed("/?_type=Observation,Patient&_id={case.observation}"),
    "search by POST": _posted,
    "count": _counted,
    "chain": _listed(f"/Observation?{_NAMED}"),
    "_has": _had,
    "_include": _listed("/Observation?code={case.code}&_include=Observation:subject"),
    "_revinclude": _listed("/Patient?_id={case.patient}&_revinclude=Observation:subject"),
    "$everything": _listed("/Patient/{case.patient}/$everything"),
    "compartment": _listed("/Patient/{case.patient}/Observation"),
    "$meta": _status("/Observation/{case.observation}/$meta", 404, 200),
    "batch": _batched,
    "search in a batch": _batch_searched,
    "update": _updated,
    "signed link": _viewed,
}
