"""How a stay ended, as far as it decides whether care goes on at home (requirements R-17)."""

from gateway.fhir.systems import TERMINOLOGY
from gateway.reactions import codings, organization_of
from gateway.records import Reading, Resource

# 离院方式 (dscg_way): 1 医嘱离院, 2 医嘱转院, 3 医嘱转社区或乡镇, 4 非医嘱离院, 5 死亡.
NATIONAL_NAMES = ("2.16.156.10011.2.3.1.265", "dscg-way")
NATIONAL = {"2": "transferred-on", "4": "against-advice", "5": "died"}
STANDARD = {
    "exp": "died",
    "aadvice": "against-advice",
    "other-hcf": "transferred-on",
    "psy": "transferred-on",
}


def reason_for_no_draft(stay: Resource, sender: str | None, reading: Reading) -> str | None:
    """Give died, against-advice or transferred-on; None when care goes on at the sender's.

    The national code is finer than the standard's (a move to the township is other-hcf there), so
    it counts first. A named destination that is the sending organisation counts as going home.
    """
    hospitalization = stay.get("hospitalization", {})
    said = list(codings(hospitalization.get("dischargeDisposition")))
    standard = next((code for system, code in said if system.startswith(TERMINOLOGY)), "")
    if STANDARD.get(standard) == "died":
        return "died"
    destination = organization_of(hospitalization.get("destination"), reading)
    if destination is not None and destination == sender:
        return None
    for system, code in said:
        # A mapping keeps the source's own code beside the standard's, often without a system.
        if system.endswith(NATIONAL_NAMES) or (not system and standard):
            return NATIONAL.get(code)
    return STANDARD.get(standard)
