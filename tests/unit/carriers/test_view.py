"""Views are polled without loss and without doubling, on PostgreSQL and MariaDB."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, Engine, create_engine, make_url, text
from sqlalchemy.dialects import mssql, oracle

from gateway.carriers.state import State
from gateway.carriers.view import View, as_table, statement
from gateway.carriers.view_options import ViewOptions, view_options
from gateway.errors import GatewayError
from tests.support.databases import new_database
from tests.support.mariadb import mariadb_server
from tests.unit.carriers.taking import Journal

CREATE = (
    "CREATE TABLE v_visit (visit_no VARCHAR(20), patient VARCHAR(40), fee DECIMAL(10,2), "
    "changed TIMESTAMP NULL)"
)
ANSWERS = (
    "CREATE TABLE gw_answer (row_key VARCHAR(60), status VARCHAR(20), error_number VARCHAR(10), "
    "error_place VARCHAR(200), error_text VARCHAR(400), message_id VARCHAR(40), "
    "answered_utc TIMESTAMP NULL)"
)
NOON = datetime(2026, 11, 2, 12, 0, 0)  # noqa: DTZ001 - as a hospital's column holds it.


@pytest.fixture(scope="module")
def mariadb() -> Iterator[str]:
    with mariadb_server() as url:
        yield url


@pytest.fixture(params=["mariadb", pytest.param("postgres", marks=pytest.mark.postgres)])
def his(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """The hospital's database with its view and its intermediate table."""
    if request.param == "postgres":
        with new_database(request.getfixturevalue("postgres")) as url:
            yield from _filled(make_url(url).set(drivername="postgresql+psycopg"))
    else:
        yield from _filled(make_url(request.getfixturevalue("mariadb")))


def _filled(url: URL) -> Iterator[Engine]:
    engine = create_engine(url)
    with engine.begin() as connection:
        for name in ("v_visit", "gw_answer"):
            connection.execute(text(f"DROP TABLE IF EXISTS {name}"))
        connection.execute(text(CREATE))
        connection.execute(text(ANSWERS))
    yield engine
    engine.dispose()


def put(his: Engine, number: str, minutes: float, fee: str = "72.50") -> None:
    """Write or change a visit, as of minutes after noon."""
    at = NOON + timedelta(minutes=minutes)
    row = {"no": number, "who": "李桂兰", "fee": Decimal(fee), "at": at}
    with his.begin() as connection:
        connection.execute(text("DELETE FROM v_visit WHERE visit_no = :no"), row)
        connection.execute(text("INSERT INTO v_visit VALUES (:no, :who, :fee, :at)"), row)


Open = Callable[..., View]


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def opened(his: Engine, tmp_path: Path, journal: Journal) -> Iterator[Open]:
    views: list[View] = []

    def make(**more: Any) -> View:
        more.setdefault("overlap", 600.0)
        options = ViewOptions(his.url, "v_visit", "changed", **more)
        views.append(View(options, State(tmp_path / "state.sqlite"), journal.take))
        return views[-1]

    yield make
    for view in views:
        view.close()


def numbers(journal: Journal) -> list[str]:
    return [raw.decode().splitlines()[1].split(",")[0] for raw in journal.messages]


def test_each_row_is_one_message_that_the_rows_reader_reads(
    his: Engine, opened: Open, journal: Journal
) -> None:
    put(his, "V1", 0)
    assert opened().poll() == 1
    header, row = journal.messages[0].decode().splitlines()
    assert header == "visit_no,patient,fee,changed"
    assert row.startswith("V1,李桂兰,72.50,2026-11-02 12:00:00")


def test_only_what_is_new_or_changed_is_taken_again(
    his: Engine, opened: Open, journal: Journal
) -> None:
    put(his, "V1", 0)
    put(his, "V2", 1)
    view = opened()
    assert view.poll() == 2
    assert view.poll() == 0
    put(his, "V2", 2, fee="73.00")
    put(his, "V3", 3)
    assert view.poll() == 2
    assert numbers(journal) == ["V1", "V2", "V2", "V3"]
    assert journal.offered == 4


def test_a_transaction_that_commits_late_with_an_earlier_time_is_still_seen(
    his: Engine, opened: Open, journal: Journal
) -> None:
    view = opened()
    put(his, "V1", 0)
    put(his, "V3", 9)
    view.poll()
    put(his, "V2", 5)
    assert view.poll() == 1
    assert numbers(journal) == ["V1", "V3", "V2"]


def test_a_restart_goes_on_where_it_stood_without_loss_or_doubling(
    his: Engine, opened: Open, journal: Journal
) -> None:
    for number in range(10):
        put(his, f"V{number}", number)
    journal.away_after = 4
    first = opened()
    with pytest.raises(GatewayError, match="GW-1053"):
        first.poll()
    first.close()
    journal.away_after = None
    second = opened()
    assert second.poll() == 6
    second.close()
    assert opened().poll() == 0
    assert numbers(journal) == [f"V{number}" for number in range(10)]
    assert journal.offered == 10


def test_a_row_taken_just_before_a_crash_is_offered_again_and_known(
    his: Engine, opened: Open, journal: Journal, tmp_path: Path
) -> None:
    put(his, "V1", 0)
    view = opened()
    view.poll()
    view.close()
    for path in tmp_path.glob("state.sqlite*"):
        path.unlink()
    assert opened().poll() == 1
    assert (journal.offered, numbers(journal)) == (2, ["V1"])


def test_of_two_pollers_one_takes_and_the_other_waits(
    his: Engine, opened: Open, journal: Journal
) -> None:
    put(his, "V1", 0)
    first, second = opened(), opened()
    assert first.poll() == 1
    assert second.poll() == 0
    first.close()
    put(his, "V2", 1)
    assert second.poll() == 1
    assert numbers(journal) == ["V1", "V2"]


def test_answers_stand_in_the_intermediate_table_and_a_refused_row_stops_no_other(
    his: Engine, opened: Open, journal: Journal
) -> None:
    told = {"table": "gw_answer", "key": ["visit_no"]}
    answers = view_options(
        {"url": "sqlite://", "table": "v", "watermark": "w", "answers": told}
    ).answers
    assert answers is not None
    answers = type(answers)(his.url, answers.table, None, answers.key)
    journal.parked = b"V2"
    for number in range(1, 4):
        put(his, f"V{number}", number)
    view = opened(answers=answers)
    assert view.poll() == 3
    put(his, "V1", 4)
    view.poll()
    asked = text("SELECT row_key, status, error_number FROM gw_answer ORDER BY row_key")
    with his.connect() as connection:
        rows = [tuple(row) for row in connection.execute(asked)]
    assert rows == [("V1", "stored", None), ("V2", "parked", "GW-3102"), ("V3", "stored", None)]


def test_a_row_whose_answer_could_not_be_written_is_answered_by_the_next_poll(
    his: Engine, opened: Open, journal: Journal
) -> None:
    told = {"url": "sqlite://", "table": "v", "watermark": "w"}
    answers = view_options(told | {"answers": {"table": "gw_later", "key": ["visit_no"]}}).answers
    assert answers is not None
    view = opened(answers=type(answers)(his.url, "gw_later", None, ("visit_no",)))
    put(his, "V1", 0)
    with pytest.raises(GatewayError, match="GW-1050"):
        view.poll()
    with his.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS gw_later"))
        connection.execute(text(ANSWERS.replace("gw_answer", "gw_later")))
    assert view.poll() == 1
    with his.begin() as connection:
        found = connection.execute(text("SELECT status FROM gw_later")).scalars().all()
        connection.execute(text("DROP TABLE gw_later"))
    assert found == ["stored"]
    assert numbers(journal) == ["V1"]


def test_a_view_that_is_away_is_told_without_the_statement(opened: Open, his: Engine) -> None:
    view = opened()
    with his.begin() as connection:
        connection.execute(text("DROP TABLE v_visit"))
    with pytest.raises(GatewayError, match="GW-1050") as told:
        view.poll()
    assert "SELECT" not in str(told.value)


def test_the_database_is_told_that_nothing_will_be_written(opened: Open, his: Engine) -> None:
    view = opened()
    with pytest.raises(GatewayError, match="GW-1050"), view._reading() as connection:
        connection.execute(text("DELETE FROM v_visit"))


@pytest.mark.parametrize("dialect", [oracle, mssql], ids=["oracle", "mssql"])
def test_the_statement_is_one_that_oracle_and_sql_server_take(dialect: Any) -> None:
    options = ViewOptions(make_url("sqlite://"), "v_visit", "changed", schema="his")
    asked = str(statement(options, NOON).compile(dialect=dialect.dialect()))
    assert " ".join(asked.split()).startswith("SELECT * FROM his.v_visit WHERE changed >= ")
    assert asked.endswith("ORDER BY changed")


def test_a_mark_of_any_kind_looks_back_and_survives_a_restart(tmp_path: Path) -> None:
    options = ViewOptions(
        make_url("sqlite://"), "v", "w", overlap=60, watermark_format="%Y%m%d%H%M%S"
    )
    for mark, low in (
        (NOON, NOON - timedelta(seconds=60)),
        (1_000, 940),
        (Decimal("7.5"), Decimal("-52.5")),
        ("20261102120000", "20261102115900"),
        (NOON.date(), NOON.date()),
    ):
        state = State(tmp_path / "state.sqlite")
        assert state.is_held()
        state.reached(mark)
        state.close()
        assert state.is_held()
        assert state.mark() == mark
        state.close()
        bound = statement(options, mark).compile().params["w_1"]
        assert bound == low


def test_a_binary_column_is_refused_by_its_name() -> None:
    with pytest.raises(GatewayError, match=r"GW-1052.*photo"):
        as_table({"photo": b"\xff"}, "utf-8")


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"url": "x", "table": "v", "watermark": "w"},
        {"url": "sqlite://", "table": "v"},
        {"url": "postgresql://u:secret@h/d", "table": "v", "watermark": "w"},
        {"url": "sqlite://", "table": "v", "watermark": "w", "overlap": "long"},
        {"url": "sqlite://", "table": "v", "watermark": "w", "tabel": "v"},
        {"url": "sqlite://", "table": "v", "watermark": "w", "answers": {"table": "a"}},
        {"url": "sqlite://", "table": "v", "watermark": "w", "password_env": "NOT_SET_HERE"},
    ],
)
def test_a_wrong_option_is_refused(told: dict[str, object]) -> None:
    with pytest.raises(GatewayError, match="GW-1041"):
        view_options(told)


def test_a_database_without_a_driver_is_named(tmp_path: Path) -> None:
    told = {"url": "nosuch://h/d", "table": "v", "watermark": "w"}
    with pytest.raises(GatewayError, match=r"GW-1051.*nosuch"):
        View(view_options(told), State(tmp_path / "s.sqlite"), Journal().take)


def test_the_password_comes_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3cret\n")
    options = view_options(
        {
            "url": "postgresql://reader@h/d",
            "password_file": str(tmp_path / "password"),
            "table": "v",
            "watermark": "w",
        }
    )
    assert options.url.password == "s3cret"
