"""What an operation was asked: the query of a GET or the Parameters of a POST, in one form.

https://hl7.org/fhir/R4/operations.html#executing, #request
"""

from dataclasses import dataclass, replace

from gateway.api.exchange import Exchange
from gateway.errors import GatewayError
from gateway.records import Json, Resource


@dataclass(frozen=True, slots=True)
class Inputs:
    """The input parameters by name, each in the order it was given."""

    values: dict[str, list[Json]]

    def value(self, name: str) -> Json:
        """Give a parameter's last value, None when it was not given."""
        given = self.values.get(name)
        return given[-1] if given else None

    def text(self, name: str) -> str | None:
        """Give a parameter that is a text; raise GW-7020."""
        value = self.value(name)
        if value is None or isinstance(value, str):
            return value or None
        raise GatewayError("GW-7020", name=name, allowed="string", expression=_at(name))

    def texts(self, name: str) -> tuple[str, ...]:
        """Give all values of a parameter that may repeat."""
        return tuple(value for value in self.values.get(name, ()) if isinstance(value, str))

    def flag(self, name: str) -> bool | None:
        """Give a parameter that is true or false; raise GW-7020."""
        value = self.value(name)
        if value is None or isinstance(value, bool):
            return value
        if value in ("true", "false"):
            return bool(value == "true")
        raise GatewayError("GW-7020", name=name, allowed="true, false", expression=_at(name))

    def number(self, name: str) -> int | None:
        """Give a parameter that counts; raise GW-7020."""
        value = self.value(name)
        if value is None:
            return None
        text = str(value)
        if isinstance(value, bool) or not (text.isascii() and text.isdecimal() and len(text) < 10):
            raise GatewayError("GW-7020", name=name, allowed="0…999999999", expression=_at(name))
        return int(text)

    def element(self, name: str) -> Resource | None:
        """Give a parameter that is a Coding, a CodeableConcept or a resource; raise GW-7020."""
        value = self.value(name)
        if value is None or isinstance(value, dict):
            return value
        raise GatewayError("GW-7020", name=name, allowed="POST Parameters", expression=_at(name))


def inputs(exchange: Exchange, known: frozenset[str]) -> Inputs:
    """Read the input; raise GW-7206 for a parameter that the operation does not take here.

    One that is left out silently would change the answer's meaning. Names that begin with ``_``
    say how to answer.
    """
    values: dict[str, list[Json]] = {}
    for name, text in exchange.query:
        if not name.startswith("_"):
            values.setdefault(name, []).append(text)
    if exchange.body:
        _demand_valid(exchange)
        for name, value in given(exchange):
            values.setdefault(name, []).append(value)
    unknown = next((name for name in values if name not in known), None)
    if unknown is not None:
        raise GatewayError(
            "GW-7206",
            name=unknown[:64],
            known=", ".join(sorted(known)),
            expression=_at(unknown[:64]),
        )
    return Inputs(values)


def with_arguments(exchange: Exchange) -> Exchange:
    """Give the exchange with the body's parameters behind those of the address, as texts.

    So a page of the answer is asked for by a link. Raises GW-7013 for a body that is no Parameters,
    GW-7020 for a parameter that is no primitive.
    """
    if not exchange.body:
        return exchange
    found = tuple((name, _text(name, value)) for name, value in given(exchange))
    return replace(exchange, query=(*exchange.query, *found), body=b"")


def given(exchange: Exchange) -> list[tuple[str, Json]]:
    """Give names and values of the body's Parameters as they stand; raise GW-7013, GW-7015."""
    found: list[tuple[str, Json]] = []
    listed = exchange.resource_of("Parameters").get("parameter", [])
    for one in listed if isinstance(listed, list) else [listed]:
        if not isinstance(one, dict) or not isinstance(one.get("name"), str):
            raise GatewayError("GW-7015", expression="Parameters.parameter")
        found.append((one["name"], _value(one)))
    return found


def _demand_valid(exchange: Exchange) -> None:
    """Raise GW-4801 with the findings when the Parameters are not valid.

    They may hold whole resources, and what works on these takes their form for granted.
    """
    body = exchange.resource_of("Parameters")
    found = exchange.services.validator.check(body)
    # Whether codes are right (GW-41xx) is what is being asked.
    errors = [
        one
        for one in found
        if one.severity in {"error", "fatal"} and not one.number.startswith("GW-41")
    ]
    if errors:
        raise GatewayError("GW-4801", issues=tuple(found), count=len(errors))


def _value(parameter: Resource) -> Json:
    if "resource" in parameter:
        return parameter["resource"]
    for key, value in parameter.items():
        if key.startswith("value"):
            return value
    return parameter.get("part")


def _text(name: str, value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, dict | list):
        raise GatewayError("GW-7020", name=name[:64], allowed="value[x]")
    return str(value)


def _at(name: str) -> str:
    return f"Parameters.parameter.where(name='{name}')"
