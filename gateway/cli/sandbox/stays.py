"""What happens in the county: stays with their diagnosis, reports with their items."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from gateway.cli.sandbox.hospitals import HOSPITALS, Hospital
from gateway.cli.sandbox.people import Person, people

ZONE = ZoneInfo("Asia/Shanghai")
FIRST_DAY = datetime(2026, 10, 1, tzinfo=ZONE)
_DEPARTMENTS = (
    "心血管内科",
    "呼吸内科",
    "普通外科",
    "骨科",
    "妇产科",
    "儿科",
    "中医内科",
    "康复医学科",
)
_DOCTORS = (("D2031", "陈立衡"), ("D2008", "方静怡"), ("D2107", "孟书瑶"), ("D2101", "秦岚"))
_DIAGNOSES = (
    ("I10.x00x002", "高血压病3级（极高危）"), ("I25.103", "冠状动脉粥样硬化性心脏病"),
    ("E11.900", "2型糖尿病"), ("J18.900", "肺炎"), ("M54.500", "腰痛"), ("K35.800", "急性阑尾炎"),
    ("I63.900", "脑梗死"), ("S72.000", "股骨颈骨折"), ("J44.100", "慢性阻塞性肺疾病急性加重"),
)  # fmt: skip
_ITEMS = (
    ("JY0101", "肌酐", "μmol/L", "41.0-81.0", 40, 160, 2),
    ("JY0102", "葡萄糖", "mmol/L", "3.90-6.10", 3, 16, 2),
    ("JY0103", "总胆固醇", "mmol/L", "2.80-5.20", 2, 9, 2),
    ("JY0111", "尿酸", "μmol/L", "208-428", 150, 620, 1),
    ("JY0001", "血红蛋白", "g/L", "115-175", 60, 190, 0),
    ("JY0106", "C反应蛋白", "mg/L", "0-8.00", 0, 120, 2),
)
_WORD_ITEM = ("JY0105", "乙型肝炎表面抗原", "阴性(-)", "阴性")
_SECOND_STAY = 0.3
_WITH_REPORT = 0.6


@dataclass(frozen=True, slots=True)
class Item:
    """One result; ``value`` as the analyser prints it, ``unit`` empty for a word."""

    code: str
    name: str
    value: str
    unit: str
    range: str


@dataclass(frozen=True, slots=True)
class Report:
    """A laboratory report; times carry the county's zone."""

    number: str
    order: str
    specimen: str
    tested: datetime
    issued: datetime
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Stay:
    """A stay in one hospital; ``discharged`` is None while the patient is still there."""

    hospital: Hospital
    person: Person
    patient_no: str
    number: str
    admitted: datetime
    discharged: datetime | None
    department: str
    doctor: tuple[str, str]
    diagnosis: tuple[str, str]
    report: Report | None

    @property
    def days(self) -> int:
        """Days of a finished stay, at least one."""
        end = self.discharged or self.admitted
        return max((end.date() - self.admitted.date()).days, 1)


def county(patients: int, days: int, seed: int) -> Iterator[Stay]:
    """Invent the stays of a county; the same seed gives the same county."""
    random = Random(seed)  # noqa: S311 - a county, not a secret.
    serial = 0
    for person in people(patients, random):
        first = person.number % len(HOSPITALS)
        places = [HOSPITALS[first]]
        if random.random() < _SECOND_STAY:
            places.append(HOSPITALS[(first + random.randrange(1, len(HOSPITALS))) % len(HOSPITALS)])
        begin = FIRST_DAY + timedelta(minutes=random.randrange(days * 1440))
        for hospital in places:
            serial += 1
            stay = _stay(hospital, person, serial, begin, days, random)
            begin = (stay.discharged or begin) + timedelta(days=1)
            yield stay


def _stay(
    hospital: Hospital, person: Person, serial: int, begin: datetime, days: int, random: Random
) -> Stay:
    end = begin + timedelta(days=random.randrange(1, 9), minutes=random.randrange(600))
    return Stay(
        hospital,
        person,
        f"{hospital.letter}{person.number:07d}",
        f"ZY{hospital.letter}{begin:%y%m%d}{serial:06d}",
        begin,
        end if end < FIRST_DAY + timedelta(days=days) else None,
        random.choice(_DEPARTMENTS),
        random.choice(_DOCTORS),
        random.choice(_DIAGNOSES),
        _report(hospital, serial, begin, random) if random.random() < _WITH_REPORT else None,
    )


def _report(hospital: Hospital, serial: int, begin: datetime, random: Random) -> Report:
    number = f"{hospital.letter}{begin:%y%m%d}{serial:06d}"
    tested = begin + timedelta(hours=2, minutes=random.randrange(90))
    items = [
        Item(code, name, f"{random.uniform(low, high):.{places}f}", unit, range_)
        for code, name, unit, range_, low, high, places in random.sample(_ITEMS, 4)
    ]
    if random.random() < 0.5:
        code, name, value, range_ = _WORD_ITEM
        items.append(Item(code, name, value, "", range_))
    issued = tested + timedelta(minutes=random.randrange(10, 60))
    return Report(f"RP{number}", f"SQ{number}", f"BB{number}", tested, issued, tuple(items))
