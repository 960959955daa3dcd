"""What a region decides for its referrals: how strict each gate is, and every time limit.

Read from ``policies/referral*.yaml`` below the profile folders. A gate is ``off``, ``warning``
(the write is taken, what is missing is named) or ``strict`` (it is refused). An emergency is only
ever warned. The figures of ``table.LIMITS`` hold where a region says nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import yaml
from jsonschema import Draft202012Validator

from gateway.errors import GatewayError
from gateway.records import Place
from gateway.referral.table import LIMITS, Limit

Mode = Literal["off", "warning", "strict"]
_MODE = {"enum": ["off", "warning", "strict"]}
_HOURS = {"type": "integer", "minimum": 1, "maximum": 24 * 366}
_RULES: dict[str, Any] = {
    "gates": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "consent": _MODE,
            "completeness": _MODE,
            "alternative": _MODE,
            "review": {
                "type": "object",
                "additionalProperties": False,
                "properties": dict.fromkeys(("up", "down", "outbound", "same-level"), _MODE),
            },
        },
    },
    "limits": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            one.name: {
                "type": "object",
                "required": ["hours"],
                "additionalProperties": False,
                "properties": {"hours": _HOURS, "urgent": _HOURS},
            }
            for one in LIMITS
        },
    },
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["referral-policy"],
    "additionalProperties": False,
    "properties": {
        "referral-policy": {"const": 1},
        "default": {"type": "object", "additionalProperties": False, "properties": _RULES},
        "regions": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["region", "members"],
                "additionalProperties": False,
                "properties": {
                    "region": {"type": "string"},
                    "source": {"type": "string"},
                    "members": {"type": "array", "items": {"type": "string"}, "minItems": 1},
                    **_RULES,
                },
            },
        },
    },
}


@dataclass(frozen=True, slots=True)
class Policy:
    """One region's decisions; ``review`` is by direction, ``limits`` are (hours, when urgent)."""

    region: str = "default"
    consent: Mode = "warning"
    completeness: Mode = "warning"
    alternative: Mode = "warning"
    review: Mapping[str, Mode] = field(default_factory=lambda: {"outbound": "warning"})
    limits: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def hours(self, limit: Limit, *, is_urgent: bool) -> int:
        """Give how many hours a step may take."""
        usual, urgent = self.limits.get(limit.name, (limit.hours, limit.urgent_hours))
        return urgent if is_urgent else usual

    def with_rules(self, said: Mapping[str, Any]) -> "Policy":
        """Give the policy with what a region says laid over it."""
        gates, limits = dict(said.get("gates", {})), said.get("limits", {})
        review = {**self.review, **gates.pop("review", {})}
        told = {
            name: (one["hours"], one.get("urgent", one["hours"])) for name, one in limits.items()
        }
        return replace(self, **gates, review=review, limits={**self.limits, **told})


@dataclass(frozen=True, slots=True)
class Policies:
    """The policies in force, by the member that sends the referral."""

    default: Policy = field(default_factory=Policy)
    by_member: Mapping[str, Policy] = field(default_factory=dict)

    def of(self, member: str | None) -> Policy:
        """Give the policy of the member's region."""
        return self.by_member.get(member or "", self.default)


def read_policies(paths: Iterable[Path]) -> Policies:
    """Read policy files, later ones laid over earlier ones; raise GW-6240 with the place."""
    default, by_member = Policy(), dict[str, Policy]()
    for path in paths:
        said = _read(path)
        default = default.with_rules(said.get("default", {}))
        for one in said.get("regions", ()):
            policy = replace(default, region=one["region"]).with_rules(one)
            by_member |= dict.fromkeys(one["members"], policy)
    return Policies(default, by_member)


def _read(path: Path) -> dict[str, Any]:
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as err:
        mark = getattr(err, "problem_mark", None)
        place = Place(path.name, mark.line + 1, mark.column + 1) if mark else Place(path.name)
        raise GatewayError("GW-6240", where=place, problem="YAML") from err
    for fault in Draft202012Validator(SCHEMA).iter_errors(said):
        place = Place(f"{path.name}: {fault.json_path}")
        raise GatewayError("GW-6240", where=place, problem=fault.message[:200])
    result: dict[str, Any] = said
    return result
