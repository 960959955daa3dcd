"""The registers of a referral office (R-12, R-22, I-31), each one search that an index answers."""

from gateway.errors import GatewayError
from gateway.fhir.systems import REFERRAL_DIRECTION, REFERRAL_TASK
from gateway.referral.table import CORRECT, FILE, FULFIL, KINDS, SIGN
from gateway.referral.terms import MARK, OVERDUE

Search = tuple[str, tuple[tuple[str, str], ...]]


def _of(*kinds: str) -> str:
    return ",".join(f"{REFERRAL_TASK}|{kind}" for kind in kinds)


REGISTERS: dict[str, Search] = {
    "up": ("ServiceRequest", (("category", f"{REFERRAL_DIRECTION}|up"),)),
    "down": ("ServiceRequest", (("category", f"{REFERRAL_DIRECTION}|down"),)),
    "outbound": ("ServiceRequest", (("category", f"{REFERRAL_DIRECTION}|outbound"),)),
    "overdue": ("Task", (("code", _of(*KINDS)), ("_tag", f"{MARK}|{OVERDUE}"))),
    "refused": ("Task", (("code", _of(FULFIL, SIGN)), ("status", "rejected"))),
    "violations": ("Task", (("code", _of(CORRECT)),)),
    "filing": ("Task", (("code", _of(FILE)), ("status", "requested,received,in-progress"))),
}


def search_of(register: str, period: str | None) -> Search:
    """Give the type and parameters of a register, newest first; ``period`` is a FHIR date.

    Raises GW-7020 for a register that there is not.
    """
    found = REGISTERS.get(register)
    if found is None:
        raise GatewayError("GW-7020", name="register", allowed=", ".join(REGISTERS))
    type_, pairs = found
    written = "authored" if type_ == "ServiceRequest" else "authored-on"
    dated = ((written, period),) if period else ()
    return type_, (*pairs, *dated, ("_sort", f"-{written}"))
