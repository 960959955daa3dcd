"""The plain read before Flask answers as the view behind it does, and answers nothing else."""

import pytest

from tests.support.consortium import Browser

NAME = {"resourceType": "Patient", "name": [{"text": "林桂芳"}]}


def _made(county: Browser, text: str) -> str:
    made = county.post("/Patient", NAME | {"name": [{"text": text}]})
    id_: str = made.get_json()["id"]
    return id_


@pytest.mark.parametrize("text", ["林桂芳", "林" * 2000])
@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_the_short_way_and_the_long_way_answer_alike(
    county: Browser, text: str, encoding: str
) -> None:
    path = f"/Patient/{_made(county, text)}"
    short = county.get(path, Accept_Encoding=encoding)
    # A parameter that changes nothing leads the long way.
    long = county.get(f"{path}?_pretty=false", Accept_Encoding=encoding)
    assert short.status_code == long.status_code == 200
    assert short.get_data() == long.get_data()
    assert sorted(short.headers) == sorted(long.headers)


def test_absent_invisible_and_unsigned_reads_are_answered_by_the_view(
    county: Browser, city: Browser
) -> None:
    id_ = _made(county, "林桂芳")
    absent = city.get("/Patient/nobody")
    invisible = city.get(f"/Patient/{id_}")
    assert absent.status_code == invisible.status_code == 404
    assert absent.get_json()["issue"] == invisible.get_json()["issue"]
    assert county.get(f"/Patient/{id_}", Authorization="Bearer nothing").status_code == 401


def test_a_condition_is_still_heard(county: Browser) -> None:
    id_ = _made(county, "林桂芳")
    unchanged = county.get(f"/Patient/{id_}", If_None_Match='W/"1"')
    assert unchanged.status_code == 304
    assert county.get(f"/Patient/{id_}", Accept="application/fhir+xml").data[:1] == b"<"
