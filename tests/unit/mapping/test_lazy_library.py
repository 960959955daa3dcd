"""A gateway compiles the mappings of its channels, and others when they are first asked for."""

from pathlib import Path

import pytest

from gateway.errors import GatewayError
from gateway.fhir.definitions import load
from gateway.formats import DIALECTS, READERS
from gateway.mapping import Library

MAPPING = """mapping: 1
id: {id}
source: {{format: rows}}
resources:
  - as: patient
    type: Patient
    key: {{system: "urn:oid:2.16.156.10011.1.3", value: NO}}
    set:
      {element}: true
"""


def write(folder: Path, id_: str, element: str = "active") -> None:
    place = folder / id_
    place.mkdir(parents=True, exist_ok=True)
    (place / "map.yaml").write_text(MAPPING.format(id=id_, element=element), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "county/one")
    write(tmp_path, "county/two")
    return tmp_path


def lazy(folder: Path) -> Library:
    return Library([folder], DIALECTS, load(), READERS, is_lenient=True, is_lazy=True)


def test_only_what_is_wanted_or_asked_for_is_compiled(folder: Path) -> None:
    library = lazy(folder)
    assert set(library.programs) == set()
    library.want(["county/one", "county/none"])
    assert set(library.programs) == {"county/one"}
    assert library.get("county/two").id == "county/two"
    assert set(library.programs) == {"county/one", "county/two"}


def test_a_wanted_mapping_that_is_refused_says_why_each_time_and_works_once_mended(
    folder: Path,
) -> None:
    write(folder, "county/two", "aktive")
    library = lazy(folder)
    library.want(["county/one", "county/two"])
    assert [Path(path).parent.name for path in library.failures] == ["two"]
    for _ in range(2):
        with pytest.raises(GatewayError, match="aktive"):
            library.get("county/two")
    assert library.get("county/one").id == "county/one"
    write(folder, "county/two")
    assert library.refresh() == {}
    assert library.get("county/two").id == "county/two"


def test_a_mapping_that_is_put_there_later_is_found(folder: Path) -> None:
    library = lazy(folder)
    with pytest.raises(GatewayError, match="GW-3003"):
        library.get("county/three")
    write(folder, "county/three")
    assert library.get("county/three").id == "county/three"


def test_a_refresh_sees_a_changed_file_of_a_running_program_only(folder: Path) -> None:
    library = lazy(folder)
    library.want(["county/one"])
    before = library.get("county/one")
    assert library.refresh() is None
    write(folder, "county/two", "deceasedBoolean")
    assert library.refresh() is None
    write(folder, "county/one", "deceasedBoolean")
    assert library.refresh() == {}
    assert library.get("county/one").hash != before.hash
