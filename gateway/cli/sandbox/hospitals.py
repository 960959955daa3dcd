"""The five hospitals of the sandbox county, each with its vendor's shape and carrier."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

TENANT = "shaxi"
SCOPES = ("intake/*", "system/*.rs")


@dataclass(frozen=True, slots=True)
class Hospital:
    """One hospital; ``letter`` begins its local numbers, ``carrier`` tells how its records come."""

    id: str
    name: str
    uscc: str
    letter: str
    carrier: str
    grade: str


HOSPITALS = (
    Hospital("sx-township", "沙溪镇卫生院", "12429902MB02A1010N", "W", "folder", "1A"),
    Hospital("sx-maternity", "沙溪县妇幼保健院", "12429902MB02A1020P", "F", "view", "2A"),
    Hospital("sx-tcm", "沙溪县中医医院", "12429902MB02A1030Q", "Z", "soap", "2A"),
    Hospital("sx-county", "沙溪县人民医院", "12429902MB02A1040R", "R", "mllp", "2A"),
    Hospital("sx-second", "沙溪县第二人民医院", "12429902MB02A1050T", "E", "http", "2B"),
)
BY_ID = {one.id: one for one in HOSPITALS}


def description(folder: Path, shard: int, view_url: str, mllp_port: int) -> dict[str, Any]:
    """Describe the county as ``gateway consortium apply`` reads it."""
    return {
        "tenant": {"id": TENANT, "name": "沙溪县紧密型医共体（虚构）", "shard": shard},
        "members": [
            {
                "id": one.id,
                "name": one.name,
                "roles": ["hospital"],
                "uscc": one.uscc,
                "tier": "township" if one.id == "sx-township" else "county",
                "grade": one.grade,
            }
            for one in HOSPITALS
        ],
        "channels": [
            *(_folder(folder, kind) for kind in ("patients", "visits", "lab")),
            *(_view(view_url, kind) for kind in ("patients", "visits")),
            _channel("sx-tcm", "soap", "xml", "utf-8", ["flat-xml/visit", "flat-xml/lis-report"]),
            _mllp("adt", ["county/adt"], mllp_port),
            _mllp("lab", ["lab/oru-r01"], mllp_port + 1),
            _channel("sx-second", "v3", "xml", "utf-8", ["hl7v3/patient", "hl7v3/encounter"]),
            _channel("sx-second", "cda", "xml", "utf-8", ["cda/c0007", "county/cda-c0053"]),
        ],
    }


def channel_id(member: str, kind: str) -> str:
    """Name a channel."""
    return f"{member}-{kind}"


def _channel(
    member: str, kind: str, form: str, charset: str, mappings: list[str], **options: Any
) -> dict[str, Any]:
    return {
        "id": channel_id(member, kind),
        "member": member,
        "format": form,
        "charset": charset,
        "zone": "Asia/Shanghai",
        "mappings": mappings,
        "options": {"uscc": BY_ID[member].uscc, **options},
    }


_ROWS = {"patients": "county/patients", "visits": "county/visits", "lab": "county/lab-items"}


def _folder(folder: Path, kind: str) -> dict[str, Any]:
    place = {"path": str(folder / "drop" / kind), "settle_s": 0.5, "every_s": 0.5}
    options: dict[str, Any] = {"folder": place} | ({"key": "BGDH"} if kind == "lab" else {})
    return _channel("sx-township", kind, "rows", "gb18030", [_ROWS[kind]], **options)


def _view(url: str, kind: str) -> dict[str, Any]:
    view = {
        "url": url,
        "password_env": "SANDBOX_VIEW_PASSWORD",
        "table": f"v_{kind}",
        "watermark": "GXSJ",
        "watermark_format": "%Y-%m-%d %H:%M:%S",
        "overlap": 86_400,
        "every_s": 1,
    }
    if url.startswith("sqlite"):
        del view["password_env"]
    return _channel("sx-maternity", kind, "rows", "utf-8", [_ROWS[kind]], view=view)


def _mllp(kind: str, mappings: list[str], port: int) -> dict[str, Any]:
    place = {"host": "127.0.0.1", "port": port}
    return _channel("sx-county", kind, "hl7v2", "gb18030", mappings, mllp=place)
