"""Names of the referral's own code systems and extensions."""

from gateway.fhir.systems import code_system, extension
from gateway.records import Resource

EVENT = code_system("referral-event")
REASON = code_system("referral-reason")
OUTPUT = code_system("referral-output")
NO_DRAFT = code_system("no-down-referral")
BUSINESS_STATUS = code_system("referral-business-status")
MARK = code_system("referral-mark")
OVERDUE = "overdue"
STEP = extension("referral-step")
BUSINESS = {
    "C01001": "转诊预约申请",
    "C01002": "转诊申请应答",
    "C01003": "患者到诊",
    "C01004": "转诊完整病历上传",
}


def business_status(code: str, text: str | None = None) -> Resource:
    """Give the status of the Chinese guide, with what is said of it."""
    coding = {"system": BUSINESS_STATUS, "code": code, "display": BUSINESS[code]}
    return {"coding": [coding]} | ({"text": text} if text else {})
