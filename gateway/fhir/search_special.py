"""Parse the values that ask more than one row: running text, value sets, hierarchies, places."""

from gateway.errors import GatewayError
from gateway.fhir.search_model import CodesValue, NearValue, TermsValue, TokenValue
from gateway.fhir.search_text import asked_terms
from gateway.records import CodeSets

MAX_CODES = 20_000
DEFAULT_KM = 50.0
_CORE = "http://hl7.org/fhir/"
_KM = {"km": 1.0, "m": 0.001, "[mi_i]": 1.609344, "mi": 1.609344, "": 1.0}


def refuse(name: str, reason_zh: str, reason_en: str) -> GatewayError:
    """Make the refusal of a value, which names the parameter and never repeats the value."""
    return GatewayError("GW-7102", name=name, reason_zh=reason_zh, reason_en=reason_en)


def terms_value(name: str, text: str) -> TermsValue:
    """Parse a text to be found in running text: all its words, in any order."""
    terms = asked_terms(text)
    if not terms:
        raise refuse(name, "没有可检索的文字", "it holds no word to search for")
    return TermsValue(tuple((term.text, term.is_start) for term in terms))


def value_set(name: str, url: str, code_sets: CodeSets | None) -> CodesValue:
    """Give the codes of a value set that is named by its URL or as ``ValueSet/id``."""
    if code_sets is None:
        raise _unknown(name)
    members = code_sets.members(url)
    if members is None and url.startswith("ValueSet/"):
        members = code_sets.members(_CORE + url)
    if members is None:
        raise refuse(
            name,
            "本网关未载入该值集，或无法列出其全部编码",
            "the value set is not loaded here, or its codes cannot all be listed",
        )
    return _codes(name, {system: tuple(sorted(codes)) for system, codes in members.items()})


def with_relatives(
    name: str, token: TokenValue, direction: str, code_sets: CodeSets | None
) -> CodesValue:
    """Give a code of a loaded hierarchy with what stands above or below it."""
    if not token.system or token.code is None:
        raise refuse(name, "应写成 系统|编码", "it is system|code")
    if code_sets is None:
        raise _unknown(name)
    codes = code_sets.related(
        token.system, token.code, "above" if direction == "above" else "below"
    )
    if codes is None:
        raise refuse(
            name, "本网关未载入该编码系统", "the code system is not loaded here as a whole"
        )
    return _codes(name, {token.system: tuple(sorted({*codes, token.code}))})


def _codes(name: str, codes: dict[str, tuple[str, ...]]) -> CodesValue:
    if sum(len(several) for several in codes.values()) > MAX_CODES:
        raise refuse(name, f"编码超过 {MAX_CODES} 个", f"it stands for more than {MAX_CODES} codes")
    return CodesValue(tuple(sorted(codes.items())))


def _unknown(name: str) -> GatewayError:
    return GatewayError("GW-7103", name=name, modifier=name.rpartition(":")[2])


def near(name: str, parts: list[str]) -> NearValue:
    """Parse ``latitude|longitude|distance|unit``; without a distance it is 50 km."""
    try:
        latitude, longitude = float(parts[0]), float(parts[1])
        distance = float(parts[2]) if len(parts) > 2 and parts[2] else DEFAULT_KM
        km = distance * _KM[parts[3] if len(parts) > 3 else ""]
    except (ValueError, IndexError, KeyError) as err:
        raise refuse(
            name,
            "应写成 纬度|经度|距离|单位（km、m 或 [mi_i]）",
            "it is latitude|longitude|distance|unit (km, m or [mi_i])",
        ) from err
    if not (abs(latitude) <= 90 and abs(longitude) <= 180 and 0 <= km <= 20_100):
        raise refuse(name, "超出地球范围", "it lies beyond the earth")
    return NearValue(latitude, longitude, km)
