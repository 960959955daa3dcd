"""What the search index and a search must agree on: folding of texts, bounds of numbers."""

import unicodedata
from decimal import Decimal
from functools import lru_cache

_SHORT = 64


def fold(text: str) -> str:
    """Fold a text for comparison: width and case ignored, accents and repeated blanks dropped."""
    if text.isascii():
        return " ".join(text.lower().split())
    # Names of codes and departments come again and again, whole sentences hardly.
    return _folded_short(text) if len(text) <= _SHORT else _folded(text)


def _folded(text: str) -> str:
    wide = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    plain = "".join(sign for sign in wide if not unicodedata.combining(sign))
    return " ".join(unicodedata.normalize("NFC", plain).split())


_folded_short = lru_cache(maxsize=16_384)(_folded)


def precision_bounds(number: Decimal) -> tuple[Decimal, Decimal]:
    """Give the range that a number's written precision implies: 100 is 99.5 to 100.5."""
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int):
        raise ValueError("a search number must be finite")  # noqa: TRY004
    half = Decimal(5).scaleb(exponent - 1)
    return number - half, number + half


def searched_bounds(number: Decimal) -> tuple[Decimal, Decimal]:
    """Give the range that a searched number stands for (search.html#number).

    The specification's own example fixes what an exponent means: 1e2 is 95 to 105, one digit more
    than is written.
    """
    low, high = precision_bounds(number)
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or exponent <= 0:
        return low, high
    half = (high - low) / 20
    return number - half, number + half
