"""The document inside a message that registers it (HL7 V3, RCMR_IN000002UV*): base64 of XML."""

import base64
import binascii
from typing import Any

from lxml import etree

REGISTERING = "RCMR_IN000002"
_MARK = b"\xef\xbb\xbf"


def registered_document(root: Any) -> bytes | None:
    """Give the XML document that a registration carries; None when it carries none.

    It stands in ``storageCode/originalText/@value`` or in a ``text`` of representation B64; what is
    no base64 of XML stays a value of the message.
    """
    if not etree.QName(root).localname.startswith(REGISTERING):
        return None
    for element in root.iter():
        if not isinstance(element.tag, str):
            continue
        if etree.QName(element).localname == "originalText":
            text = element.get("value") or "".join(element.itertext())
        elif element.get("representation") == "B64":
            text = "".join(element.itertext())
        else:
            continue
        if (found := _document(text)) is not None:
            return found
    return None


def _document(text: str) -> bytes | None:
    try:
        raw = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if raw.removeprefix(_MARK).lstrip().startswith(b"<") else None
