"""Answer HL7 V3 messages with MCCI_IN000002UV01, the application acknowledgement.

The answer is written from what can be read of the message: sender and receiver change places, the
message's id stands in ``targetMessage``. An unreadable message gets its refusal too. Texts come
from the error catalogue and never hold a patient's value.
"""

from datetime import datetime
from typing import Any, Literal

from lxml import etree

from gateway.errors import GatewayError
from gateway.formats.xml import HL7, parse

INTERACTION = "MCCI_IN000002UV01"
MESSAGE_NO = "2.16.156.10011.2.5.1.1"
INTERACTION_NO = "2.16.156.10011.2.5.1.2"
DEVICE_NO = "2.16.156.10011.2.5.1.3"
_SPACES: Any = {None: HL7}


def acknowledge(
    raw: bytes,
    code: Literal["AA", "AE", "AR"],
    *,
    now: datetime,
    text: str = "",
    control_id: str,
    charset: str | None = None,
) -> bytes:
    """Build the acknowledgement of a message; ``control_id`` names the answer itself."""
    try:
        root = parse(raw, charset)[0]
    except GatewayError:
        root = etree.Element(f"{{{HL7}}}unread")
    answer = etree.Element(f"{{{HL7}}}{INTERACTION}", {"ITSVersion": "XML_1.0"}, nsmap=_SPACES)
    _put(answer, "id", root=MESSAGE_NO, extension=control_id)
    _put(answer, "creationTime", value=now.strftime("%Y%m%d%H%M%S"))
    _put(answer, "interactionId", root=INTERACTION_NO, extension=INTERACTION)
    _put(answer, "processingCode", code=_said(root, "h:processingCode/@code") or "P")
    _put(answer, "processingModeCode")
    _put(answer, "acceptAckCode", code="NE")
    _device(answer, "receiver", "RCV", _said(root, "h:sender//h:id//@extension"))
    _device(answer, "sender", "SND", _said(root, "h:receiver//h:id//@extension"))
    told = _put(answer, "acknowledgement", typeCode=code)
    target = _put(told, "targetMessage")
    _put(
        target,
        "id",
        root=_said(root, "h:id/@root") or MESSAGE_NO,
        extension=_said(root, "h:id/@extension"),
    )
    if text:
        _put(_put(told, "acknowledgementDetail"), "text", value=text)
    return bytes(etree.tostring(answer, encoding="UTF-8", xml_declaration=True))


def _device(answer: Any, name: str, kind: str, number: str) -> None:
    device = _put(
        _put(answer, name, typeCode=kind), "device", classCode="DEV", determinerCode="INSTANCE"
    )
    _put(_put(device, "id"), "item", root=DEVICE_NO, extension=number)


def _put(above: Any, name: str, **attributes: str) -> Any:
    return etree.SubElement(above, f"{{{HL7}}}{name}", attributes)


def _said(root: Any, path: str) -> str:
    """Give the first value of a path, empty when there is none."""
    found = root.xpath(path, namespaces={"h": HL7})
    return str(found[0]).strip() if found else ""
