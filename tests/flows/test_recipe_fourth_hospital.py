"""A fourth hospital, added as docs/recipes/add-a-hospital.md says: files only, no Python."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.app import create_app
from gateway.cli.map import map_
from gateway.consortium import apply, read_description
from gateway.settings import load_settings
from gateway.store import Client
from gateway.wiring import Runtime, build_runtime
from tests.support.consortium import Browser

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent / "fourth-hospital"
TABLE = HERE / "mappings" / "longquan" / "referral" / "samples" / "longquan-referral.csv"
STORY = ROOT / "gateway" / "cli" / "demo" / "story" / "consortium.yaml"
SCOPES = {
    "qs-fourth": ("system/*.rs", "intake/longquan-referral"),
    "qs-county": ("system/*.rs",),
    "lj-city": ("system/*.rs",),
}


@pytest.fixture(scope="module")
def mappings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The consortium's mappings with the new hospital's folder beside them."""
    folder = tmp_path_factory.mktemp("fourth") / "mappings"
    for name in ("township-bsoft", "national-codes"):
        shutil.copytree(ROOT / "mappings" / name, folder / name)
    shutil.copytree(HERE / "mappings" / "longquan", folder / "longquan")
    return folder


@pytest.fixture(scope="module")
def runtime(mappings: Path) -> Iterator[Runtime]:
    """The demo's consortium, to which the new hospital's file is applied."""
    settings = load_settings({}, data_dir=mappings.parent / "data", mappings=str(mappings))
    runtime = build_runtime(settings)
    for path in (STORY, HERE / "consortium.yaml"):
        apply(
            runtime.store,
            runtime.pipeline.preparer,
            runtime.pipeline.secret,
            read_description(path),
            runtime.clock(),
        )
    for member, scopes in SCOPES.items():
        runtime.store.registry.add_client(Client(member, member, member, (1,), scopes))
    yield runtime
    runtime.close()


def client(runtime: Runtime, member: str) -> Browser:
    """Sign in as a member's client."""
    return Browser(create_app(runtime), runtime.access.issue(member, ""))


def send(runtime: Runtime) -> dict[str, object]:
    """Post the hospital's table and wait for its end."""
    browser = client(runtime, "qs-fourth")
    answer = browser.app.test_client().post(
        "/intake/longquan-referral?wait=true",
        data=TABLE.read_bytes(),
        headers={"Authorization": f"Bearer {browser.token}", "Content-Type": "text/csv"},
    )
    assert answer.status_code == 200, answer.get_data(as_text=True)
    told: dict[str, object] = answer.get_json()
    return told


def orders(runtime: Runtime, member: str) -> list[dict[str, object]]:
    """Find the new hospital's referrals with a member's eyes."""
    answer = client(runtime, member).get("/ServiceRequest")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    found = answer.get_json()
    return [entry["resource"] for entry in found.get("entry", ())]


def test_the_table_of_the_fourth_hospital_reaches_the_county_hospital_and_nobody_else(
    runtime: Runtime,
) -> None:
    assert send(runtime)["counts"] == {"stored": 2}
    seen = orders(runtime, "qs-county")
    numbers = {one["identifier"][0]["value"] for one in seen}  # type: ignore[index]
    assert numbers == {"LQ-2026-0088", "LQ-2026-0089"}
    assert {one["authoredOn"] for one in seen} == {
        "2026-11-13T10:15:00+08:00",
        "2026-11-13T11:40:00+08:00",
    }
    assert orders(runtime, "qs-fourth") == seen
    assert orders(runtime, "lj-city") == []


def test_the_same_table_sent_again_doubles_nothing(runtime: Runtime) -> None:
    first = orders(runtime, "qs-fourth")
    assert first
    assert send(runtime)["duplicate"] is True
    assert orders(runtime, "qs-fourth") == first


def test_the_mappings_own_tests_hold(mappings: Path) -> None:
    done = CliRunner().invoke(map_, ["test", str(mappings / "longquan")])
    assert done.exit_code == 0, done.output
    assert "2 test(s), 0 failed" in done.output


def test_the_folder_holds_no_program() -> None:
    kinds = {path.suffix for path in HERE.rglob("*") if path.is_file()}
    assert kinds == {".yaml", ".csv"}
