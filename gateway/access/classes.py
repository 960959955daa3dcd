"""Access classes: what kind of record a version is, as the bits that the store's predicate tests.

A row carries the bits of ``classify``; a member sees it through the bits it sees of everybody
(``Visibility.classes``) or through the bits of a live relation to the person.
"""

from collections.abc import Iterator

from gateway.fhir.systems import REFERRAL_TASK, SERVICE_CATEGORY
from gateway.records import SENSITIVE, Json, Resource

DIRECTORY = 1
CLINICAL = 2
REFERRAL = 4
FINANCE = 8
REPORT = 16
IDENTITY = 32


def _named(*lines: str) -> frozenset[str]:
    return frozenset(name for line in lines for name in line.split())


_DIRECTORY_TYPES = _named(
    "Organization OrganizationAffiliation Practitioner PractitionerRole Location HealthcareService",
    "Endpoint Schedule Slot Medication MedicationKnowledge Substance SubstanceSpecification",
    "InsurancePlan",
    # Conformance and knowledge: definitions without a patient.
    "ActivityDefinition CapabilityStatement ChargeItemDefinition CodeSystem CompartmentDefinition",
    "ConceptMap EventDefinition ExampleScenario GraphDefinition ImplementationGuide Library",
    "MessageDefinition NamingSystem ObservationDefinition OperationDefinition PlanDefinition",
    "Questionnaire ResearchDefinition SearchParameter SpecimenDefinition StructureDefinition",
    "StructureMap TerminologyCapabilities TestScript ValueSet",
)
_FINANCE_TYPES = _named(
    "Account ChargeItem Claim ClaimResponse Contract Coverage CoverageEligibilityRequest",
    "CoverageEligibilityResponse EnrollmentRequest EnrollmentResponse ExplanationOfBenefit Invoice",
    "PaymentNotice PaymentReconciliation",
)
_IDENTITY_TYPES = frozenset({"Patient", "RelatedPerson", "Person"})
# Only the member that wrote them sees these; a subscription's address is nobody else's business.
_OWNER_ONLY_TYPES = frozenset({"AuditEvent", "Binary", "Basic", "Linkage", "Subscription"})


# Categories that the law and the consortium protect beyond the rest: HL7's sensitivity codes.
_LABELS = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_SENSITIVE = _named(
    "ALCOHOL BH COGN DVD EMOTDIS ETH ETHUD GDIS HIV MH MST OPIOIDUD PREGNANT PSY PSYTHPN SCA SDV",
    "SEX SICKLE SPI STD SUD SUICIDE TBOO VIO",
)
_CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
_RESTRICTED = frozenset({"R", "V"})


def is_sensitive(resource: Resource) -> bool:
    """Say whether a security label puts the resource into a sensitive category."""
    meta = resource.get("meta")
    labels = meta.get("security") if isinstance(meta, dict) else None
    for label in labels if isinstance(labels, list) else ():
        if isinstance(label, dict):
            named = {_LABELS: _SENSITIVE, _CONFIDENTIALITY: _RESTRICTED}
            if label.get("code") in named.get(label.get("system", ""), frozenset()):
                return True
    return False


def classify(resource: Resource) -> int:
    """Give the access classes of a resource as a bit set; 0 means its owner and parties only."""
    return _kind(resource) | (SENSITIVE if is_sensitive(resource) else 0)


def _kind(resource: Resource) -> int:
    type_ = resource["resourceType"]
    if type_ in _DIRECTORY_TYPES:
        return DIRECTORY
    if type_ in _FINANCE_TYPES:
        return FINANCE
    if type_ in _IDENTITY_TYPES:
        return IDENTITY
    if type_ == "MeasureReport":
        return REPORT
    if type_ == "Measure":
        return REPORT | DIRECTORY
    if type_ in _OWNER_ONLY_TYPES:
        return 0
    if is_referral(resource):
        return REFERRAL
    return CLINICAL


def is_referral(resource: Resource) -> bool:
    """Say whether the resource is a referral's order or one of its tasks."""
    if resource["resourceType"] == "ServiceRequest":
        return (SERVICE_CATEGORY, "referral") in _codings(resource.get("category"))
    if resource["resourceType"] == "Task":
        return any(system == REFERRAL_TASK for system, _ in _codings(resource.get("code")))
    return False


def organizations_named(resource: Resource) -> frozenset[str]:
    """Give the id of every ``Organization/<id>`` that the resource refers to literally."""
    return frozenset(
        reference.split("/")[1]
        for reference in _literal_references(resource)
        if reference.startswith("Organization/")
    )


def _literal_references(value: Json) -> Iterator[str]:
    # An own walk: a party is looked for in every element, contained resources and extensions too.
    stack = [value]
    while stack:
        top = stack.pop()
        if isinstance(top, dict):
            reference = top.get("reference")
            if isinstance(reference, str):
                yield reference
            stack.extend(top.values())
        elif isinstance(top, list):
            stack.extend(top)


def _codings(concepts: Json) -> set[tuple[str | None, str | None]]:
    listed = concepts if isinstance(concepts, list) else [concepts]
    return {
        (coding.get("system"), coding.get("code"))
        for concept in listed
        if isinstance(concept, dict)
        for coding in concept.get("coding", ())
        if isinstance(coding, dict)
    }
