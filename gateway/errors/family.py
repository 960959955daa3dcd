"""``GatewayError`` and the assembled catalogue."""

from gateway.errors.catalogue import ENTRIES
from gateway.errors.kinds import KINDS, Entry, Kind
from gateway.records import Issue, Place, Severity

CATALOGUE: dict[str, Entry] = {}
for _entry in ENTRIES:
    if _entry.number in CATALOGUE:
        raise ValueError(f"error number {_entry.number} stands twice in the catalogue")
    CATALOGUE[_entry.number] = _entry


class GatewayError(Exception):
    """A numbered refusal: what, where, and what to do next.

    ``where`` is the place in the source; ``expression`` the FHIRPath of the element;
    ``issues`` carries the single findings where there are several. ``details`` fill the
    catalogue's templates and never hold a patient's value.
    """

    def __init__(
        self,
        number: str,
        *,
        where: Place | None = None,
        expression: str | None = None,
        issues: tuple[Issue, ...] = (),
        retry_after_s: int | None = None,
        **details: object,
    ) -> None:
        self.entry = CATALOGUE[number]
        self.where = where
        self.expression = expression
        self.issues = issues
        self.retry_after_s = retry_after_s
        self.details = details
        super().__init__(f"{number}: {self.text_en}")

    @property
    def number(self) -> str:
        """The stable number, such as GW-2103."""
        return self.entry.number

    @property
    def kind(self) -> Kind:
        """The row of the table that decides what the error means outside."""
        return self.entry.kind

    @property
    def http(self) -> int:
        """The HTTP status of this error."""
        return self.entry.http or KINDS[self.kind].http

    @property
    def text_zh(self) -> str:
        """What happened and what to do, in Chinese."""
        return (
            f"{self.entry.zh.format(**self.details)}{self.entry.remedy_zh.format(**self.details)}"
        )

    @property
    def text_en(self) -> str:
        """What happened and what to do, in English."""
        text = self.entry.en.format(**self.details)
        return f"{text} {self.entry.remedy_en.format(**self.details)}".strip()

    def as_issues(self) -> tuple[Issue, ...]:
        """Give the findings: the given ones, or this error itself as a single issue."""
        return self.issues or (
            Issue(
                severity="error",
                code=self.entry.issue_code or KINDS[self.kind].issue,
                number=self.number,
                text_zh=self.text_zh,
                text_en=self.text_en,
                expression=self.expression,
                place=self.where,
            ),
        )


def issue(
    number: str,
    severity: Severity = "error",
    *,
    place: Place | None = None,
    expression: str | None = None,
    **details: object,
) -> Issue:
    """Make one finding from its catalogue entry (for stages that collect instead of raise)."""
    entry = CATALOGUE[number]
    return Issue(
        severity=severity,
        code=entry.issue_code or KINDS[entry.kind].issue,
        number=number,
        text_zh=entry.zh.format(**details) + entry.remedy_zh.format(**details),
        text_en=f"{entry.en.format(**details)} {entry.remedy_en.format(**details)}".strip(),
        expression=expression,
        place=place,
    )
