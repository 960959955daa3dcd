"""sekmet-fhir: a hospital information system in small plays its scenarios against the server.

It signs in by itself. Left out are the scenarios whose other end is no FHIR store: one that fills
orders or adjudicates claims, and FHIR messaging. ``docs/clients.md`` says why a heart rate without
its category is refused.
"""

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.live import Live, live_server

SCENARIOS = (
    "adt_admit_transfer_discharge",
    "adt_merge_update",
    "appointment_book_cancel",
    "billing_claim",
    "clinical_documentation",
    "conformance_smoke",
    "lab_order_to_result",
    "medication_order_dispense",
    "rad_order_imaging_report",
)
# It sends a heart rate without the category that R4's vital signs profile demands, and then looks
# for what the refused transaction would have stored.
REFUSED = {
    "Transaction with urn:uuid references": "422",
    "Search Observation by patient with _include": "count() = 1",
    "Searchset entries carry search.mode (match / include)": "include",
}
PAYER = {"Wait for ClaimResponse", "Adjudication complete", "Synchronous Claim/$submit"}


CALLED_BACK = ("subscription_roundtrip", "subscription_backport_roundtrip")


def test_a_subscriber_is_told_of_what_it_asked_for(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with live_server(tmp_path / "gateway") as live:
        signing = {"type": "client_credentials", "client_id": live.client_id}
        signing |= {"client_secret": live.secret, "scope": "system/*.cruds"}
        own = {"base_url": f"http://127.0.0.1:{port}/fhir", "host": "127.0.0.1", "port": port}
        own["public_url"] = f"http://127.0.0.1:{port}"
        peers = {"gateway": {"base_url": live.fhir, "auth": signing, "fetch_on_ping": True}}
        (tmp_path / "settings.yaml").write_text(yaml.safe_dump(own | {"peers": peers}))
        subprocess.run(
            [
                *(Path(sys.executable).parent / "sekmet", "scenario", "run", *CALLED_BACK),
                *("--peer", "gateway", "--serve", "--config", "settings.yaml"),
                *("--var", "topic=https://consortium-fhir.cn/SubscriptionTopic/discharge"),
                *("--var", "filter_param=patient"),
            ],
            cwd=tmp_path,
            capture_output=True,
            check=False,  # What failed stands in the report.
        )
    [report] = tmp_path.glob("reports/*/results.json")
    results = json.loads(report.read_text("utf-8"))
    assert [Path(one["file"]).stem for one in results] == list(CALLED_BACK)
    steps = [step for one in results for step in one["steps"]]
    assert {step["name"]: step["message"] for step in steps if step["status"] != "passed"} == {}


@pytest.fixture(scope="module", params=["json", "xml"])
def results(
    request: pytest.FixtureRequest, live: Live, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """The reports of all scenarios by name, once in each format."""
    folder = tmp_path_factory.mktemp("sekmet")
    signing = {"type": "client_credentials", "client_id": live.client_id}
    signing |= {"client_secret": live.secret, "scope": "system/*.cruds"}
    peer = {"base_url": live.fhir, "auth": signing, "format": request.param}
    (folder / "settings.yaml").write_text(yaml.safe_dump({"peers": {"gateway": peer}}))
    subprocess.run(
        [
            *(Path(sys.executable).parent / "sekmet", "scenario", "run", *SCENARIOS),
            *("--peer", "gateway", "--no-serve", "--config", "settings.yaml"),
        ],
        cwd=folder,
        capture_output=True,
        check=False,  # What failed stands in the report.
    )
    [report] = folder.glob("reports/*/results.json")
    return {Path(one["file"]).stem: one for one in json.loads(report.read_text("utf-8"))}


def test_every_scenario_runs_through(results: dict[str, Any]) -> None:
    assert set(results) == set(SCENARIOS)
    wrong = {
        f"{scenario}: {step['name']}": step["message"]
        for scenario, report in results.items()
        for step in report["steps"]
        if step["status"] != "passed" and step["name"] not in {*REFUSED, *PAYER}
    }
    assert wrong == {}


def test_what_is_refused_is_the_vital_sign_without_its_category(results: dict[str, Any]) -> None:
    steps = {step["name"]: step for step in results["conformance_smoke"]["steps"]}
    for name, part in REFUSED.items():
        assert steps[name]["status"] in {"failed", "warning"}
        assert part in steps[name]["message"]


def test_a_heart_rate_without_its_category_is_refused_by_name(live: Live) -> None:
    rate = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "subject": {"display": "—"},
        "effectiveDateTime": "2026-11-01",
        "valueQuantity": {
            "value": 72, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min",
        },
    }  # fmt: skip
    vital = "http://terminology.hl7.org/CodeSystem/observation-category"
    category = [{"coding": [{"system": vital, "code": "vital-signs"}]}]
    with live.session() as session:
        refused = session.post(f"{live.fhir}/Observation", json=rate, timeout=30)
        assert refused.status_code == 422
        assert "category" in refused.text
        kept = session.post(f"{live.fhir}/Observation", json=rate | {"category": category})
        assert kept.status_code == 201
