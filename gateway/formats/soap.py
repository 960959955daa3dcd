"""SOAP 1.1 and 1.2 as hospital platforms speak it: ``HIPMessageServer(action, message)``.

The message is text within the envelope (escaped, or CDATA; elements are taken as they stand), the
answer flat ``<res><success>AA|AE</success><msg/>…</res>`` text again. Elements are known by their
local names: .NET qualifies the parameters, JAX-WS does not. Faults are for what is no call at all;
a record that is refused has an answer like any other.
"""

import re
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from gateway.errors import GatewayError
from gateway.fhir.systems import ROOT

SERVICE = f"{ROOT}/soap"
OPERATION = "HIPMessageServer"
ENVELOPES = {
    "http://schemas.xmlsoap.org/soap/envelope/": "1.1",
    "http://www.w3.org/2003/05/soap-envelope": "1.2",
}
_NAMESPACES = {version: uri for uri, version in ENVELOPES.items()}
_DECLARED = re.compile(r"""\A\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")


@dataclass(frozen=True, slots=True)
class Call:
    """What a client asks for."""

    version: str
    action: str
    message: str


def read_call(raw: bytes, charset: str | None = None) -> Call:
    """Read an envelope; ``charset`` is the transport's. Raises GW-1070, GW-1071."""
    root = _parsed(raw, charset)
    space, name = _split(root)
    version = ENVELOPES.get(space)
    body = next((one for one in _children(root) if _split(one) == (space, "Body")), None)
    if name != "Envelope" or version is None or body is None:
        raise GatewayError("GW-1070", reason="Envelope/Body")
    asked = _children(body)
    if len(asked) != 1 or _split(asked[0])[1] != OPERATION:
        raise GatewayError("GW-1071", operation=OPERATION)
    given = {_split(one)[1]: one for one in _children(asked[0])}
    if set(given) != {"action", "message"}:
        raise GatewayError("GW-1071", operation=f"{OPERATION}(action, message)")
    return Call(version, "".join(given["action"].itertext()).strip(), _inner(given["message"]))


def encoded(message: str, charset: str | None) -> bytes:
    """Give the bytes of a message: in the channel's charset, its own declared one, or UTF-8.

    Raises GW-1070 when it holds what the charset has no code for.
    """
    declared = _DECLARED.match(message)
    codec = charset if charset not in {None, "detect"} else None
    try:
        return message.encode(codec or (declared[1] if declared else "utf-8"))
    except (LookupError, UnicodeEncodeError) as err:
        raise GatewayError("GW-1070", reason="encoding") from err


def result(success: str, text: str, message_id: str) -> str:
    """Write the flat answer; ``success`` is AA or AE."""
    return (
        f"<res><success>{success}</success><msg>{escape(text)}</msg>"
        f"<messageId>{escape(message_id)}</messageId></res>"
    )


def call(version: str, action: str, message: str) -> bytes:
    """Write a call of the operation."""
    inner = (
        f'<h:{OPERATION} xmlns:h="{SERVICE}"><h:action>{escape(action)}</h:action>'
        f"<h:message>{escape(message)}</h:message></h:{OPERATION}>"
    )
    return _envelope(version, inner)


def read_answer(raw: bytes, charset: str | None = None) -> str:
    """Give the text that a service answers, or the code of its fault (``Server`` …).

    Raises GW-1070 for what is no answer of one text.
    """
    root = _parsed(raw, charset)
    body = next((one for one in _children(root) if _split(one)[1] == "Body"), None)
    inner = _children(body) if body is not None else []
    if _split(root)[0] not in ENVELOPES or len(inner) != 1:
        raise GatewayError("GW-1070", reason="Envelope/Body")
    if _split(inner[0])[1] == "Fault":
        return _fault_code(inner[0])
    element = inner[0]
    while _split(element)[1] != "res" and len(within := _children(element)) == 1:
        element = within[0]
    if _split(element)[1] == "res":
        return str(etree.tostring(element, encoding="unicode", with_tail=False))
    return "".join(element.itertext())


def read_result(text: str) -> str:
    """Give ``success`` of the flat answer; raise GW-1070 when it says none."""
    root = _parsed(text.strip().encode(), "utf-8")
    for element in root.iter():
        if isinstance(element.tag, str) and _split(element)[1] == "success":
            return (element.text or "").strip()[:20]
    raise GatewayError("GW-1070", reason="success")


def _fault_code(fault: Any) -> str:
    """Give the local name of a fault's code, in both versions."""
    for element in fault.iter():
        name = _split(element)[1] if isinstance(element.tag, str) else ""
        is_code = name == "faultcode" or (name == "Value" and element.text)
        if is_code:
            return (element.text or "").strip().rpartition(":")[2][:40] or "Server"
    return "Server"


def answer(version: str, text: str) -> bytes:
    """Wrap an answer's text in an envelope of the caller's version."""
    inner = (
        f'<h:{OPERATION}Response xmlns:h="{SERVICE}"><h:payload>{escape(text)}</h:payload>'
        f"</h:{OPERATION}Response>"
    )
    return _envelope(version, inner)


def fault(version: str, number: str, text: str, *, is_callers: bool) -> bytes:
    """Write a fault: the caller's (Client, Sender) or ours (Server, Receiver)."""
    if version == "1.2":
        code = "s:Sender" if is_callers else "s:Receiver"
        inner = (
            f"<s:Fault><s:Code><s:Value>{code}</s:Value></s:Code><s:Reason>"
            f'<s:Text xml:lang="zh">{number} {escape(text)}</s:Text></s:Reason></s:Fault>'
        )
    else:
        code = "s:Client" if is_callers else "s:Server"
        inner = (
            f"<s:Fault><faultcode>{code}</faultcode>"
            f"<faultstring>{number} {escape(text)}</faultstring></s:Fault>"
        )
    return _envelope(version, inner)


def version_of(content_type: str) -> str:
    """Tell the version by the media type, for a fault of what could not be read."""
    return "1.2" if content_type.lower().startswith("application/soap+xml") else "1.1"


def content_type(version: str) -> str:
    """Give the media type of a version."""
    kind = "application/soap+xml" if version == "1.2" else "text/xml"
    return f"{kind}; charset=utf-8"


def _envelope(version: str, inner: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{_NAMESPACES[version]}">'
        f"<s:Body>{inner}</s:Body></s:Envelope>"
    ).encode()


def _parsed(raw: bytes, charset: str | None) -> Any:
    is_declared = b"encoding=" in raw[:200] or raw.startswith((b"\xef\xbb\xbf", b"\xff\xfe"))
    try:
        parser = etree.XMLParser(
            encoding=None if is_declared else charset,
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        root: Any = etree.fromstring(raw, parser)
    except (etree.XMLSyntaxError, LookupError, ValueError) as err:
        raise GatewayError("GW-1070", reason="XML") from err
    if root is None or root.getroottree().docinfo.doctype:
        raise GatewayError("GW-1070", reason="DOCTYPE")
    return root


def _children(element: Any) -> list[Any]:
    return [one for one in element if isinstance(one.tag, str)]


def _split(element: Any) -> tuple[str, str]:
    space, _, name = element.tag.rpartition("}")
    return space.removeprefix("{"), name


def _inner(element: Any) -> str:
    """Give the text within; elements that stand there instead are the message themselves."""
    children = _children(element)
    if children:
        return str(etree.tostring(children[0], encoding="unicode", with_tail=False))
    return element.text or ""


def wsdl(address: str) -> bytes:
    """Describe the service at an address: document/literal, SOAP 1.1 and 1.2."""
    bindings = "".join(_binding(version) for version in ("1.1", "1.2"))
    ports = "".join(
        f'<w:port name="Hip{_mark(version)}" binding="t:Hip{_mark(version)}">'
        f"<{_mark(version)}:address location={quoteattr(address)}/></w:port>"
        for version in ("1.1", "1.2")
    )
    return _WSDL.format(service=SERVICE, name=OPERATION, bindings=bindings, ports=ports).encode()


def _mark(version: str) -> str:
    return "s12" if version == "1.2" else "s11"


def _binding(version: str) -> str:
    mark = _mark(version)
    body = f'<{mark}:body use="literal"/>'
    return (
        f'<w:binding name="Hip{mark}" type="t:Hip">'
        f'<{mark}:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>'
        f'<w:operation name="{OPERATION}"><{mark}:operation soapAction="{SERVICE}/{OPERATION}"/>'
        f"<w:input>{body}</w:input><w:output>{body}</w:output></w:operation></w:binding>"
    )


_WSDL = """<?xml version="1.0" encoding="UTF-8"?>
<w:definitions name="Hip" targetNamespace="{service}" xmlns:t="{service}"
 xmlns:w="http://schemas.xmlsoap.org/wsdl/" xmlns:x="http://www.w3.org/2001/XMLSchema"
 xmlns:s11="http://schemas.xmlsoap.org/wsdl/soap/"
 xmlns:s12="http://schemas.xmlsoap.org/wsdl/soap12/">
<w:types><x:schema targetNamespace="{service}" elementFormDefault="qualified">
<x:element name="{name}"><x:complexType><x:sequence>
<x:element name="action" type="x:string"/><x:element name="message" type="x:string"/>
</x:sequence></x:complexType></x:element>
<x:element name="{name}Response"><x:complexType><x:sequence>
<x:element name="payload" type="x:string"/>
</x:sequence></x:complexType></x:element>
</x:schema></w:types>
<w:message name="ask"><w:part name="parameters" element="t:{name}"/></w:message>
<w:message name="told"><w:part name="parameters" element="t:{name}Response"/></w:message>
<w:portType name="Hip"><w:operation name="{name}"><w:input message="t:ask"/>
<w:output message="t:told"/></w:operation></w:portType>
{bindings}
<w:service name="Hip">{ports}</w:service>
</w:definitions>
"""
