"""Valid resources in one line; the people are invented."""

from typing import Any


def patient(**elements: Any) -> dict[str, Any]:
    """Make a Patient."""
    return {
        "resourceType": "Patient",
        "name": [{"text": "林桂芳", "family": "林", "given": ["桂芳"]}],
        "gender": "female",
        "birthDate": "1962",
        **elements,
    }


def observation(subject: str, **elements: Any) -> dict[str, Any]:
    """Make a haemoglobin of a patient."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}]},
        "subject": {"reference": subject},
        **elements,
    }


def bundle(kind: str, *entries: dict[str, Any]) -> dict[str, Any]:
    """Make a Bundle."""
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def entry(
    method: str, url: str, resource: Any = None, full_url: str | None = None, **request: str
) -> dict[str, Any]:
    """Make an entry of a batch or transaction."""
    made: dict[str, Any] = {"request": {"method": method, "url": url, **request}}
    if full_url:
        made["fullUrl"] = full_url
    if resource is not None:
        made["resource"] = resource
    return made
