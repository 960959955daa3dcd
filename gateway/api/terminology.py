"""The terminology that a client sees: HL7's R4, the consortium's profiles, what members stored.

What was stored counts before what was delivered; of several versions the active one, then the
newest. https://hl7.org/fhir/R4/terminology-service.html
"""

import re
from collections import OrderedDict
from threading import Lock
from typing import Any

from gateway.api.exchange import Exchange
from gateway.api.inputs import Inputs
from gateway.api.read import is_id
from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.fhir.terminology import CodeList, Expansion, Terminology, code_list
from gateway.records import Resource, Stored

_KEPT = 64
_MOST_MAPS = 1000


class _Memory:
    """Decoded resources and read code systems of the last versions asked for."""

    def __init__(self) -> None:
        self._resources: OrderedDict[tuple[Any, ...], Resource] = OrderedDict()
        self._lists: OrderedDict[int, CodeList] = OrderedDict()
        self._lock = Lock()

    def resource(self, stored: Stored) -> Resource:
        """Decode a version once."""
        key = (stored.shard, stored.type, stored.id, stored.version, stored.updated_utc)
        with self._lock:
            if key not in self._resources:
                self._resources[key] = codec.decode_stored(stored.body)
                while len(self._resources) > _KEPT:
                    self._resources.popitem(last=False)
            self._resources.move_to_end(key)
            return self._resources[key]

    def codes(self, definition: Resource) -> CodeList:
        """Read a code system once."""
        with self._lock:
            found = self._lists.get(id(definition))
            # The list holds its definition, so the number stays its own while it is kept.
            if found is None or found.definition is not definition:
                found = self._lists[id(definition)] = code_list(definition)
                while len(self._lists) > _KEPT:
                    self._lists.popitem(last=False)
            return found


_MEMORY = _Memory()


class _StoredSource:
    """What clients stored, as far as the asker sees it; each url is looked up once a request."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._found: dict[tuple[str, str], Resource | None] = {}

    def value_set(self, url: str) -> Resource | None:
        """Give a stored ValueSet by url, ``url|version``, or ``ValueSet/id`` as searches may."""
        type_, _, id_ = url.partition("/")
        if type_ != "ValueSet" or not is_id(id_):
            return self.find("ValueSet", url)
        stored = self._exchange.services.store.read(self._exchange.visibility, type_, id_)
        return None if stored is None or stored.is_deleted else _MEMORY.resource(stored)

    def code_system(self, url: str) -> Resource | None:
        """Give a stored CodeSystem by url or ``url|version``."""
        return self.find("CodeSystem", url)

    def find(self, type_: str, canonical: str) -> Resource | None:
        """Find a stored conformance resource by its canonical."""
        key = (type_, canonical)
        if key not in self._found:
            url, _, version = canonical.partition("|")
            asked = [("url", _escaped(url))] + (
                [("version", f"|{_escaped(version)}")] if version else []
            )
            listed = self.search(type_, asked)
            self._found[key] = max(listed, key=_precedence) if listed else None
        return self._found[key]

    def search(self, type_: str, asked: list[tuple[str, str]]) -> list[Resource]:
        """Give what matches, the first thousand."""
        services = self._exchange.services
        asked = [*asked, ("_count", str(_MOST_MAPS))]
        query = services.store.query(self._exchange.visibility.shard, (type_,), asked, "strict")
        page = services.store.search(self._exchange.visibility, query)
        return [_MEMORY.resource(stored) for stored in page.matches]


def terminology_of(exchange: Exchange) -> Terminology:
    """Give the terminology that the asker sees."""
    return Terminology(_StoredSource(exchange), exchange.services.terminology, _MEMORY.codes)


def concept_map(exchange: Exchange, canonical: str) -> Resource | None:
    """Find a ConceptMap by its canonical."""
    found = _StoredSource(exchange).find("ConceptMap", canonical)
    return found or exchange.services.conformance.find("ConceptMap", canonical)


def concept_maps(exchange: Exchange) -> list[Resource]:
    """Give all ConceptMaps that the asker sees; a stored one stands for a delivered one."""
    stored = _StoredSource(exchange).search("ConceptMap", [])
    urls = {one.get("url") for one in stored}
    delivered = exchange.services.conformance.all("ConceptMap")
    return stored + [one for one in delivered if one.get("url") not in urls]


def code_system(terminology: Terminology, url: str, version: str | None = None) -> CodeList:
    """Give a loaded code system; raise GW-7201 for one that is not."""
    content = terminology.content(f"{url}|{version}" if version else url)
    if content is None:
        raise GatewayError("GW-7201", system=_named(url, version))
    return content


def demand_known(expansion: Expansion | None, url: str) -> Expansion:
    """Give an expansion; raise GW-7202 when there is no such value set."""
    if expansion is None:
        raise GatewayError("GW-7202", value_set=url[:200])
    return expansion


def undecided(expansion: Expansion, url: str) -> GatewayError:
    """Say what a value set needs that is not loaded."""
    return GatewayError("GW-7203", value_set=url[:200], missing=(expansion.missing or url)[:200])


def canonical(inputs: Inputs, name: str, version: str) -> str | None:
    """Give a canonical from the parameters for url and version."""
    url, stated = inputs.text(name), inputs.text(version)
    return f"{url}|{stated}" if url and stated and "|" not in url else url


def _named(url: str, version: str | None) -> str:
    return f"{url}|{version}"[:200] if version else url[:200]


def _escaped(text: str) -> str:
    return re.sub(r"([\\,$|])", r"\\\1", text)


def _precedence(resource: Resource) -> tuple[bool, list[tuple[int, str]]]:
    parts = re.findall(r"\d+|[^\d.]+", str(resource.get("version", "")))
    numbers = [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
    return resource.get("status") == "active", numbers


def conformance_of(exchange: Exchange, type_: str, id_: str) -> Resource:
    """Give a stored or delivered definition by id; raise GW-7002 or GW-7003."""
    stored = exchange.services.store.read(exchange.visibility, type_, id_) if is_id(id_) else None
    if stored is not None and not stored.is_deleted:
        return _MEMORY.resource(stored)
    delivered = exchange.services.conformance.read(type_, id_)
    if delivered is not None:
        return delivered
    raise GatewayError("GW-7002" if stored is None else "GW-7003", type=type_)
