"""The resources that the cases of the specification are asked of."""

from decimal import Decimal
from typing import Any

from gateway.fhir.systems import LOINC, UCUM
from gateway.records import Change
from tests.unit.store.content import codings, indexed

ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
ID_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"


def ref(text: str) -> dict[str, Any]:
    return {"reference": text}


def _risks() -> list[Change]:
    values = ("94", "95", "99.4", "99.5", "99.995", "100", "100.4", "100.5", "104.9", "105")
    return [
        indexed("RiskAssessment", f"n{value}", prediction=[{"probabilityDecimal": Decimal(value)}])
        for value in values
    ]


def _births() -> list[Change]:
    days = ("1989-12-31", "1990", "1990-06", "1990-06-15", "1990-07-01", "1991")
    return [
        *(indexed("Person", f"b{day}", birthDate=day) for day in days),
        indexed("Person", "b-none"),
    ]


def _stays() -> list[Change]:
    periods = {
        "january": {"start": "2013-01-01", "end": "2013-01-31"},
        "day": {"start": "2013-01-14", "end": "2013-01-14"},
        "from21": {"start": "2013-01-21"},
        "from15m": {"start": "2013-03-15"},
        "until": {"end": "2013-01-10"},
        "y1989": {"start": "1989-02-03", "end": "1989-11-30"},
        "across": {"start": "1989-12-01", "end": "1991-02-01"},
        "hour": {"start": "2013-01-14T10:00:00+08:00", "end": "2013-01-14T11:00:00+08:00"},
    }
    return [indexed("Encounter", id_, period=one) for id_, one in periods.items()]


def _orders() -> list[Change]:
    return [
        indexed("ServiceRequest", "d0", occurrenceDateTime="2013-01-14T00:00:00Z"),
        indexed("ServiceRequest", "d10", occurrenceDateTime="2013-01-14T10:00:00Z"),
        indexed("ServiceRequest", "d15", occurrenceDateTime="2013-01-15T00:00:00Z"),
        indexed("ServiceRequest", "zone", occurrenceDateTime="2013-01-14T23:30:00-05:00"),
        indexed("ServiceRequest", "day", occurrenceDateTime="2013-01-14"),
        indexed(
            "ServiceRequest",
            "timing",
            occurrenceTiming={"event": ["2013-02-01T08:00:00Z", "2013-02-03T08:00:00Z"]},
        ),
        indexed(
            "ServiceRequest",
            "bounds",
            occurrenceTiming={"repeat": {"boundsPeriod": {"start": "2013-06-01"}}},
        ),
    ]


def _eve() -> Change:
    eve = {"family": "Eve", "given": ["Évelyne", "Anne Marie"]}
    number = {"type": codings((ID_TYPES, "MR")), "system": "urn:mr", "value": "12345"}
    return indexed(
        "Patient",
        "eve",
        name=[eve],
        gender="female",
        active=True,
        birthDate="1974-12-25",
        identifier=[number, {"system": "http://acme.org/patient", "value": "2345"}],
        address=[{"city": "Löwenstadt", "text": "Hofgasse 3\\4, Hof"}],
        telecom=[{"system": "phone", "value": "555", "use": "home"}],
        managingOrganization=ref("Organization/county"),
        generalPractitioner=[ref("Practitioner/wang")],
        meta={
            "profile": ["http://example.org/StructureDefinition/patient"],
            "tag": [{"system": "urn:t", "code": "needs-review"}],
            "security": [{"system": "urn:s", "code": "R"}],
            "source": "http://example.org/Organization/123",
        },
    )


def _patients() -> list[Change]:
    return [
        _eve(),
        indexed(
            "Patient",
            "steve",
            name=[{"family": "Steven", "text": "STEVEN"}, {"family": "Evesham"}],
            gender="male",
            active=False,
            deceasedBoolean=True,
            identifier=[{"value": "2345"}],
            managingOrganization=ref("Organization/town"),
        ),
        indexed(
            "Patient",
            "lin",
            name=[{"family": "林", "given": ["桂芳"]}],
            gender="female",
            identifier=[{"system": "http://acme.org/patient", "value": "a,b|c$d"}],
            address=[{"text": "青山县青山镇"}],
            link=[{"other": ref("Patient/eve"), "type": "seealso"}],
        ),
        indexed("Patient", "bare"),
    ]


def _directory() -> list[Change]:
    return [
        indexed("Organization", "county", name="青山县人民医院", partOf=ref("Organization/bureau")),
        indexed("Organization", "town", name="青山镇卫生院", partOf=ref("Organization/county")),
        indexed("Organization", "bureau", name="Health Bureau"),
        indexed("Practitioner", "wang", name=[{"family": "王", "given": ["建国"]}]),
        indexed("ValueSet", "vs1", url="http://acme.org/fhir/ValueSet/123", version="1"),
        indexed("ValueSet", "vs2", url="http://acme.org/fhir/ValueSet/123/_history/5"),
        indexed("ValueSet", "vs3", url="urn:oid:1.2.3.4.5"),
        indexed(
            "Location",
            "near",
            position={"latitude": Decimal("31.0"), "longitude": Decimal("112.0")},
        ),
        indexed(
            "Location", "far", position={"latitude": Decimal("31.5"), "longitude": Decimal("112.0")}
        ),
        indexed("List", "l1", entry=[{"item": ref("Patient/eve")}, {"item": ref("Patient/lin")}]),
        indexed("Group", "g1", member=[{"entity": ref("Patient/eve")}]),
    ]


def _observation(id_: str, patient: str, code: str, value: str, unit: str, **more: Any) -> Change:
    quantity = {"value": Decimal(value), "unit": unit, "system": UCUM, "code": unit}
    concept = {**codings((LOINC, code)), "text": f"Test {code}"}
    return indexed(
        "Observation",
        id_,
        code=concept,
        valueQuantity=quantity,
        subject=ref(f"Patient/{patient}"),
        **more,
    )


def _results() -> list[Change]:
    def component(code: str, value: int) -> dict[str, Any]:
        quantity = {"value": value, "system": UCUM, "code": "mm[Hg]"}
        return {"code": codings((LOINC, code)), "valueQuantity": quantity}

    return [
        _observation("mg", "eve", "dose", "5.4", "mg", status="final"),
        _observation("g", "steve", "dose", "0.0054", "g", encounter=ref("Encounter/day")),
        _observation("ten", "eve", "weight", "100", "kg", effectiveDateTime="2013-01-14"),
        indexed(
            "Observation",
            "below",
            code=codings((LOINC, "trop")),
            valueQuantity={
                "value": Decimal("0.5"),
                "comparator": "<",
                "system": UCUM,
                "code": "ng/mL",
            },
            subject=ref("http://other.example/fhir/Patient/eve"),
        ),
        indexed(
            "Observation",
            "bp",
            code={"coding": [{"system": LOINC, "code": "85354-9", "display": "Blood pressure"}]},
            component=[component("8480-6", 150), component("8462-4", 90)],
            subject=ref("Patient/lin"),
            hasMember=[ref("Observation/ten")],
        ),
        indexed(
            "Observation",
            "text",
            code={"text": "headache severity"},
            subject={"identifier": {"system": "http://acme.org/fhir/identifier/mrn", "value": "7"}},
            status="preliminary",
        ),
    ]


def _cases() -> list[Change]:
    return [
        indexed("Encounter", "imp", **{"class": {"system": ACT, "code": "ACUTE"}}),
        indexed("Encounter", "amb", **{"class": {"system": ACT, "code": "AMB"}}),
        indexed(
            "Condition",
            "hurt",
            subject=ref("Patient/eve"),
            code={"text": "高血压三级"},
            encounter=ref("Encounter/day"),
            text={
                "status": "generated",
                "div": '<div xmlns="http://www.w3.org/1999/xhtml">bone metastases</div>',
            },
        ),
        indexed("Condition", "free", subject=ref("Patient/lin"), code={"text": "liver"}),
    ]


def everything() -> tuple[Change, ...]:
    """Give all resources of the cases."""
    made = (_risks, _births, _stays, _orders, _patients, _directory, _results, _cases)
    return tuple(change for several in made for change in several())
