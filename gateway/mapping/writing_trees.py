"""Writers of trees: cells by whole path become an XML document or a JSON record."""

import re
from collections.abc import Mapping
from typing import Any

from lxml import etree

from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.mapping.program import MappingProgram
from gateway.mapping.writing import Cells, Native, text_of

_STEP = re.compile(r"/((?:[^/\[']|\[[^\]]*\])+)")
_TESTS = re.compile(r"\[([^\]]*)\]")
_ATTRIBUTE = re.compile(r"@([\w.:-]+)='([^']*)'")
_MEMBER = re.compile(r"\.([^.\[\]]+)((?:\[\d+\])*)")
_NOT_XML = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_xml(cells: Cells, template: str | None, program: MappingProgram) -> str:
    """Write an XML document; the template's elements are kept, what was rendered replaces.

    Raises GW-3107 where the template is not XML or has another root than the mapping's paths.
    """
    writer = _XML({name: url for name, url in program.prefixes.items() if url}, program)
    if template is not None:
        writer.start(template)
    for path, value in cells.items():
        writer.put(path, value)
    if writer.root is None:
        raise GatewayError("GW-3107", what="an empty document", format="xml")
    if template is None:
        etree.cleanup_namespaces(writer.root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + etree.tostring(
        writer.root, encoding="unicode", pretty_print=template is None
    )


class _XML:
    def __init__(self, prefixes: Mapping[str, str], program: MappingProgram) -> None:
        self._prefixes = prefixes
        self._program = program
        self.root: Any = None

    def start(self, template: str) -> None:
        """Take a skeleton document."""
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        try:
            self.root = etree.fromstring(template.encode("utf-8"), parser)
        except (etree.XMLSyntaxError, ValueError) as err:
            raise GatewayError("GW-3107", what="the template", format="xml") from err

    def put(self, path: str, value: Native) -> None:
        """Write one value at its path, making the elements on the way."""
        text = text_of(value)
        if _NOT_XML.search(text):
            raise GatewayError("GW-3107", what="a control character", format="xml")
        steps = _STEP.findall(path)
        node: Any = None
        for step in steps:
            if step.startswith("@"):
                node.set(self._name(step[1:]), text)
                return
            if step == "text()":
                break
            node = self._child(node, step)
        node.text = text

    def _child(self, parent: Any, step: str) -> Any:
        name, _, _ = step.partition("[")
        tag = self._name(name)
        tests = _TESTS.findall(step)
        wanted = {self._name(n): v for test in tests for n, v in _ATTRIBUTE.findall(test)}
        ordinal = next((int(test) for test in tests if test.isdigit()), 1)
        if parent is None:
            return self._top(tag, wanted)
        alike = [
            one
            for one in parent.findall(tag)
            if all(one.get(attribute) == text for attribute, text in wanted.items())
        ]
        while len(alike) < ordinal:
            made = parent.makeelement(tag, wanted)
            last = alike[-1] if alike else None
            if last is None:
                parent.append(made)
            else:
                last.addnext(made)
            alike.append(made)
        return alike[ordinal - 1]

    def _top(self, tag: str, wanted: Mapping[str, str]) -> Any:
        if self.root is None:
            used = {url: name for name, url in self._prefixes.items()}
            namespace = etree.QName(tag).namespace
            shown = {name: url for url, name in used.items() if url != namespace}
            if namespace:
                shown = {None: namespace, **shown}  # type: ignore[dict-item]
            self.root = etree.Element(tag, dict(wanted), nsmap=shown)
        if self.root.tag != tag:
            raise GatewayError("GW-3107", what="the template", format="xml")
        return self.root

    def _name(self, name: str) -> str:
        prefix, colon, local = name.rpartition(":")
        return f"{{{self._prefixes[prefix]}}}{local}" if colon else name


def write_json(cells: Cells, template: str | None, program: MappingProgram) -> str:
    """Write a JSON record; the template's members are kept, what was rendered replaces.

    A number stays one; GW-3107 where the template has another shape than the mapping's paths.
    """
    del program
    record: Any = codec.decode(template.encode()) if template is not None else {}
    for path, value in cells.items():
        _put_json(record, path, value)
    return codec.encode_pretty(record).decode() + "\n"


def _put_json(record: Any, path: str, value: Native) -> None:
    steps: list[str | int] = []
    for name, ordinals in _MEMBER.findall(path.removeprefix("$")):
        steps.append(name)
        steps += [int(number) for number in re.findall(r"\d+", ordinals)]
    node = record
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        empty: Any = [] if isinstance(following, int) else {}
        if isinstance(step, int):
            if not isinstance(node, list):
                raise GatewayError("GW-3107", what="the template", format="json")
            node += [{} for _ in range(step + 1 - len(node))]
            if following is None:
                node[step] = value
            node = node[step]
        elif not isinstance(node, dict):
            raise GatewayError("GW-3107", what="the template", format="json")
        elif following is None:
            node[step] = value
        else:
            node = node.setdefault(step, empty)
