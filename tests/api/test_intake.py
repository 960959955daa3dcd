"""POST /intake/{channel}: who may send, and what the receipt tells."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.records import Channel
from gateway.settings import load_settings
from gateway.wiring import build_runtime
from tests.support.asserts import outcome
from tests.support.consortium import Consortium, found_consortium

CSV = "编号,姓名\n1,林桂芳\n".encode("gb18030")


@pytest.fixture(scope="module")
def consortium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consortium]:
    folder: Path = tmp_path_factory.mktemp("intake")
    (folder / "mappings").mkdir()
    settings = load_settings(
        {}, data_dir=folder, mappings=str(folder / "mappings"), max_message_bytes=10_000
    )
    runtime = build_runtime(settings)
    found_consortium(runtime)
    runtime.store.registry.add_channel(
        Channel("referrals", 1, "qs-township", "rows", ("absent/mapping",), charset="gb18030")
    )
    yield Consortium(runtime)
    runtime.close()


def send(consortium: Consortium, member: str, path: str, raw: bytes, scope: str = "", **more: str):  # type: ignore[no-untyped-def]
    headers = {"Authorization": f"Bearer {consortium.runtime.access.issue(member, scope)}", **more}
    return consortium.app.test_client().post(path, data=raw, headers=headers)


def test_a_message_is_durable_before_its_receipt(consortium: Consortium) -> None:
    answer = send(consortium, "qs-township", "/intake/referrals", CSV)
    assert answer.status_code == 202
    receipt = answer.get_json()
    assert receipt["status"] == "received"
    assert answer.headers["Location"] == receipt["links"]["self"]
    kept = consortium.runtime.store.journal.envelope(1, receipt["message"])
    assert kept.raw == CSV


@pytest.mark.parametrize("asked", [{"path": "?wait=true"}, {"Prefer": "respond-async, wait=10"}])
def test_who_waits_is_told_what_became_of_it(consortium: Consortium, asked: dict[str, str]) -> None:
    raw = CSV + repr(asked).encode()
    path = "/intake/referrals" + asked.get("path", "")
    headers = {"Prefer": asked["Prefer"]} if "Prefer" in asked else {}
    answer = send(consortium, "qs-township", path, raw, **headers)
    assert answer.status_code == 200
    told = answer.get_json()
    # No mapping of this name exists, so the record is parked with its stage and a reason.
    assert told["status"] == "parked"
    record = told["records"][0]
    assert record["stage"] == "map"
    assert record["error"]["number"].startswith("GW-3")
    assert record["error"]["zh"]
    assert record["error"]["en"]


def test_the_same_bytes_again_are_the_same_message(consortium: Consortium) -> None:
    first = send(consortium, "qs-township", "/intake/referrals?wait=true", CSV + b"same")
    second = send(consortium, "qs-township", "/intake/referrals?wait=true", CSV + b"same")
    assert first.get_json()["message"] == second.get_json()["message"]
    assert (first.get_json()["duplicate"], second.get_json()["duplicate"]) == (False, True)


def test_a_message_is_shown_to_its_sender_and_the_operator_only(consortium: Consortium) -> None:
    sent = send(consortium, "qs-township", "/intake/referrals?wait=true", CSV + b"shown")
    path = f"/intake/messages/{sent.get_json()['message']}"
    for member, status in (("qs-township", 200), ("operator", 200), ("lj-city", 404)):
        client = consortium.client(member)
        answer = consortium.app.test_client().get(
            path, headers={"Authorization": f"Bearer {client.token}"}
        )
        assert answer.status_code == status, member
    hidden = send(consortium, "lj-city", f"{path}/replay", b"")
    outcome(hidden, 404, "GW-5007")
    replayed = send(consortium, "qs-township", f"{path}/replay", b"")
    assert replayed.get_json()["status"] == "parked"


def test_another_members_channel_and_an_absent_one_answer_alike(consortium: Consortium) -> None:
    hidden = send(consortium, "lj-city", "/intake/referrals", CSV)
    absent = send(consortium, "lj-city", "/intake/nothing", CSV)
    outcome(hidden, 404, "GW-1001")
    assert hidden.get_data() == absent.get_data().replace(b"nothing", b"referrals")


def test_without_the_scope_or_a_token_nothing_is_taken(consortium: Consortium) -> None:
    reader = send(consortium, "qs-township", "/intake/referrals", CSV, "system/*.rs")
    outcome(reader, 403, "GW-8004")
    outcome(consortium.app.test_client().post("/intake/referrals", data=CSV), 401, "GW-8001")


@pytest.mark.parametrize(
    ("raw", "status", "number"),
    [(b"", 400, "GW-1002"), (b" \r\n", 400, "GW-1002"), (b"x" * 10_001, 413, "GW-1003")],
    ids=["empty", "blank", "too large"],
)
def test_what_is_no_message_is_refused(
    consortium: Consortium, raw: bytes, status: int, number: str
) -> None:
    outcome(send(consortium, "qs-township", "/intake/referrals", raw), status, number)


@pytest.mark.parametrize("message", ["x", "0" * 28, "a" * 5000, "%00", "'--"])
def test_a_message_that_does_not_exist_is_not_found(consortium: Consortium, message: str) -> None:
    client = consortium.client("qs-township")
    answer = consortium.app.test_client().get(
        f"/intake/messages/{message}", headers={"Authorization": f"Bearer {client.token}"}
    )
    assert answer.status_code == 404


def test_a_channel_of_hl7_v3_is_answered_in_its_own_form(consortium: Consortium) -> None:
    consortium.runtime.store.registry.add_channel(
        Channel("v3", 1, "qs-township", "xml", ("absent/mapping",), options={"answer": "hl7v3"})
    )
    raw = b"<PRPA_IN201311UV02 xmlns='urn:hl7-org:v3'><id extension='M-1'/></PRPA_IN201311UV02>"
    answer = send(consortium, "qs-township", "/intake/v3", raw)
    assert answer.status_code == 200
    assert answer.mimetype == "application/xml"
    # No mapping of this name exists: the message is kept and refused by its own number.
    assert b"MCCI_IN000002UV01" in answer.data
    assert b'typeCode="AE"' in answer.data
    assert b'extension="M-1"' in answer.data
