"""One of several processes at a time: the next has its turn when it lets go or is gone."""

from sqlalchemy import text

from gateway.store import Store
from gateway.store.turn import FileTurn, ServerTurn


def test_one_of_two_has_the_turn_until_it_lets_go(store: Store) -> None:
    first, second, other = store.turn("a"), store.turn("a"), store.turn("b")
    assert [first.is_ours(), second.is_ours(), other.is_ours(), first.is_ours()] == [
        *(True, False, True, True)
    ]
    first.close()
    assert [second.is_ours(), first.is_ours()] == [True, False]
    for one in (second, other):
        one.close()


def test_who_is_cut_off_from_its_lock_has_the_turn_no_more(store: Store) -> None:
    first, second = store.turn("a"), store.turn("a")
    assert first.is_ours()
    _cut(store, first)
    assert second.is_ours()
    assert not first.is_ours()
    second.close()


def _cut(store: Store, turn: object) -> None:
    if isinstance(turn, FileTurn):
        turn.close()
        return
    assert isinstance(turn, ServerTurn)
    with store.database.upgrade_engine.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks JOIN pg_stat_activity "
                "USING (pid) WHERE locktype = 'advisory' AND datname = current_database() "
                "AND pid <> pg_backend_pid()"
            )
        )
