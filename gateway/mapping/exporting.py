"""A mapping as FHIR resources for reading and exchange: StructureMap and ConceptMaps.

A StructureMap needs a logical model for its source, and there is none for most native formats: the
source paths stand as they are in ``source.element``, and what the language of the StructureMap
cannot say stands in ``documentation``.
"""

import re
from typing import Any

from gateway.fhir.systems import ROOT
from gateway.mapping.nodes import Node, Scalar, Sequence, Table
from gateway.mapping.program import MappingProgram
from gateway.mapping.tables import CodeTable
from gateway.records import Resource

_NAME = re.compile(r"[^A-Za-z0-9]+")
_R4 = "http://hl7.org/fhir/StructureDefinition"


def _id(text: str) -> str:
    return _NAME.sub("-", text).strip("-")[:64] or "map"


def structure_map(program: MappingProgram) -> Resource:
    """Give a mapping as a StructureMap: one group, one rule for each resource and element."""
    tree = program.tree
    assert tree is not None  # noqa: S101 - a compiled file keeps its tree
    items = tree.get("resources")
    tables = [
        t for t in (items.items if isinstance(items, Sequence) else ()) if isinstance(t, Table)
    ]
    types = list(dict.fromkeys(t.text("type") or "" for t in tables))
    structures = [
        {"url": f"{ROOT}/StructureDefinition/native-{program.format}", "mode": "source"},
        *({"url": f"{_R4}/{type_}", "mode": "target"} for type_ in types),
    ]
    group: Resource = {
        "name": "record",
        "typeMode": "none",
        "input": [
            {"name": "src", "type": "native", "mode": "source"},
            {"name": "bundle", "type": "Bundle", "mode": "target"},
        ],
        "rule": [_resource_rule(table) for table in tables],
    }
    name = _NAME.sub("_", program.id).strip("_")
    return {
        "resourceType": "StructureMap",
        "id": _id(program.id),
        "url": f"{ROOT}/StructureMap/{_id(program.id)}",
        "version": program.hash[:12],
        "name": name if name[:1].isalpha() else f"M_{name}",
        "title": tree.text("title") or program.id,
        "status": "active",
        "description": f"Exported for reading; the mapping {program.id} itself is what runs.",
        "structure": structures,
        "group": [group],
    }


def _resource_rule(table: Table) -> Resource:
    name, type_ = table.text("as") or "", table.text("type") or ""
    source: Resource = {"context": "src", "variable": "at"}
    anchor = table.get("each") or table.get("from")
    if anchor is not None:
        source["element"] = _shown(anchor)
    if "when" in table:
        source["condition"] = _shown(table.entries["when"])
    target = {
        "context": "bundle",
        "contextType": "variable",
        "element": "entry",
        "variable": _variable(name),
        "transform": "create",
        "parameter": [{"valueString": type_}],
    }
    inner = table.get("set")
    rules = _element_rules(inner, _variable(name)) if isinstance(inner, Table) else []
    key = table.get("key")
    told = f"{table.mark.rule}" + (f"; key: {_shown(key)}" if key is not None else "")
    made: Resource = {"name": _id(name), "source": [source], "target": [target]}
    if rules:
        made["rule"] = rules
    return {**made, "documentation": told}


def _variable(name: str) -> str:
    return _id(f"v-{name}")


def _element_rules(table: Table, context: str) -> list[Resource]:
    made: list[Resource] = []
    for element, node in table.entries.items():
        for number, item in enumerate(node.items if isinstance(node, Sequence) else [node], 1):
            name = _id(f"{context[2:]}-{element}-{number}")
            made.append(_element_rule(name, element, item, context))
    return made


def _element_rule(name: str, element: str, node: Node, context: str) -> Resource:
    source: Resource = {"context": "at"}
    target: Resource = {"context": context, "contextType": "variable", "element": element}
    made: Resource = {"name": name, "source": [source], "target": [target]}
    constant = _constant(node)
    if constant is not None:
        target |= {"transform": "copy", "parameter": [{"valueString": constant.text}]}
        return {**made, "documentation": node.mark.rule}
    if isinstance(node, Scalar):
        source["element"] = node.text
    elif isinstance(node, Table):
        _describe(node, source, target)
    inner = node.get("set") if isinstance(node, Table) else None
    if isinstance(inner, Table):
        target["variable"] = _variable(name)
        if rules := _element_rules(inner, _variable(name)):
            made["rule"] = rules
    elif "transform" not in target and "element" in source:
        source["variable"] = "value"
        target |= {"transform": "copy", "parameter": [{"valueId": "value"}]}
    return {**made, "documentation": f"{node.mark.rule}: {_shown(node)}"}


def _constant(node: Node) -> Scalar | None:
    if isinstance(node, Scalar):
        return None if node.text.startswith(".") else node
    given = node.get("const") if isinstance(node, Table) else None
    return given if isinstance(given, Scalar) else None


def _describe(node: Table, source: Resource, target: Resource) -> None:
    """Say where a rule reads from, when, and through which table or reference."""
    path = node.get("each") or node.get("from") or node.get("join")
    if path is not None:
        source["element"] = _shown(path)
    if "when" in node:
        source["condition"] = _shown(node.entries["when"])
    ref, codes = node.get("ref"), node.text("codes")
    if isinstance(ref, Scalar):
        target |= {"transform": "reference", "parameter": [{"valueId": _variable(ref.text)}]}
    elif codes is not None and "element" in source and "set" not in node:
        source["variable"] = "value"
        uri = f"{ROOT}/ConceptMap/{_id(codes)}"
        parameters = [{"valueId": "value"}, {"valueString": uri}, {"valueString": "code"}]
        target |= {"transform": "translate", "parameter": parameters}


def concept_maps(program: MappingProgram) -> list[Resource]:
    """Give the code tables that a mapping declares as ConceptMaps."""
    declared = program.tree.get("codes") if program.tree else None
    names = declared.entries if isinstance(declared, Table) else {}
    return [
        _concept_map(program, program.tables[name]) for name in names if program.tables[name].rows
    ]


def _concept_map(program: MappingProgram, table: CodeTable) -> Resource:
    groups: dict[tuple[str, str], dict[str, list[dict[str, Any]]]] = {}
    for row in table.rows:
        systems = (row.source_system or "", row.system or "")
        target = {"code": row.target, "equivalence": "equivalent"}
        if row.display:
            target["display"] = row.display
        groups.setdefault(systems, {}).setdefault(row.source, []).append(target)
    own = _id(f"{program.id}-{table.name}")
    return {
        "resourceType": "ConceptMap",
        "id": own,
        "url": f"{ROOT}/ConceptMap/{own}",
        "version": program.hash[:12],
        "name": f"M_{_NAME.sub('_', own)}",
        "title": f"{program.id}: {table.name}",
        "status": "active",
        "group": [
            {
                **({"source": source} if source else {}),
                **({"target": target} if target else {}),
                "element": [{"code": code, "target": to} for code, to in elements.items()],
            }
            for (source, target), elements in groups.items()
        ],
    }


def _shown(node: Node) -> str:
    """Write a rule on one line, as its author would."""
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Sequence):
        return f"[{', '.join(_shown(item) for item in node.items)}]"
    return f"{{{', '.join(f'{word}: {_shown(item)}' for word, item in node.entries.items())}}}"
