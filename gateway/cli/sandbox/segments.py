"""The shape of the county hospital: HL7 v2.4 over MLLP, GB18030 with an empty MSH-18."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from gateway.cli.sandbox.message import Message
from gateway.cli.sandbox.stays import Report, Stay

MEMBER = "sx-county"
CHARSET = "gb18030"


def hl7_messages(stays: Iterable[Stay]) -> Iterator[Message]:
    """Give admissions, discharges and results."""
    for stay in stays:
        yield _message(stay, stay.admitted, "adt", _movement(stay, "A01", stay.admitted))
        if stay.report is not None:
            yield _message(stay, stay.report.issued, "lab", _results(stay, stay.report))
        if stay.discharged is not None:
            yield _message(stay, stay.discharged, "adt", _movement(stay, "A03", stay.discharged))


def _message(stay: Stay, at: datetime, kind: str, segments: list[str]) -> Message:
    raw = "".join(f"{one}\r" for one in segments).encode(CHARSET)
    return Message(at, stay.hospital.id, kind, "hl7", raw)


def _time(at: datetime | None) -> str:
    return f"{at:%Y%m%d%H%M%S}" if at is not None else ""


def _header(stay: Stay, kind: str, control: str, at: datetime) -> str:
    sender = f"HIS|{stay.hospital.uscc}|GATEWAY|{stay.hospital.id.upper()}"
    return f"MSH|^~\\&|{sender}|{_time(at)}||{kind}|{control}|P|2.4|||AL|NE|CHN||zh"


def _patient(stay: Stay) -> str:
    person, hospital = stay.person, stay.hospital
    local = f"{stay.patient_no}^^^{hospital.uscc}&{hospital.name}^PI"
    name = f"{person.name}^{person.pinyin}"
    told = f"{local}~{person.id_card}^^^^NI||{name}||{person.born:%Y%m%d}"
    ending = f"{person.address}||{person.phone}|||{person.marital}|||{person.id_card}"
    return f"PID|1||{told}|{'M' if person.is_male else 'F'}|||{ending}|||01^汉族"


def _visit(stay: Stay, discharged: datetime | None) -> str:
    begun = f"PV1|1|I|0201^1203^12^{stay.department}|R|||{'^'.join(stay.doctor)}"
    way = "1" if discharged else ""
    times = f"{_time(stay.admitted)}|{_time(discharged)}"
    return f"{begun}|||||||2||||I|{stay.number}|390{'|' * 16}{way}{'|' * 8}{times}"


def _movement(stay: Stay, event: str, at: datetime) -> list[str]:
    code, name = stay.diagnosis
    is_end = event == "A03"
    return [
        _header(stay, f"ADT^{event}^ADT_{event}", f"{event}{stay.number[2:]}", at),
        f"EVN|{event}|{_time(at)}",
        _patient(stay),
        _visit(stay, at if is_end else None),
        f"DG1|1|ICD10|{code}^{name}^I10C|{name}|{at:%Y%m%d}|{'F' if is_end else 'A'}",
    ]


def _results(stay: Stay, report: Report) -> list[str]:
    numbers = f"{report.order}|{report.number}"
    order = (
        f"OBR|1|{numbers}|JYZH01^生化检查^L|||{_time(report.tested)}{'|' * 7}{_time(report.tested)}"
        f"|SER^血清{'|' * 7}{_time(report.issued)}||LAB|F{'|' * 7}{'&'.join(stay.doctor)}"
    )
    results = [
        f"OBX|{n}|{'NM' if item.unit else 'ST'}|{item.code}^★{item.name}^L||{item.value}"
        f"|{item.unit}|{item.range}||||F|||{_time(report.tested)}"
        for n, item in enumerate(report.items, 1)
    ]
    return [
        _header(stay, "ORU^R01^ORU_R01", report.number, report.issued),
        _patient(stay),
        f"PV1|1|I|0201^1203^12^{stay.department}||||{'^'.join(stay.doctor)}{'|' * 12}{stay.number}",
        f"ORC|RE|{numbers}||CM",
        order,
        *results,
    ]
