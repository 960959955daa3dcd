"""What is made from the referral's state table: docs/referral-states.md and the code systems."""

import json
from pathlib import Path

from gateway.records import Resource
from gateway.referral import table, terms
from gateway.referral.table import GUARDS, KINDS, LIMITS, ORDER, REASONS, STEPS, Step

Names = dict[str, tuple[str, str]]
_ORDER = ("转诊单", "The slip (ServiceRequest)")


def states_page() -> str:
    """Lay out every step of every kind, its time limits, and the reasons that may be given."""
    lines = [
        "# Referral states 转诊状态",
        "",
        "Made from `gateway/referral/table.py`, which every write has to keep to: PUT, PATCH,",
        "transaction, operation and native record alike. *requester* is the side that refers,",
        "*owner* the side that is to act. Each step is kept in `Task.note`: who took it, and when.",
        "Time limits are the region's (`profiles/policies/referral.yaml`); defaults stand here.",
    ]
    for kind, (zh, en) in {ORDER: _ORDER, **KINDS}.items():
        lines += ["", f"## {zh} {en}" + ("" if kind == ORDER else f" (`{kind}`)"), ""]
        lines += ["| from | event | to | who | demands | operation |", "|---|---|---|---|---|---|"]
        lines += [_row(step) for step in STEPS if step.kind == kind]
        for limit in LIMITS:
            if limit.kind == kind:
                lines += ["", _limit(limit)]
    lines += ["", "## Reasons 原因代码", "", f"System `{terms.REASON}`.", ""]
    for name, listed in REASONS.items():
        said = ", ".join(f"`{code}` {zh} {en}" for code, (zh, en) in listed.items())
        lines += [f"- **{name}**: {said}"]
    lines += [f"- no way back (`{terms.NO_DRAFT}`): {_said(table.NO_DRAFT_REASONS)}"]
    return "\n".join(lines) + "\n"


def _said(listed: Names) -> str:
    return ", ".join(f"`{code}` {zh} {en}" for code, (zh, en) in listed.items())


def _row(step: Step) -> str:
    before = ", ".join(state or "(new)" for state in step.before)
    who = ", ".join(sorted(step.actors))
    demands = "; ".join(f"{GUARDS[one][0]} {GUARDS[one][1]}" for one in step.guards)
    if step.reasons:
        demands = f"{demands}; 原因 {step.reasons}".strip("; ")
    operation = f"`{step.operation}`" if step.operation else ""
    return (
        f"| {before} | `{step.event}` {step.zh} {step.en} | {step.after} | {who} | {demands} "
        f"| {operation} |"
    )


def _limit(limit: table.Limit) -> str:
    states = ", ".join(limit.states)
    return (
        f"Time limit `{limit.name}` ({limit.zh}, {limit.en}) in {states}: {limit.hours} h, urgent "
        f"{limit.urgent_hours} h."
    )


def code_systems() -> dict[str, Resource]:
    """Give the code systems by the name of their file."""
    events: Names = {}
    for step in STEPS:
        events.setdefault(step.event, (step.zh, step.en))
    reasons = {code: names for listed in REASONS.values() for code, names in listed.items()}
    return {
        one["id"]: one
        for one in (
            _system(terms.EVENT, "ReferralEvent", ("转诊步骤", "Step of a referral"), events),
            _system(terms.REASON, "ReferralReason", ("转诊原因", "Reason of a step"), reasons),
            _system(
                terms.NO_DRAFT,
                "NoDownReferral",
                ("不下转的理由", "Why nobody is sent back"),
                table.NO_DRAFT_REASONS,
            ),
            _system(
                terms.MARK,
                "ReferralMark",
                ("转诊标记", "Mark"),
                {"overdue": ("已超时限", "Overdue")},
            ),
            _system(
                f"{table_root()}referral-task", "ReferralTask", ("转诊任务", "Referral task"), KINDS
            ),
        )
    }


def table_root() -> str:
    """Give what the code systems' addresses begin with."""
    return terms.EVENT.removesuffix("referral-event")


def _system(url: str, name: str, title: tuple[str, str], codes: Names) -> Resource:
    return {
        "resourceType": "CodeSystem",
        "id": url.rsplit("/", 1)[1],
        "url": url,
        "version": "0.2.0",
        "name": name,
        "title": f"{title[0]} / {title[1]}",
        "status": "active",
        "experimental": False,
        "date": "2026-11-22",
        "publisher": "Consortium FHIR Gateway",
        "description": f"{title[0]}。{title[1]}. Made from gateway/referral/table.py.",
        "caseSensitive": True,
        "content": "complete",
        "count": len(codes),
        **(
            {"valueSet": url.replace("CodeSystem", "ValueSet")}
            if url.endswith("referral-task")
            else {}
        ),
        "concept": [
            {"code": code, "display": zh, "designation": [{"language": "en", "value": en}]}
            for code, (zh, en) in codes.items()
        ],
    }


def write(root: Path) -> None:
    """Write the page and the code systems below a checkout."""
    (root / "docs" / "referral-states.md").write_text(states_page(), encoding="utf-8")
    for id_, system in code_systems().items():
        text = json.dumps(system, ensure_ascii=False, indent=2) + "\n"
        (root / "profiles" / f"CodeSystem-{id_}.json").write_text(text, encoding="utf-8")
