"""Changes to a resource: JSON Patch (RFC 6902), JSON Merge Patch (RFC 7396) and FHIRPath Patch
(R4 fhirpatch.html).

All give a changed copy; what was given stays as it is.
"""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import jsonpatch  # type: ignore[import-untyped,unused-ignore]
import jsonpointer  # type: ignore[import-untyped,unused-ignore]

from gateway.errors import GatewayError
from gateway.fhir.patch_places import PatchError, Spot, list_spot, member_spot, target, value_spot
from gateway.records import Json, Resource

Change = Callable[[Resource], Resource]
_MAX_OPERATIONS = 1000


def json_patch(operations: Json) -> Change:
    """Compile a JSON Patch document; raise GW-7060 when it is none.

    The change raises GW-7061 for an operation that cannot be applied, GW-7062 for a failed test.
    """
    if not isinstance(operations, list) or len(operations) > _MAX_OPERATIONS:
        raise GatewayError("GW-7060", expression="[0]")
    for index, operation in enumerate(operations):
        _demand_operation(operation, index)

    def change(resource: Resource) -> Resource:
        current: Json = deepcopy(resource)
        for index, operation in enumerate(operations):
            current = _step(current, deepcopy(operation), index)
        return _demand_resource(current)

    return change


def _demand_operation(operation: Json, index: int) -> None:
    try:
        jsonpatch.JsonPatch([operation])
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError) as err:
        raise GatewayError("GW-7060", expression=f"[{index}]") from err


def _step(current: Json, operation: Json, index: int) -> Json:
    try:
        return jsonpatch.JsonPatch([operation]).apply(current, in_place=True)
    except jsonpatch.JsonPatchTestFailed as err:
        raise GatewayError("GW-7062", index=index, expression=f"[{index}]") from err
    except (
        jsonpatch.JsonPatchException,
        jsonpointer.JsonPointerException,
        TypeError,
        KeyError,
        AttributeError,
    ) as err:
        raise GatewayError(
            "GW-7061",
            index=index,
            reason_zh="path 或 value 与资源不符",
            reason_en="its path or value does not fit",
            expression=f"[{index}]",
        ) from err


def merge_patch(document: Json) -> Change:
    """Compile a JSON Merge Patch (RFC 7396); raise GW-7060 when it is none."""
    if not isinstance(document, dict):
        raise GatewayError("GW-7060")
    return lambda resource: _demand_resource(_merged(resource, document))


def _merged(target: Json, changes: Json) -> Json:
    if not isinstance(changes, dict):
        return changes
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in changes.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged(merged.get(key), value)
    return merged


def fhirpath_patch(parameters: Resource) -> Change:
    """Compile a Parameters resource of operations; raise GW-7060 when it is none."""
    operations = []
    for index, one in enumerate(parameters.get("parameter") or ()):
        if not isinstance(one, dict) or one.get("name") != "operation":
            raise GatewayError("GW-7060", expression=f"Parameters.parameter[{index}]")
        operations.append(_Operation(one, index))
    if not 0 < len(operations) <= _MAX_OPERATIONS:
        raise GatewayError("GW-7060", expression="Parameters.parameter")

    def change(resource: Resource) -> Resource:
        current: Resource = deepcopy(resource)
        for operation in operations:
            operation.apply(current)
        return _demand_resource(current)

    return change


class _Operation:
    """One operation of a FHIRPath Patch."""

    def __init__(self, parameter: Resource, index: int) -> None:
        """Read its parts; raise GW-7060."""
        self.where = f"Parameters.parameter[{index}]"
        self.index = index
        self.parts = {p.get("name"): p for p in parameter.get("part") or () if isinstance(p, dict)}
        self.kind = self._of("type", "valueCode", str) or self._of("type", "valueString", str)
        self.path = self._of("path", "valueString", str) or ""
        steps = {"add", "insert", "delete", "replace", "move"}
        if self.kind not in steps or not self.path:
            raise GatewayError("GW-7060", expression=self.where)

    def _of(self, name: str, element: str, kind: type) -> Any:
        found = self.parts.get(name, {}).get(element)
        return found if isinstance(found, kind) and not isinstance(found, bool) else None

    def apply(self, resource: Resource) -> None:
        """Change the resource; raise GW-7061 with the operation's number."""
        try:
            getattr(self, f"_{self.kind}")(resource)
        except PatchError as err:
            raise GatewayError(
                "GW-7061",
                index=self.index,
                reason_zh=err.zh,
                reason_en=err.en,
                expression=self.where,
            ) from err

    def _value(self, spot: Spot) -> tuple[str, Json, Json]:
        """Give key, value and its ``_`` sibling of the new element."""
        return value_spot(self.parts.get("value"), spot)

    def _add(self, resource: Resource) -> None:
        name = self._of("name", "valueString", str)
        if name is None:
            raise PatchError("缺少 name", "it has no name")
        parent = target(resource, self.path)
        if parent is None:
            raise PatchError("path 未找到元素", "its path finds nothing")
        spot = member_spot(parent, name)
        key, value, extra = self._value(spot)
        spot = spot.renamed(key)
        if spot.is_list:
            spot.insert(spot.length, value, extra)
        elif spot.is_present:
            raise PatchError("该元素已存在", "the element is there already")
        else:
            spot.put(value, extra)

    def _insert(self, resource: Resource) -> None:
        spot = list_spot(resource, self.path)
        index = self._of("index", "valueInteger", int)
        if index is None or not 0 <= index <= spot.length:
            raise PatchError("index 超出范围", "its index is out of range")
        _, value, extra = self._value(spot)
        spot.insert(index, value, extra)

    def _delete(self, resource: Resource) -> None:
        found = target(resource, self.path)
        if found is not None:
            found.demand_spot().remove()

    def _replace(self, resource: Resource) -> None:
        found = target(resource, self.path)
        if found is None:
            raise PatchError("path 未找到元素", "its path finds nothing")
        spot = found.demand_spot()
        key, value, extra = self._value(spot)
        spot.replace(key, value, extra)

    def _move(self, resource: Resource) -> None:
        spot = list_spot(resource, self.path)
        source = self._of("source", "valueInteger", int)
        destination = self._of("destination", "valueInteger", int)
        for index in (source, destination):
            if index is None or not 0 <= index < spot.length:
                raise PatchError(
                    "source 或 destination 超出范围", "its source or destination is out of range"
                )
        spot.move(source, destination)


def _demand_resource(value: Json) -> Resource:
    if not isinstance(value, dict) or not isinstance(value.get("resourceType"), str):
        raise GatewayError("GW-7015")
    return value
