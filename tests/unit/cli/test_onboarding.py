"""gateway member onboard and report: from an entry in a file to a member that lacks nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.access import Access
from gateway.app import create_app
from gateway.cli import gateway
from gateway.settings import load_settings
from gateway.wiring import build_runtime
from tests.support.consortium import Browser
from tests.unit.cli.test_consortium import RECIPE, STORY, apply


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    apply(STORY, tmp_path)
    apply(RECIPE, tmp_path)
    return tmp_path


def run(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(gateway, ["member", *words, "--data-dir", str(folder)])


def lacks(folder: Path) -> set[str]:
    told = run(folder, "report", "baiyun")
    lines = told.output.splitlines()
    missing = {line[4:].split(" →")[0] for line in lines if line.startswith("NO ")}
    assert told.exit_code == (1 if missing else 0), told.output
    return missing


def supplied(folder: Path) -> None:
    """Give the member a client, an office with a phone and one responsible person, by FHIR."""
    words = ["client", "add", "baiyun-his", "--member", "baiyun", "--scope", "system/*.cruds"]
    added = CliRunner().invoke(gateway, [*words, "--data-dir", str(folder)])
    secret = json.loads(added.stdout)["client_secret"]
    runtime = build_runtime(load_settings({}, data_dir=folder))
    try:
        access: Access = runtime.access
        token = str(access.token("baiyun-his", secret)["access_token"])
        browser = Browser(create_app(runtime), token)
        member = runtime.store.registry.member(1, "baiyun")
        assert member is not None
        organization = {"reference": f"Organization/{member.organization}"}
        office: dict[str, Any] = {
            "resourceType": "HealthcareService",
            "providedBy": organization,
            "type": [{"coding": [{"code": "referral-office"}]}],
            "telecom": [{"system": "phone", "value": "027-00000000"}],
        }
        made = browser.post("/HealthcareService", office)
        assert made.status_code == 201, made.get_data(as_text=True)
        role = {
            "resourceType": "PractitionerRole",
            "organization": organization,
            "healthcareService": [{"reference": f"HealthcareService/{made.get_json()['id']}"}],
        }
        assert browser.post("/PractitionerRole", role).status_code == 201
    finally:
        runtime.close()


def test_a_member_is_led_in_by_dated_steps_until_it_lacks_nothing(folder: Path) -> None:
    before = lacks(folder)
    assert len(before) == 7
    planned = run(
        folder, "onboard", "baiyun",
        "--agreement", "2020-09-15", "--link", "2020-09-30", "--live", "2090-10-01",
    )  # fmt: skip
    assert planned.exit_code == 0, planned.output
    late = {line for line in lacks(folder) if line.endswith("open")}
    assert late == {"agreement: 2020-09-15 未完成 open", "link: 2020-09-30 未完成 open"}
    run(folder, "onboard", "baiyun", "--done", "agreement", "--done", "link")
    supplied(folder)
    assert lacks(folder) == set()
    again = run(folder, "onboard", "baiyun", "--live", "2091-01-01")
    assert "agreement\t2020-09-15\t已完成 done" in again.output
    assert "live\t2091-01-01\t未完成 open" in again.output


def test_a_step_without_a_day_is_not_done_and_an_unknown_member_is_named(folder: Path) -> None:
    refused = run(folder, "onboard", "baiyun", "--done", "live")
    assert refused.exit_code == 2
    assert "no day was agreed" in refused.output
    assert run(folder, "report", "nobody").exception.number == "GW-8012"  # type: ignore[union-attr]
