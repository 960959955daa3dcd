"""Notices in a member's own format: rendered, handed over by each way, and acknowledged."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from gateway.carriers.outgoing import push_of
from gateway.delivery import verify
from gateway.delivery.signing import HEADER
from gateway.errors import GatewayError
from gateway.formats import soap
from gateway.records import Change, Channel, Commit, Json
from gateway.store import Wanted
from gateway.subscriptions import NOTICED, TOPICS
from tests.support.certificates import self_signed
from tests.support.mariadb import mariadb_server
from tests.support.peer import Peer, serve
from tests.unit.delivery.pushing import CHANNEL, HL7, MEMBER, ROWS, Make, Site, listener, taken


@pytest.fixture
def make(tmp_path: Path, sqlite_template: Path) -> Iterator[Make]:
    shutil.copyfile(sqlite_template, tmp_path / "gateway.db")
    made: list[Site] = []

    def one(mapping: str, charset: str = "utf-8", **push: Json) -> Site:
        made.append(Site(tmp_path, mapping, push, charset))
        return made[-1]

    yield one
    for site in made:
        site.close()


def test_a_message_goes_by_mllp_under_its_key_and_is_done_once_it_is_acknowledged(
    make: Make,
) -> None:
    with listener(taken) as (port, received):
        site = make(HL7, "gb18030", mllp={"host": "127.0.0.1", "port": port})
        key = site.answer("无床位")
        site.drain()
    fields = received[0].decode("gb18030").split("\r")[0].split("|")
    assert (fields[8], fields[9]) == ("REF^I12", key)
    assert len(key) == 20
    assert "ORC||s1|||rejected" in received[0].decode("gb18030")
    assert "无床位" in received[0].decode("gb18030")
    assert site.of(key).status == "done"


def test_a_message_goes_by_tls_only_to_whom_its_certificate_names(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = self_signed(tmp_path)
    with listener(taken, certificate) as (port, received):
        site = make(HL7, mllp={"host": "localhost", "port": port, "tls": True})
        key = site.answer()
        site.drain()
        refused = site.of(key)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        site.later(minutes=5)
    assert refused.status == "waiting"
    assert "GW-6108" in (refused.last_error or "")
    assert site.of(key).status == "done"
    assert len(received) == 1


@pytest.mark.parametrize(
    ("code", "status", "number"),
    [
        ("CA", "done", ""),
        ("AE", "waiting", "GW-6120"),
        ("CE", "waiting", "GW-6120"),
        ("AR", "parked", "GW-6121"),
        ("CR", "parked", "GW-6121"),
    ],
)
def test_the_acknowledgement_decides(make: Make, code: str, status: str, number: str) -> None:
    def told(raw: bytes) -> bytes:
        control_id = raw.split(b"|")[9]
        return b"\x0bMSH|^~\\&|\rMSA|" + code.encode() + b"|" + control_id + b"|text\r\x1c\r"

    with listener(told) as (port, received):
        site = make(HL7, mllp={"host": "127.0.0.1", "port": port})
        first, second = site.answer(), site.answer()
        site.drain()
    one = site.of(first)
    assert (one.status, (one.last_error or "")[:7]) == (status, number)
    assert "text" not in (one.last_error or "")
    assert len(received) == (2 if status == "done" else 1)
    assert site.of(second).status == ("done" if status == "done" else "waiting")


@pytest.mark.parametrize(
    ("answer", "number"),
    [
        (b"\x0bMSH|^~\\&|\rMSA|AA|ANOTHER\r\x1c\r", "GW-6123"),
        (b"\x0bhello\x1c\r", "GW-6123"),
        (b"\x0bMSH|^~\\&|", "GW-6104"),
        (b"", "GW-6104"),
    ],
)
def test_an_answer_that_is_none_of_ours_takes_nothing(
    make: Make, answer: bytes, number: str
) -> None:
    with listener(lambda _: answer) as (port, _):
        site = make(HL7, mllp={"host": "127.0.0.1", "port": port})
        key = site.answer()
        site.drain()
    assert (site.of(key).status, (site.of(key).last_error or "")[:7]) == ("waiting", number)


def test_an_inside_port_is_never_called(make: Make) -> None:
    site = make(HL7, mllp={"host": "10.0.0.9", "port": 2575})
    key = site.answer()
    site.drain()
    assert (site.of(key).status, (site.of(key).last_error or "")[:7]) == ("parked", "GW-6102")


def test_http_takes_the_record_signed_and_in_its_charset(make: Make) -> None:
    with serve(Peer([500, 200])) as peer:
        site = make(ROWS, "gb18030", http={"url": f"{peer.url}/in"})
        key = site.answer("无床位")
        site.drain()
        assert site.of(key).status == "waiting"
        site.later(minutes=1)
    assert site.of(key).status == "done"
    one = peer.received[1]
    assert one.headers["Content-Type"] == "text/csv; charset=gb18030"
    assert one.headers["Idempotency-Key"] == key
    assert one.body.decode("gb18030") == f"NO,REFERRAL,REASON\r\n{key},s1,无床位\r\n"
    assert verify(b"s", one.body, one.headers[HEADER], site.clock.now)


@pytest.mark.parametrize(
    ("status", "text", "ended"),
    [
        (200, soap.answer("1.1", soap.result("AA", "", "m")), "done"),
        (200, soap.answer("1.2", soap.result("AE", "x", "m")), "waiting"),
        (200, soap.answer("1.1", soap.result("AR", "x", "m")), "parked"),
        (500, soap.fault("1.1", "GW-5001", "x", is_callers=False), "waiting"),
        (500, soap.fault("1.1", "GW-1071", "x", is_callers=True), "parked"),
        (400, soap.fault("1.2", "GW-1071", "x", is_callers=True), "parked"),
        (200, b"<html/>", "waiting"),
        (503, b"", "waiting"),
    ],
)
def test_the_code_in_the_answer_of_a_web_service_decides(
    make: Make, status: int, text: bytes, ended: str
) -> None:
    with serve(Peer([status], body=text)) as peer:
        site = make(ROWS, soap={"url": peer.url, "action": "Answer"})
        key = site.answer("无床位 <急>")
        site.drain()
    assert site.of(key).status == ended
    called = soap.read_call(peer.received[0].body)
    assert called.action == "Answer"
    assert "无床位 <急>" in called.message
    assert peer.received[0].headers["SOAPAction"] == '"HIPMessageServer"'


def test_a_file_is_done_once_it_was_taken_and_holds_back_the_next_of_its_referral(
    make: Make, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    site = make(ROWS, "gb18030", folder={"path": str(folder)})
    first, second = site.answer("一"), site.answer("二")
    site.drain()
    site.later(minutes=2)
    (laid,) = folder.glob("*.csv")
    assert laid.name == f"referral-answered-{first}.csv"
    assert laid.read_bytes().decode("gb18030").endswith(",一\r\n")
    assert (site.of(first).status, site.of(first).attempts) == ("waiting", 0)
    assert "GW-6122" in (site.of(first).last_error or "")
    laid.unlink()
    site.later(minutes=2)
    assert site.of(first).status == "done"
    assert [path.name for path in folder.glob("*.csv")] == [f"referral-answered-{second}.csv"]
    site.later(days=4)
    assert site.of(second).status == "parked"


def test_a_folder_that_is_away_is_waited_for(make: Make, tmp_path: Path) -> None:
    site = make(ROWS, folder={"path": str(tmp_path / "gone")})
    key = site.answer()
    site.drain()
    assert "GW-6125" in (site.of(key).last_error or "")
    (tmp_path / "gone").mkdir()
    site.later(minutes=1)
    assert len(list((tmp_path / "gone").glob("*.csv"))) == 1


@pytest.fixture(params=["sqlite", "mariadb"])
def his_url(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The address of a hospital's database; its password is the variable HIS_PASSWORD."""
    monkeypatch.setenv("HIS_PASSWORD", "secret")
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/his.db"
    else:
        with mariadb_server() as url:
            yield url.replace(":secret@", "@")


def test_a_row_of_the_intermediate_table_goes_by_what_the_receiver_marks(
    make: Make, his_url: str
) -> None:
    table: dict[str, Json] = {"url": his_url, "table": "gw_notice"}
    address = sqlalchemy.make_url(his_url)
    if address.username:
        table["password_env"] = "HIS_PASSWORD"
        address = address.set(password="secret")
    his = sqlalchemy.create_engine(address)

    def do(sql: str) -> list[Any]:
        with his.begin() as connection:
            result = connection.exec_driver_sql(sql)
            return list(result) if result.returns_rows else []

    columns = "control_id VARCHAR(40) PRIMARY KEY, topic TEXT, focus TEXT, record TEXT"
    do(f"CREATE TABLE gw_notice ({columns}, written_utc TEXT, status TEXT)")
    site = make(ROWS, table=table)
    key = site.answer("无床位")
    site.drain()
    ((record, status),) = do("SELECT record, status FROM gw_notice")
    assert (status, "无床位" in record) == ("NEW", True)
    seen = []
    for mark in ("AE", "AR", "AA"):
        do(f"UPDATE gw_notice SET status = '{mark}'")  # noqa: S608 - of this list.
        site.later(minutes=2)
        seen.append(site.of(key).status)
        if mark == "AR":
            site.store.outbox.replay(1, site.of(key).pk, site.clock.now)
            site.later(minutes=2)
            assert do("SELECT status FROM gw_notice") == [("NEW",)]
    assert seen == ["waiting", "parked", "done"]
    assert do("SELECT count(*) FROM gw_notice") == [(1,)]
    his.dispose()


def test_a_right_that_was_withdrawn_stops_a_queued_record(make: Make, tmp_path: Path) -> None:
    site = make(ROWS, folder={"path": str(tmp_path)})
    key = site.answer(parties=())
    site.drain()
    assert site.of(key).status == "skipped"
    assert list(tmp_path.glob("*.csv")) == []


def test_what_stands_beside_the_focus_is_read_with_the_members_own_rights(
    make: Make, tmp_path: Path
) -> None:
    site = make(ROWS, folder={"path": str(tmp_path)})
    site.write(site.order | {"status": "revoked"}, (), parties=())
    site.answer()
    site.drain()
    (laid,) = tmp_path.glob("*.csv")
    assert "s1" not in laid.read_text()


def test_a_record_that_was_deleted_meanwhile_is_not_told(make: Make, tmp_path: Path) -> None:
    site = make(ROWS, folder={"path": str(tmp_path)})
    key = site.answer()
    gone = Change("Task", "t1", None, (), "qs-county", None, 4, (MEMBER,), is_deletion=True)
    site.store.commit(Commit(1, (gone,)))
    site.drain()
    assert site.of(key).status == "done"
    assert list(tmp_path.glob("*.csv")) == []


def test_what_is_read_for_a_record_is_audited_once(make: Make, tmp_path: Path) -> None:
    site = make(ROWS, folder={"path": str(tmp_path)})
    site.answer()
    site.drain()
    site.later(minutes=2)
    (access,) = site.store.audit.find(1, Wanted(MEMBER), 10)
    assert (access.word, access.path) == ("notify", "/Task/t1")
    assert sorted(access.seen.resources) == ["ServiceRequest/s1", "Task/t1"]
    assert f"Channel/{CHANNEL}" in access.query


def test_a_character_that_the_charset_lacks_parks_the_record(make: Make, tmp_path: Path) -> None:
    site = make(ROWS, "gbk", folder={"path": str(tmp_path)})
    key = site.answer("𠮷野")
    site.drain()
    assert (site.of(key).status, (site.of(key).last_error or "")[:7]) == ("parked", "GW-6124")


def test_options_that_are_wrong_are_told_and_the_record_waits_until_they_are_right(
    make: Make, tmp_path: Path
) -> None:
    site = make(ROWS, folder={"place": str(tmp_path)})
    key = site.answer()
    site.drain()
    assert "folder.place?" in (site.of(key).last_error or "")
    channel = site.store.registry.channel(CHANNEL)
    right = {"topics": ["referral-answered"], "folder": {"path": str(tmp_path)}}
    site.store.registry.add_channel(replace(channel, options={"push": right}))
    site.later(minutes=1)
    assert len(list(tmp_path.glob("*.csv"))) == 1


@pytest.mark.parametrize(
    ("push", "problem"),
    [
        ([], "{…}"),
        ({"topics": ["referral-answred"], "folder": {"path": "/x"}}, "topics"),
        ({"topics": ["discharge"]}, "http | soap"),
        ({"topics": ["discharge"], "http": {"url": "https://a"}, "mllp": {}}, "http | soap"),
        ({"topics": ["discharge"], "mllp": {"host": "a", "port": "2575"}}, "mllp.port"),
        ({"topics": ["discharge"], "soap": {"url": "https://a"}}, "soap.action"),
        ({"topics": ["discharge"], "http": {}, "record": "subject=x"}, "_include"),
        ({"topics": ["discharge"], "http": {"url": "a", "authorization_env": "NONE-"}}, "_env"),
        ({"topics": ["discharge"], "table": {"url": "mysql://u:p@h/d", "table": "t"}}, "password"),
    ],
)
def test_a_wrong_option_is_named(push: Json, problem: str) -> None:
    channel = Channel("c", 1, "m", "rows", ("x",), options={"push": push})
    with pytest.raises(GatewayError, match="GW-1041") as caught:
        push_of(channel)
    assert problem in caught.value.text_en


def test_every_topic_of_a_subscription_can_be_pushed() -> None:
    assert {topic.name for topic in TOPICS} <= NOTICED
