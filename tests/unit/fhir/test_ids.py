import hashlib
import hmac
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.fhir import ids
from gateway.records import BusinessKey

SECRET = b"a secret of the deployment"
KEY = BusinessKey("Patient", "urn:oid:2.16.156.10011.1.3", "420300196205143622")


def test_the_id_depends_on_secret_member_and_key_only() -> None:
    first = ids.business_id(SECRET, "qs-county", KEY)
    assert first == ids.business_id(SECRET, "qs-county", KEY)
    others = {
        ids.business_id(b"another", "qs-county", KEY),
        ids.business_id(SECRET, "qs-township", KEY),
        ids.business_id(SECRET, "qs-county", BusinessKey("Person", KEY.system, KEY.value)),
        ids.person_id(SECRET, KEY.system, KEY.value),
    }
    assert len(others | {first}) == 5


def test_the_id_is_the_hmac_in_uuid_form() -> None:
    parts = [b"resource", b"qs-county", *(p.encode() for p in ("Patient", KEY.system, KEY.value))]
    message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    digest = hmac.new(SECRET, message, hashlib.sha256).digest()
    made = UUID(ids.business_id(SECRET, "qs-county", KEY))
    assert (made.version, made.variant) == (8, "specified in RFC 4122")
    assert made.bytes[:6] == digest[:6]
    assert made.bytes[9:] == digest[9:16]


def test_a_shared_key_gives_every_member_the_same_id() -> None:
    shared = BusinessKey("Organization", "https://www.cods.org.cn", "12429901MB01A1009G", True)
    assert ids.business_id(SECRET, "a", shared) == ids.business_id(SECRET, "b", shared)


parts = st.text(max_size=4)


@settings(max_examples=100)
@given(st.tuples(parts, parts, parts), st.tuples(parts, parts, parts))
def test_different_keys_never_read_alike(
    first: tuple[str, str, str], second: tuple[str, str, str]
) -> None:
    made = [ids.business_id(SECRET, "m", BusinessKey(*key)) for key in (first, second)]
    assert (made[0] == made[1]) == (first == second)


@given(st.integers(0, 2**47), st.integers(1, 10_000), st.binary(min_size=10, max_size=10))
@settings(max_examples=30)
def test_an_id_without_a_key_is_a_uuid_that_sorts_by_its_time(
    first_ms: int, later: int, chance: bytes
) -> None:
    ids_ = [ids.ordered_id(ms, chance) for ms in (first_ms, first_ms + later)]
    assert ids_ == sorted(ids_)
    read = UUID(ids_[0])
    assert (str(read), read.version) == (ids_[0], 7)
    assert read.int >> 80 == first_ms
    assert ids.ordered_id(first_ms, bytes(10)) != ids.ordered_id(first_ms, bytes([0] * 9 + [1]))
