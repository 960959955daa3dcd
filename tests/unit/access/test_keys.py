"""Which keys may sign, and how a set at an address is kept."""

import json
import threading
from datetime import UTC, datetime, timedelta

import pytest

from gateway.access import read_keys
from gateway.access.keys import KeySets
from gateway.errors import GatewayError
from tests.support.signing import ec, key_set, rsa

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
RSA, EC, OTHER = rsa("r"), ec("e"), ec("o")


def test_of_a_set_those_keys_are_read_that_may_sign() -> None:
    foreign = [
        {"kty": "OKP", "crv": "Ed25519", "x": "AAAA", "kid": "1"},
        {**RSA.public(), "use": "enc", "kid": "2"},
        {**RSA.public(), "alg": "RS256", "kid": "3"},
        {**RSA.public(), "kid": None},
        {**EC.public(), "alg": "RS384", "kid": "4"},
        ec("5", "P-256").public() | {"alg": None},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "6"},
        {"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA", "kid": "7"},
        {**RSA.public(), "n": RSA.public()["n"][:172], "kid": "8"},
    ]
    keys = json.loads(key_set(RSA, EC))["keys"]
    assert set(read_keys(json.dumps({"keys": [*foreign, *keys]}))) == {"r", "e"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"keys": 1}',
        '{"keys": []}',
        '{"keys": [1]}',
        "[" * 100_000,
        key_set(EC, EC),
    ],
    ids=["empty", "list", "object", "number", "none", "no object", "deep", "twice"],
)
def test_what_is_no_set_of_keys_is_refused(text: str) -> None:
    with pytest.raises(GatewayError, match="GW-8018"):
        read_keys(text)


def test_a_private_key_is_refused_as_such() -> None:
    private = json.dumps({"keys": [{**EC.key.as_dict(private=True), "kid": "e"}]})
    with pytest.raises(GatewayError, match="GW-8019"):
        read_keys(private)


class Address:
    """What lies at an address, and how often it was asked for."""

    def __init__(self) -> None:
        self.now, self.asked = NOON, 0
        self.text: str | None = key_set(RSA)

    def fetch(self, url: str) -> bytes:
        assert url == "https://his.test/keys"
        self.asked += 1
        if self.text is None:
            raise GatewayError("GW-6104", host="his.test", cause="timeout")
        return self.text.encode()

    def clock(self) -> datetime:
        return self.now

    def after(self, **passed: float) -> None:
        self.now += timedelta(**passed)


@pytest.fixture
def address() -> Address:
    return Address()


@pytest.fixture
def key_sets(address: Address) -> KeySets:
    return KeySets(address.fetch, address.clock)


URL = "https://his.test/keys"


def test_a_set_at_an_address_is_read_once_in_five_minutes(
    address: Address, key_sets: KeySets
) -> None:
    for _ in range(5):
        assert key_sets.key(URL, "r") is not None
        address.after(seconds=59)
    assert address.asked == 1
    address.after(seconds=10)
    key_sets.key(URL, "r")
    assert address.asked == 2


def test_a_new_key_is_found_and_an_unknown_one_asked_for_every_15_seconds_at_most(
    address: Address, key_sets: KeySets
) -> None:
    assert key_sets.key(URL, "e") is None
    address.text = key_set(RSA, EC)
    assert key_sets.key(URL, "e") is None
    assert address.asked == 1
    address.after(seconds=15)
    assert key_sets.key(URL, "e") is not None
    assert address.asked == 2


def test_a_key_that_was_taken_out_of_the_set_ends_within_five_minutes(
    address: Address, key_sets: KeySets
) -> None:
    assert key_sets.key(URL, "r") is not None
    address.text = key_set(EC)
    address.after(minutes=5)
    assert key_sets.key(URL, "r") is None


def test_while_the_address_does_not_answer_the_keys_hold_for_an_hour(
    address: Address, key_sets: KeySets
) -> None:
    assert key_sets.key(URL, "r") is not None
    address.text = None
    address.after(minutes=59)
    assert key_sets.key(URL, "r") is not None
    address.after(minutes=1)
    assert key_sets.key(URL, "r") is None


def test_an_address_that_hangs_holds_one_thread_and_not_all(address: Address) -> None:
    begun, released = threading.Event(), threading.Event()

    def fetch(url: str) -> bytes:
        text = address.fetch(url)
        if address.asked > 1:
            begun.set()
            released.wait(30)
        return text

    key_sets = KeySets(fetch, address.clock)
    assert key_sets.key(URL, "r") is not None
    address.after(minutes=5)
    slow = threading.Thread(target=key_sets.key, args=(URL, "r"))
    slow.start()
    assert begun.wait(30)
    assert key_sets.key(URL, "r") is not None
    assert key_sets.key(URL, "e") is None
    released.set()
    slow.join()
    assert address.asked == 2
