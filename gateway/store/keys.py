"""Make the numbers that rows are keyed by: version keys, parameter numbers, name spaces.

A version's key ``pk`` is 63 bits: 41 of milliseconds since 2020, 14 of the transaction, 8 of the
ordinal within it. Keys therefore grow with ``meta.lastUpdated`` and *are* the time order: history,
``_lastUpdated`` and the default order of a search all read the same ordered key.
"""

import hashlib
from datetime import UTC, datetime

EPOCH_MS = 1_577_836_800_000
"""2020-01-01T00:00:00Z; 41 bits of milliseconds last until 2089."""
CURRENT = 2**63 - 1
"""``superseded_txn`` of a version that nothing has superseded."""
_TRANSACTION_BITS, _ORDINAL_BITS = 14, 8
_LOW_BITS = _TRANSACTION_BITS + _ORDINAL_BITS
_LAST_KEY = 2**63 - 1
LONGEST = 400
"""Characters of an indexed value that are kept; B-tree entries of PostgreSQL end at 2,700 bytes."""


def version_key(ms: int, txn: int, ordinal: int) -> int:
    """Make the key of the ``ordinal``-th version of a transaction.

    Beyond 256 versions the following milliseconds are used: 16,384 transactions would have to
    begin within them before two keys could meet.
    """
    block, place = divmod(ordinal, 1 << _ORDINAL_BITS)
    low = (txn & ((1 << _TRANSACTION_BITS) - 1)) << _ORDINAL_BITS | place
    return (ms - EPOCH_MS + block) << _LOW_BITS | low


def key_ms(pk: int) -> int:
    """Give the milliseconds since 1970 at which a version was written."""
    return (pk >> _LOW_BITS) + EPOCH_MS


def first_key(ms: int) -> int:
    """Give the smallest key of a millisecond, the bound of a time range.

    Times that no key can hold give the last one: a client may ask for the year 9999.
    """
    return min(max(ms - EPOCH_MS, 0) << _LOW_BITS, _LAST_KEY)


_AUDIT_BITS = 12


def audit_key(us: int, low: int = 0) -> int:
    """Make the key of an audit row from UTC microseconds since 1970."""
    return (us - EPOCH_MS * 1000) << _AUDIT_BITS | (low & ((1 << _AUDIT_BITS) - 1))


def audit_us(key: int) -> int:
    """Give the UTC microseconds since 1970 of an audit row."""
    return (key >> _AUDIT_BITS) + EPOCH_MS * 1000


def updated_utc(pk: int) -> datetime:
    """Give ``meta.lastUpdated`` of a version."""
    return instant(key_ms(pk) * 1000)


def instant(us: int) -> datetime:
    """Turn UTC microseconds since 1970 into a datetime without a detour over floats."""
    seconds, rest = divmod(us, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)


def micros(moment: datetime) -> int:
    """Turn a datetime with a zone into UTC microseconds since 1970."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone cannot be stored")
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


_numbers: dict[str, int] = {}


def parameter_number(name: str) -> int:
    """Give the stable 32-bit number of ``Type.code`` (a test proves that no two meet)."""
    known = _numbers.get(name)
    if known is None:
        digest = hashlib.blake2b(name.encode(), digest_size=4).digest()
        known = _numbers[name] = int.from_bytes(digest, "big", signed=True)
    return known


_spaces: dict[str, int] = {"": 0}


def space_number(text: str | None) -> int:
    """Give the 63-bit number of a code system or resource type; 0 stands for none."""
    if not text:
        return 0
    known = _spaces.get(text)
    if known is None:
        known = text_number(text)
        if len(_spaces) < 100_000:
            _spaces[text] = known
    return known


def text_number(text: str) -> int:
    """Give a 63-bit number of any text, never 0."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1 or 1


def bounded(text: str) -> str:
    """Shorten a value for the index; the rest is told apart by its hash."""
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}#{text_number(text):016x}"
