"""The shape of a township's exports (GB18030 files) and of a vendor's views: columns in pinyin."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from gateway.cli.sandbox.message import Message
from gateway.cli.sandbox.stays import Report, Stay

_LONG, _SHORT = "%Y-%m-%d %H:%M:%S", "%Y%m%d%H%M%S"
Row = dict[str, str]


def folder_messages(stays: Iterable[Stay]) -> Iterator[Message]:
    """Give the files of each day: patients, visits (at admission and discharge), results."""
    rows = sorted(_events(stays), key=lambda one: (one[0].date(), one[1], one[0]))
    for (day, kind), several in groupby(rows, key=lambda one: (one[0].date(), one[1])):
        listed = list(several)
        at = datetime.combine(day, datetime.max.time(), listed[0][0].tzinfo)
        yield Message(at, "sx-township", kind, "csv", as_csv(row for _, _, row in listed))


def view_messages(stays: Iterable[Stay]) -> Iterator[Message]:
    """Give the rows of the views, each as JSON, in the order in which they appear."""
    for at, kind, row in sorted(_events(stays), key=lambda one: one[0]):
        if kind != "lab":
            yield Message(at, "sx-maternity", kind, "json", as_json(row))


def as_csv(rows: Iterable[Row]) -> bytes:
    """Write rows of the same columns as such systems export them."""
    listed = list(rows)
    written = io.StringIO()
    table = csv.DictWriter(written, list(listed[0]), lineterminator="\r\n")
    table.writeheader()
    table.writerows(listed)
    return written.getvalue().encode("gb18030")


def as_json(row: Row) -> bytes:
    """Write one row."""
    return json.dumps(row, ensure_ascii=False).encode()


def _events(stays: Iterable[Stay]) -> Iterator[tuple[datetime, str, Row]]:
    for stay in stays:
        yield stay.admitted, "patients", _patient(stay)
        yield stay.admitted + timedelta(minutes=1), "visits", _visit(stay, None)
        if stay.discharged is not None:
            yield stay.discharged, "visits", _visit(stay, stay.discharged)
        if stay.report is not None:
            for row in _results(stay, stay.report):
                yield stay.report.issued, "lab", row


def _patient(stay: Stay) -> Row:
    person = stay.person
    return {
        "BRID": stay.patient_no,
        "XM": person.name,
        "XB": person.gender_code,
        "CSRQ": f"{person.born:%Y-%m-%d}",
        "SFZH": person.id_card,
        "HYZK": person.marital,
        "MZ": "01",
        "LXDH": person.phone,
        "JTDZ": person.address,
        "LXRXM": "",
        "LXRDH": "",
        "GXSJ": stay.admitted.strftime(_LONG),
    }


def _visit(stay: Stay, discharged: datetime | None) -> Row:
    person, told = stay.person, discharged or stay.admitted + timedelta(minutes=1)
    code, name = stay.diagnosis
    return {
        "JZLSH": f"JZ{stay.number[2:]}",
        "JZLX": "03",
        "BRID": stay.patient_no,
        "XM": person.name,
        "XB": person.gender_code,
        "CSRQ": f"{person.born:%Y%m%d}",
        "SFZH": person.id_card,
        "MZH": "",
        "ZYH": stay.number,
        "JZRQ": stay.admitted.strftime(_SHORT),
        "CYRQ": discharged.strftime(_SHORT) if discharged else "",
        "KSMC": stay.department,
        "YSGH": stay.doctor[0],
        "YSXM": stay.doctor[1],
        "ZDDM": code,
        "ZDMC": name,
        "GXSJ": told.strftime(_LONG),
    }


def _results(stay: Stay, report: Report) -> Iterator[Row]:
    shared: dict[str, Any] = {
        "BGDH": report.number,
        "SQDH": report.order,
        "BGMC": "生化检查",
        "BRID": stay.patient_no,
        "XM": stay.person.name,
        "XB": "男" if stay.person.is_male else "女",
        "CSRQ": f"{stay.person.born:%Y%m%d}",
        "SFZH": stay.person.id_card,
        "BBLX": "血清",
        "JYSJ": report.tested.strftime(_SHORT),
        "BGSJ": report.issued.strftime(_SHORT),
        "SHYS": stay.doctor[1],
    }
    for item in report.items:
        yield shared | {
            "XMDM": item.code,
            "XMMC": f"★{item.name}",
            "JG": item.value,
            "DW": item.unit,
            "CKZ": item.range,
            "YCBZ": "",
            "HRBZ": "",
            "HRFW": "",
            "HRBM": "",
        }
