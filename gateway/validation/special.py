"""What single types ask beyond their tables: narratives, attachments, extensions."""

import base64
import binascii
import hashlib
import re
from typing import Any

from gateway.fhir.terminology.grammars import GRAMMARS
from gateway.records import Resource
from gateway.validation import narrative
from gateway.validation.places import Trail
from gateway.validation.rules import After
from gateway.validation.run import Run


def check_narrative(value: Resource, trail: Trail, run: Run) -> None:
    """Check the XHTML of a narrative and that its internal links lead somewhere."""
    text = value.get("div")
    if type(text) is not str:
        return
    found = narrative.read(text)
    if found.problems:
        problem = ", ".join(found.problems[:5])
        run.report("GW-4401", trail, "div", problem=problem)
    elif not found.is_visible:
        run.report("GW-4402", trail, "div")
    if found.links and run.scope is not None:
        known = {*found.ids, *element_ids(run.scope.resource)}
        for link in found.links:
            if link not in known:
                problem = f"#{link[:80]} leads nowhere"
                run.report("GW-4401", trail, "div", problem=problem)


def element_ids(value: Any) -> set[str]:
    """Collect the ids of elements and contained resources."""
    found: set[str] = set()
    waiting: list[Any] = [value]
    while waiting:
        item = waiting.pop()
        if type(item) is dict:
            if type(item.get("id")) is str:
                found.add(item["id"])
            waiting.extend(item.values())
        elif type(item) is list:
            waiting.extend(item)
    return found


_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_URIS = "urn:ietf:rfc:3986"
_UCUM = "http://unitsofmeasure.org"
_UNITS = "http://hl7.org/fhir/ValueSet/ucum-common"
"""Units that R4 lists, some of them with spaces that UCUM's own grammar forbids."""


def check_identifier(value: Resource, trail: Trail, run: Run) -> None:
    """Check that an identifier's system is absolute, and its value where URIs are the system."""
    system, text = value.get("system"), value.get("value")
    if type(system) is not str:
        return
    if _ABSOLUTE.match(system) is None:
        run.report("GW-4107", trail, "system")
    elif system == _URIS and type(text) is str and _ABSOLUTE.match(text) is None:
        # R4's own examples break it, so it refuses nothing.
        run.report("GW-4109", trail, "value", severity="warning")


def check_quantity(value: Resource, trail: Trail, run: Run) -> None:
    """Check that the code of a unit is one of its system."""
    system, code = value.get("system"), value.get("code")
    if type(system) is not str or type(code) is not str or run.engine is None:
        return
    grammar = GRAMMARS.get(system)
    if grammar is not None:
        verdict = grammar(code)
    else:
        content = run.engine.terminology.codes(system)
        verdict = True if content is None else content.has(code)
    if not verdict and system == _UCUM:
        listed = run.engine.terminology.expansion(_UNITS)
        verdict = verdict if listed is None or code not in listed.codes else True
    if verdict is False and system == _UCUM:
        run.report("GW-4103", trail, "code", system=system)
    elif not verdict:
        run.report("GW-4110", trail, "code", severity="warning", system=system)


def check_attachment(value: Resource, trail: Trail, run: Run) -> None:
    """Compare the stated size and hash of an attachment with its data."""
    text, size, stated = value.get("data"), value.get("size"), value.get("hash")
    if type(text) is not str or (size is None and stated is None):
        return
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return
    if type(size) is int and size != len(data):
        run.report("GW-4407", trail)
    if type(stated) is str:
        digest = base64.b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()
        if stated != digest:
            run.report("GW-4408", trail)


def check_extension_form(value: Resource, trail: Trail, run: Run) -> None:
    """Check what every extension must be: a value or extensions, an absolute url at the top."""
    has_value = any(key[:5] == "value" or key[:6] == "_value" for key in value)
    if has_value == ("extension" in value):
        human = "an extension has either a value or extensions"
        run.report("GW-4012", trail, key="ext-1", human=human)
    if run.engine is not None:
        run.engine.check_extension(value, trail, run)


SPECIAL: dict[str, After] = {
    "Narrative": check_narrative,
    "Attachment": check_attachment,
    "Identifier": check_identifier,
    "Quantity": check_quantity,
    "Extension": check_extension_form,
}
