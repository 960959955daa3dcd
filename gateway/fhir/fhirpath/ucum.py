"""The units of UCUM that records use: parsed, with prefixes, products, powers and annotations."""

import re
from fractions import Fraction
from functools import lru_cache

Dimension = tuple[tuple[str, int], ...]
Measure = tuple[Fraction, Dimension, Fraction]

_PREFIXES = {
    "Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "da": 1,
    "d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15, "a": -18, "z": -21, "y": -24,
}  # fmt: skip

# name → (factor, what it is a multiple of); a base unit is a multiple of itself.
_METRIC: dict[str, tuple[str, str]] = {
    "m": ("1", "m"), "s": ("1", "s"), "g": ("1", "g"), "rad": ("1", "rad"), "K": ("1", "K"),
    "C": ("1", "C"), "cd": ("1", "cd"), "mol": ("6022136700", "10*14"), "sr": ("1", "rad2"),
    "Hz": ("1", "s-1"), "N": ("1", "kg.m/s2"), "Pa": ("1", "N/m2"), "J": ("1", "N.m"),
    "W": ("1", "J/s"),
    "A": ("1", "C/s"), "V": ("1", "J/C"), "F": ("1", "C/V"),
    "Ohm": ("1", "V/A"), "S": ("1", "A/V"), "Wb": ("1", "V.s"), "T": ("1", "Wb/m2"),
    "H": ("1", "Wb/A"), "lm": ("1", "cd.sr"), "lx": ("1", "lm/m2"), "Bq": ("1", "s-1"),
    "Gy": ("1", "J/kg"), "Sv": ("1", "J/kg"), "l": ("1", "dm3"), "L": ("1", "dm3"),
    "ar": ("100", "m2"), "t": ("1000", "kg"), "bar": ("100000", "Pa"), "u": ("1660540", "10*-30.g"),
    "eV": ("160217733", "10*-27.J"), "eq": ("1", "mol"), "osm": ("1", "mol"),
    "kat": ("1", "mol/s"),
    "U": ("1", "umol/min"), "cal": ("4184", "mJ"), "cal_th": ("4184", "mJ"),
    "dyn": ("1", "g.cm/s2"),
    "erg": ("1", "dyn.cm"), "Ci": ("37000000000", "Bq"), "P": ("1", "dyn.s/cm2"),
    "m[Hg]": ("133322", "Pa"), "m[H2O]": ("980665", "cPa"), "bit": ("1", "bit"),
    "By": ("8", "bit"), "[iU]": ("1", "[iU]"), "[IU]": ("1", "[iU]"), "st": ("1", "m3"),
    "Bd": ("1", "s-1"), "tex": ("1", "g/km"), "g%": ("1", "g/dl"),
}  # fmt: skip
_PLAIN: dict[str, tuple[str, str]] = {
    "%": ("1", "10*-2"), "[ppth]": ("1", "10*-3"), "[ppm]": ("1", "10*-6"), "[ppb]": ("1", "10*-9"),
    "min": ("60", "s"), "h": ("3600", "s"), "d": ("86400", "s"), "wk": ("604800", "s"),
    "mo": ("2629800", "s"), "a": ("31557600", "s"), "deg": ("1", "deg"), "'": ("1", "arcminute"),
    "''": ("1", "arcsecond"), "[in_i]": ("254", "10*-2.cm"), "[ft_i]": ("12", "[in_i]"),

    "[yd_i]": ("3", "[ft_i]"), "[mi_i]": ("5280", "[ft_i]"), "[lb_av]": ("45359237", "10*-5.g"),
    "[oz_av]": ("28349523125", "10*-9.g"), "[gr]": ("6479891", "10*-8.g"),
    "[stone_av]": ("14", "[lb_av]"), "[gal_us]": ("3785411784", "10*-9.l"),
    "[foz_us]": ("29573529562", "10*-9.ml"), "[cup_us]": ("8", "[foz_us]"),
    "[tbs_us]": ("1", "[foz_us]/2"), "[tsp_us]": ("1", "[tbs_us]/3"), "[drp]": ("1", "ml/20"),
    "atm": ("101325", "Pa"), "[in_i'H2O]": ("249082", "mPa"), "[degF]": ("1", "[degF]"),
    "[pH]": ("1", "[pH]"), "[HPF]": ("1", "[HPF]"),
    "[LPF]": ("100", "[LPF]"),
    "[arb'U]": ("1", "[arb'U]"), "[USP'U]": ("1", "[USP'U]"), "[CFU]": ("1", "[CFU]"),
    "[PFU]": ("1", "[PFU]"), "[Ch]": ("1", "mm/3"), "[diop]": ("1", "/m"),
    "[Cal]": ("1", "kcal_th"),
    "[GPL'U]": ("1", "[GPL'U]"), "[MPL'U]": ("1", "[MPL'U]"), "[BAU]": ("1", "[BAU]"),
    "[todd'U]": ("1", "[todd'U]"), "[dye'U]": ("1", "[dye'U]"), "[EU]": ("1", "[EU]"),
    "[CCID_50]": ("1", "[CCID_50]"), "[TCID_50]": ("1", "[TCID_50]"), "[D'ag'U]": ("1", "[D'ag'U]"),
    "[FFU]": ("1", "[FFU]"), "[Lf]": ("1", "[Lf]"), "[mclg'U]": ("1", "[mclg'U]"),
    "[knk'U]": ("1", "[knk'U]"), "[ka'U]": ("1", "[ka'U]"), "[bdsk'U]": ("1", "[bdsk'U]"),
    "[Amb'a'1'U]": ("1", "[Amb'a'1'U]"), "[MET]": ("35", "10*-1.ml/min/kg"), "[pi]": ("1", "[pi]"),
    "[car_m]": ("2", "10*-1.g"), "[den]": ("1", "g/9/km"), "gon": ("9", "10*-1.deg"),
}  # fmt: skip
_SPECIAL = {"Cel": (Fraction(1), "K", Fraction(27315, 100)), "B": None, "Np": None}
_TERM = re.compile(
    r"(?P<ten>10[*^])(?P<ten_power>[+-]?\d+)?|(?P<number>\d+)"
    r"|(?P<unit>(?:[A-Za-z%'_*^]|\[[^\]]*\])+)(?P<power>[+-]?\d+)?|(?P<note>\{[^{}]*\})"
)
_NONE: Dimension = ()


def is_valid(code: str) -> bool | None:
    """Say whether a code is UCUM: True, False by its form, None when a unit is not in our table."""
    if not code or not code.isascii() or any(character.isspace() for character in code):
        return False
    if code.count("(") != code.count(")") or code.count("{") != code.count("}"):
        return False
    return True if measure(code) is not None else None


@lru_cache(maxsize=4096)
def measure(code: str) -> Measure | None:
    """Give (factor, dimension, offset) in base units, or None for a unit we do not know."""
    if code in _SPECIAL:
        special = _SPECIAL[code]
        return special and (special[0], ((special[1], 1),), special[2])
    try:
        factor, powers = _Reader(code).whole()
    except (ValueError, ZeroDivisionError, RecursionError):
        return None
    dimension = tuple(sorted((name, power) for name, power in powers.items() if power))
    return factor, dimension, Fraction(0)


@lru_cache(maxsize=1024)
def _unit(name: str) -> tuple[Fraction, tuple[tuple[str, int], ...]]:
    for prefix in ("", name[:2], name[:1]):
        rest = name[len(prefix) :]
        table = _METRIC if prefix else {**_METRIC, **_PLAIN}
        if (prefix and prefix not in _PREFIXES) or rest not in table:
            continue
        number, of = table[rest]
        scale = Fraction(10) ** _PREFIXES[prefix] if prefix else Fraction(1)
        if of in (rest, "deg", "arcminute", "arcsecond"):
            return Fraction(number) * scale, ((of, 1),)
        factor, powers = _Reader(of).whole()
        return Fraction(number) * factor * scale, tuple(powers.items())
    raise ValueError(name)


class _Reader:
    """Recursive descent over ``/``, ``.``, parentheses, units with exponents, annotations."""

    def __init__(self, code: str) -> None:
        self._code = code
        self._at = 0

    def whole(self) -> tuple[Fraction, dict[str, int]]:
        found = self._product()
        if self._at != len(self._code):
            raise ValueError(self._code)
        return found

    def _product(self) -> tuple[Fraction, dict[str, int]]:
        factor, powers = Fraction(1), dict[str, int]()
        sign = 1
        if self._peek() == "/":
            self._at, sign = self._at + 1, -1
        while True:
            size, inner = self._component()
            factor *= size**sign
            for name, power in inner.items():
                powers[name] = powers.get(name, 0) + sign * power
            if self._peek() not in (".", "/"):
                return factor, powers
            sign = -1 if self._peek() == "/" else 1
            self._at += 1

    def _component(self) -> tuple[Fraction, dict[str, int]]:
        if self._peek() == "(":
            self._at += 1
            inner = self._product()
            if self._peek() != ")":
                raise ValueError(self._code)
            self._at += 1
            return inner
        match = _TERM.match(self._code, self._at)
        if match is None:
            raise ValueError(self._code)
        self._at = match.end()
        if match["note"]:
            return Fraction(1), {}
        found = self._term(match)
        note = re.compile(r"\{[^{}]*\}").match(self._code, self._at)
        if note:
            self._at = note.end()
        return found

    def _term(self, match: re.Match[str]) -> tuple[Fraction, dict[str, int]]:
        if match["ten"]:
            exponent = int(match["ten_power"] or 1)
            if abs(exponent) > 100:
                raise ValueError(self._code)
            return Fraction(10) ** exponent, {}
        if match["number"]:
            return Fraction(int(match["number"])), {}
        power = int(match["power"] or 1)
        if abs(power) > 100:
            raise ValueError(self._code)
        factor, powers = _unit(match["unit"])
        return factor**power, {name: size * power for name, size in powers}

    def _peek(self) -> str:
        return self._code[self._at : self._at + 1]
