"""The definitions a validator works from: a base, and packages laid over it."""

from collections.abc import Callable, Iterable
from typing import Protocol

from gateway.records import Resource


class Artefacts(Protocol):
    """Gives conformance resources by canonical url or, for structures, by type name."""

    def structure(self, name_or_url: str, /) -> Resource | None:
        """Give a StructureDefinition with a snapshot, or None."""

    def value_set(self, url: str, /) -> Resource | None:
        """Give a ValueSet, or None."""

    def code_system(self, url: str, /) -> Resource | None:
        """Give a CodeSystem, or None."""


class Layered:
    """A base with further resources laid over it; the base is shared, never copied.

    ``is_sound`` is asked when one is first looked up; what is not sound counts as not loaded.
    """

    def __init__(
        self,
        parent: Artefacts,
        resources: Iterable[Resource],
        is_sound: Callable[[Resource], bool] = lambda _: True,
    ) -> None:
        self._parent = parent
        self._is_sound = is_sound
        self._verdicts: dict[int, bool] = {}
        self.own: dict[tuple[str, str], Resource] = {}
        for resource in resources:
            type_, url = resource.get("resourceType"), resource.get("url")
            if isinstance(type_, str) and isinstance(url, str):
                self.own[type_, url] = resource
                if isinstance(resource.get("version"), str):
                    self.own[type_, f"{url}|{resource['version']}"] = resource

    def structure(self, name_or_url: str) -> Resource | None:
        """Give a StructureDefinition, ours before the base's."""
        return self._find("StructureDefinition", name_or_url) or self._parent.structure(name_or_url)

    def value_set(self, url: str) -> Resource | None:
        """Give a ValueSet, ours before the base's."""
        return self._find("ValueSet", url) or self._parent.value_set(url)

    def code_system(self, url: str) -> Resource | None:
        """Give a CodeSystem, ours before the base's."""
        return self._find("CodeSystem", url) or self._parent.code_system(url)

    def resource(self, type_: str, url: str) -> Resource | None:
        """Give a conformance resource of any type that was laid over the base."""
        return self._find(type_, url)

    def _find(self, type_: str, url: str) -> Resource | None:
        found = self._named(type_, url)
        if found is None:
            return None
        verdict = self._verdicts.get(id(found))
        if verdict is None:
            verdict = self._verdicts[id(found)] = self._is_sound(found)
        return found if verdict else None

    def _named(self, type_: str, url: str) -> Resource | None:
        found = self.own.get((type_, url))
        if found is None and "|" in url:
            plain, _, version = url.partition("|")
            found = self.own.get((type_, plain))
            stated = found.get("version", "") if found else ""
            # 1.0 stands for every 1.0.x.
            if found is not None and stated and not stated.startswith(version):
                return None
        return found
