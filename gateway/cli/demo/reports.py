"""What one step of the story tells."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Report:
    """One step: the native lines, the resources, the receivers, and what was checked."""

    title: str
    native: list[str] = field(default_factory=list)
    became: list[str] = field(default_factory=list)
    received: list[str] = field(default_factory=list)
    checks: list[tuple[str, bool]] = field(default_factory=list)

    @property
    def is_held(self) -> bool:
        """Whether everything that was checked is so."""
        return bool(self.checks) and all(is_held for _, is_held in self.checks)

    def check(self, text: str, is_held: object) -> None:
        """Note one check."""
        self.checks.append((text, bool(is_held)))
