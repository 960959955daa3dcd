"""Referral bundles as a hospital's own system would send them: 14 resources, invented people."""

import random
from decimal import Decimal
from typing import Any

from gateway.fhir.systems import (
    ID_CARD,
    LOINC,
    REFERRAL_DIRECTION,
    REFERRAL_TYPE,
    SERVICE_CATEGORY,
    TERMINOLOGY,
    UCUM,
)
from gateway.records import Resource

SURNAMES = "林王李张刘陈杨赵黄周吴徐孙胡朱高何郭马罗"
GIVEN = ("桂芳", "建国", "秀英", "志强", "丽华", "海燕", "国庆", "玉兰", "春梅", "永福")
RESULTS = (
    ("718-7", "血红蛋白", "g/L"),
    ("2345-7", "葡萄糖", "mmol/L"),
    ("4548-4", "糖化血红蛋白", "%"),
    ("2160-0", "肌酐", "umol/L"),
    ("2823-3", "钾", "mmol/L"),
    ("1742-6", "丙氨酸氨基转移酶", "U/L"),
)
DIAGNOSES = (
    ("I10.x00", "高血压病3级(极高危)"),
    ("I20.000", "不稳定性心绞痛"),
    ("E11.900", "2型糖尿病"),
)
NOTE = (
    "患者因反复胸痛两月加重三天入院，血压168/98mmHg，心率86次每分，"
    "双肺未闻及啰音，拟转上级医院进一步诊治。"
)


def concept(system: str, code: str, text: str | None = None) -> Resource:
    """Make a CodeableConcept."""
    coding = {"system": system, "code": code}
    return {"coding": [coding | ({"display": text} if text else {})], "text": text or code}


class Bundles:
    """Gives one bundle after the other: resources that refer to each other by ``urn:uuid:``."""

    def __init__(self, seed: int, sender: str, target: str) -> None:
        self._random = random.Random(seed)
        self._number = seed * 10_000_000
        self._sender, self._target = sender, target

    def resources(self) -> list[tuple[str, Resource]]:
        """Give (fullUrl, resource) of one referral."""
        self._number += 1
        number, made = self._number, []

        def add(name: str, resource: Resource) -> None:
            resource["identifier"] = resource.get("identifier") or [
                {"system": f"urn:bench:{name}", "value": f"{name}-{number}"}
            ]
            made.append((f"urn:uuid:{name}-{number}", resource))

        subject = {"reference": f"urn:uuid:patient-{number}"}
        stay = {"reference": f"urn:uuid:encounter-{number}"}
        add("patient", self._patient(number))
        add("encounter", self._encounter(subject))
        for at, (code, text) in enumerate(self._random.sample(DIAGNOSES, 2)):
            add(f"condition{at}", self._condition(code, text, subject, stay))
        for at, result in enumerate(RESULTS):
            add(f"observation{at}", self._observation(result, subject, stay))
        results = [{"reference": f"urn:uuid:observation{at}-{number}"} for at in range(6)]
        add("report", self._report(subject, stay, results))
        add("summary", self._summary(subject, stay))
        reasons = [{"reference": f"urn:uuid:condition{at}-{number}"} for at in range(2)]
        add("referral", self._referral(subject, stay, reasons))
        add("coverage", self._coverage(subject))
        return made

    def _moment(self) -> str:
        chance = self._random
        day = f"2026-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
        return f"{day}T{chance.randint(7, 20):02}:{chance.randint(0, 59):02}:00+08:00"

    def _patient(self, number: int) -> Resource:
        family, given = self._random.choice(SURNAMES), self._random.choice(GIVEN)
        return {
            "resourceType": "Patient",
            "identifier": [{"system": f"{ID_CARD}.bench", "value": f"{number:018}"}],
            "name": [{"text": family + given, "family": family, "given": [given]}],
            "gender": self._random.choice(("male", "female")),
            "birthDate": f"{self._random.randint(1940, 2015)}-{self._random.randint(1, 12):02}-14",
            "telecom": [{"system": "phone", "value": f"138{number % 100_000_000:08}"}],
            "address": [{"district": "青山县", "text": f"青山县青山镇柳溪村{number % 97}组"}],
        }

    def _encounter(self, subject: Resource) -> Resource:
        return {
            "resourceType": "Encounter",
            "status": "in-progress",
            "class": {"system": f"{TERMINOLOGY}/v3-ActCode", "code": "AMB", "display": "门诊"},
            "subject": subject,
            "period": {"start": self._moment()},
            "serviceProvider": {"reference": self._sender},
        }

    def _condition(self, code: str, text: str, subject: Resource, stay: Resource) -> Resource:
        return {
            "resourceType": "Condition",
            "clinicalStatus": concept(f"{TERMINOLOGY}/condition-clinical", "active"),
            "category": [concept(f"{TERMINOLOGY}/condition-category", "encounter-diagnosis")],
            "code": concept("urn:oid:2.16.156.10011.2.3.3.11", code, text),
            "subject": subject,
            "encounter": stay,
            "recordedDate": self._moment(),
            "note": [{"text": NOTE}],
        }

    def _observation(
        self, result: tuple[str, str, str], subject: Resource, stay: Resource
    ) -> Resource:
        code, text, unit = result
        value = Decimal(self._random.randint(100, 20_000)).scaleb(-2)
        quantity = {"value": value, "unit": unit, "system": UCUM, "code": unit}
        return {
            "resourceType": "Observation",
            "status": "final",
            "category": [concept(f"{TERMINOLOGY}/observation-category", "laboratory", "检验")],
            "code": concept(LOINC, code, text),
            "subject": subject,
            "encounter": stay,
            "effectiveDateTime": self._moment(),
            "performer": [{"reference": self._sender}],
            "valueQuantity": quantity,
            "referenceRange": [{"text": f"参考范围见报告 {text}"}],
        }

    def _report(self, subject: Resource, stay: Resource, results: list[Resource]) -> Resource:
        return {
            "resourceType": "DiagnosticReport",
            "status": "final",
            "category": [concept(f"{TERMINOLOGY}/v2-0074", "LAB", "检验")],
            "code": concept(LOINC, "11502-2", "检验报告"),
            "subject": subject,
            "encounter": stay,
            "effectiveDateTime": self._moment(),
            "performer": [{"reference": self._sender}],
            "result": results,
            "conclusion": NOTE,
        }

    def _summary(self, subject: Resource, stay: Resource) -> Resource:
        div = f'<div xmlns="http://www.w3.org/1999/xhtml">{NOTE}</div>'
        return {
            "resourceType": "Composition",
            "identifier": {"system": "urn:bench:summary", "value": f"summary-{self._number}"},
            "status": "final",
            "type": concept(LOINC, "57133-1", "转诊小结"),
            "subject": subject,
            "encounter": stay,
            "date": self._moment(),
            "author": [{"reference": self._sender}],
            "title": "转诊小结",
            "section": [
                {"title": title, "text": {"status": "generated", "div": div}}
                for title in ("主诉", "现病史", "检查结果", "诊疗经过")
            ],
        }

    def _referral(
        self, subject: Resource, stay: Resource, reasons: list[Resource]
    ) -> dict[str, Any]:
        moment = self._moment()
        return {
            "resourceType": "ServiceRequest",
            "status": "active",
            "intent": "order",
            "category": [
                concept(SERVICE_CATEGORY, "referral"),
                concept(REFERRAL_DIRECTION, "up"),
            ],
            "priority": "routine",
            "code": concept(REFERRAL_TYPE, "inpatient"),
            "subject": subject,
            "encounter": stay,
            "authoredOn": moment,
            "occurrenceDateTime": moment,
            "requester": {"reference": self._sender},
            "performer": [{"reference": self._target}],
            "reasonReference": reasons,
            "note": [{"text": NOTE}],
        }

    def _coverage(self, subject: Resource) -> Resource:
        return {
            "resourceType": "Coverage",
            "status": "active",
            "type": concept("urn:bench:insutype", "390", "城乡居民基本医疗保险"),
            "beneficiary": subject,
            "payor": [{"reference": self._target}],
        }
