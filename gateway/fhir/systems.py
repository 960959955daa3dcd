"""Names that identifiers, codes and extensions of the consortium carry.

Chinese national systems keep their registered OIDs or URLs; what nobody registered stands below
``ROOT``.
"""

ROOT = "https://consortium-fhir.cn"

# Identifiers of persons.
ID_CARD = "urn:oid:2.16.156.10011.1.3"
HEALTH_CARD = "urn:oid:2.16.156.10011.1.19"
HEALTH_RECORD_NUMBER = "urn:oid:2.16.156.10011.1.2"
INSURANCE_CARD = "urn:oid:2.16.156.10011.1.15"

# Identifiers of organisations.
CREDIT_CODE = "https://www.cods.org.cn"
ORGANIZATION_CODE = "urn:oid:2.16.156.10011.1.5"

# Identifiers of the national healthcare security administration (医保).
NHSA_PERSON = f"{ROOT}/sid/nhsa/psn-no"
NHSA_VISIT = f"{ROOT}/sid/nhsa/mdtrt-id"
NHSA_SETTLEMENT = f"{ROOT}/sid/nhsa/setl-id"
NHSA_HOSPITAL_SETTLEMENT = f"{ROOT}/sid/nhsa/medins-setl-id"
NHSA_FEE_LINE = f"{ROOT}/sid/nhsa/feedetl-sn"
NHSA_INSTITUTION = f"{ROOT}/sid/nhsa/fixmedins-code"
NHSA_DIVISION = f"{ROOT}/sid/nhsa/admdvs"

DOWN_REFERRAL_OF = f"{ROOT}/sid/down-referral-of"

HOSPITAL_NUMBERS = frozenset(
    {
        "patient-no",
        "outpatient-no",
        "inpatient-no",
        "referral-no",
        "order-no",
        "report-no",
        "specimen-no",
        "document-no",
    }
)


def hospital_number(credit_code: str, kind: str) -> str:
    """Name the system of one hospital's own numbers; ``kind`` is one of HOSPITAL_NUMBERS."""
    if kind not in HOSPITAL_NUMBERS:
        raise ValueError(f"no such kind of hospital number: {kind}")
    return f"{ROOT}/sid/org/{credit_code}/{kind}"


def code_system(name: str) -> str:
    """Name one of our own code systems."""
    return f"{ROOT}/CodeSystem/{name}"


def extension(name: str) -> str:
    """Name one of our own extensions or profiles."""
    return f"{ROOT}/StructureDefinition/{name}"


SERVICE_CATEGORY = code_system("service-category")
REFERRAL_DIRECTION = code_system("referral-direction")
REFERRAL_TYPE = code_system("referral-type")
REFERRAL_TASK = code_system("referral-task")
NHSA_INSURANCE_TYPE = code_system("nhsa-insutype")
NHSA_CARE_TYPE = code_system("nhsa-med-type")
NHSA_FUND_PAY_TYPE = code_system("nhsa-fund-pay-type")
NHSA_SETTLEMENT_ITEM = code_system("nhsa-settlement-item")
ORGANIZATION_TIER = code_system("org-tier")
HOSPITAL_GRADE = code_system("hospital-grade")
GATEWAY_ERROR = code_system("gateway-error")
DATA_ELEMENT = "urn:oid:2.16.156.10011.2.2.1"

# Code systems of the standard and of its terminology service.
LOINC = "http://loinc.org"
SNOMED_CT = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"
CURRENCY = "urn:iso:std:iso:4217"
LANGUAGE_TAG = "urn:ietf:bcp:47"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
HL7_STRUCTURE = "http://hl7.org/fhir/StructureDefinition"

# Standard extensions that say where in the source a finding stands.
ISSUE_LINE = f"{HL7_STRUCTURE}/operationoutcome-issue-line"
ISSUE_COLUMN = f"{HL7_STRUCTURE}/operationoutcome-issue-col"
