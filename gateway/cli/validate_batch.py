"""``gateway validate --batch``: requests as JSON lines, each with definitions of its own."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.errors import GatewayError
from gateway.fhir.codec import decode
from gateway.fhir.definitions import load
from gateway.fhir.outcome import operation_outcome
from gateway.records import Resource
from gateway.validation import Options, Validator
from gateway.validation.packages import decoded, read_bytes, read_definitions
from gateway.validation.references import literal
from gateway.validation.sources import located


def answers(lines: Iterable[bytes]) -> Iterator[Resource]:
    """Answer each request; one compiled release serves them all."""
    release = Validator(load())
    for line in lines:
        if line.strip():
            yield answer(decode(line), release)


def answer(request: Resource, release: Validator) -> Resource:
    """Answer one request of the batch; its definitions hold for it alone."""
    try:
        extra = read_definitions(Path(path) for path in request.get("definitions", ()))
        validator = release.with_definitions(extra) if extra else release
        profile = request.get("profile")
        path = Path(request["file"])
        wanted = _options(request.get("options") or {}, path.parent)
        raw = read_bytes(path)
        issues = validator.check(decoded(raw, path.name), (profile,) if profile else (), wanted)
        issues = located(raw, issues)
    except GatewayError as err:
        issues = list(err.as_issues())
    return {"id": request["id"], "outcome": operation_outcome(issues, "en")}


def _options(stated: dict[str, Any], folder: Path) -> Options:
    """Translate the options of a batch request; those we do not know are ignored."""
    rule = stated.get("bundle-param")
    rules = ((rule["rule"], rule["profile"]),) if isinstance(rule, dict) else ()
    domains = stated.get("allowed-extension-domain", ())
    follows = stated.get("validateReference") == "CHECK_VALID"
    return Options(
        best_practice=True,
        allows_examples=stated.get("examples", True) is not False,
        is_strict_security=bool(stated.get("security-checks")),
        unknown_extension="error",
        extension_domains=(domains,) if isinstance(domains, str) else tuple(domains),
        checks_contained=stated.get("validateContains") != "IGNORE",
        bundle_rules=rules,
        now=datetime.now(UTC),
        fetch=Folder(folder).fetch if follows else None,
    )


class Folder:
    """Finds targets of relative references as ``<id>.json`` or ``<id>.xml`` in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, Resource | None] = {}

    def fetch(self, reference: str) -> Resource | None:
        """Give what ``Type/id`` names; the same object whenever it is asked for."""
        if reference not in self._known:
            self._known[reference] = self._read(reference)
        return self._known[reference]

    def _read(self, reference: str) -> Resource | None:
        named = literal(reference)
        if named is None or named.server:
            return None
        for suffix in (".json", ".xml"):
            path = self._folder / f"{named.id}{suffix}"
            if not path.is_file():
                continue
            try:
                resource = decoded(read_bytes(path), path.name)
            except GatewayError:
                # Its own request says what is wrong with it.
                return None
            if (resource.get("resourceType"), resource.get("id")) == (named.type, named.id):
                return resource
        return None
