"""The pinyin of a Chinese name: whole and initials, with the readings a surname may have."""

import os
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import islice, product
from typing import Any

from gateway.fhir.search_values import fold

_MOST_READINGS = 16


@cache
def _reader() -> Any:
    # Loading the readings takes a tenth of a second: only who stores Chinese names waits for it.
    # Characters are asked one by one: the readings of phrases would lie idle in 45 MB.
    os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")
    os.environ.setdefault("PYPINYIN_NO_DICT_COPY", "true")
    import pypinyin

    return pypinyin


def asked_pinyin(text: str) -> str:
    """Write what is asked as the index has it: no blanks, no tones, no apostrophes."""
    return "".join(sign for sign in fold(text) if sign not in " '’-")


@lru_cache(maxsize=8192)
def readings(name: str) -> tuple[str, ...]:
    """Give every spelling to find a name by: each reading of its characters, and the initials.

    A character with several readings (单, 曾, 解) is found by each; names beyond the limit of
    combinations keep the commonest readings, which come first. ü is written v and u.
    """
    signs = [sign for sign in name if not sign.isspace() and sign not in "·•"]
    if not signs or any(sign.isascii() for sign in signs):
        return ()
    found: dict[str, None] = {}
    for spelling in islice(product(*(_of_sign(sign) for sign in signs)), _MOST_READINGS):
        for form in _forms(spelling):
            found[form] = None
    return tuple(found)


@lru_cache(maxsize=8192)
def _of_sign(sign: str) -> tuple[str, ...]:
    pypinyin = _reader()
    spelled = pypinyin.pinyin(
        sign, style=pypinyin.Style.NORMAL, heteronym=True, errors="ignore", v_to_u=False
    )
    return tuple(dict.fromkeys(spelled[0])) if spelled else ("",)


def _forms(spelling: tuple[str, ...]) -> Iterator[str]:
    whole = "".join(spelling)
    if not whole:
        return
    yield whole
    if "v" in whole:
        yield whole.replace("v", "u")
    yield "".join(part[:1] for part in spelling)
