"""The shapes in XML: a vendor's flat calls, HL7 V3 registrations, CDA documents of WS/T 500."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template

from gateway.cli.sandbox.message import Message
from gateway.cli.sandbox.stays import Stay

_FOLDER = files("gateway.cli.sandbox") / "templates"


def flat_messages(stays: Iterable[Stay]) -> Iterator[Message]:
    """Give the calls of the hospital with flat XML: a visit as it begins and ends, its report."""
    yield from _told(stays, ("visit", "soap"), ("lab", "soap"), ("visit", "soap"))


def v3_messages(stays: Iterable[Stay]) -> Iterator[Message]:
    """Give the messages of the hospital with V3 and CDA; its summary follows the discharge."""
    listed = list(stays)
    for stay in listed:
        yield _message(stay, stay.admitted, "v3", "v3-patient")
        if stay.discharged is not None:
            yield _message(stay, stay.discharged, "cda", "c0053")
    yield from _told(listed, ("v3-admission", "v3"), ("c0007", "cda"), ("v3-discharge", "v3"))


def _told(
    stays: Iterable[Stay], begins: tuple[str, str], reports: tuple[str, str], ends: tuple[str, str]
) -> Iterator[Message]:
    """Tell each stay by three (template, kind of channel)."""
    for stay in stays:
        yield _message(stay, stay.admitted, begins[1], begins[0], discharged=None)
        if stay.report is not None:
            yield _message(stay, stay.report.issued, reports[1], reports[0])
        if stay.discharged is not None:
            yield _message(stay, stay.discharged, ends[1], ends[0], discharged=stay.discharged)


def _message(
    stay: Stay, at: datetime, kind: str, template: str, discharged: datetime | None = None
) -> Message:
    content = _template(template).render(
        stay=stay,
        person=stay.person,
        hospital=stay.hospital,
        report=stay.report,
        at=at,
        discharged=discharged,
    )
    return Message(at, stay.hospital.id, kind, "xml", content.encode())


@cache
def _template(name: str) -> Template:
    environment = Environment(
        loader=FunctionLoader(lambda one: (_FOLDER / f"{one}.xml").read_text("utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["time"] = _time
    return environment.get_template(name)


def _time(at: datetime) -> str:
    return f"{at:%Y%m%d%H%M%S}"
