"""``gateway profiles``: check the consortium's profiles, and build a FHIR package of them."""

import gzip
import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path

import click

from gateway import __version__
from gateway.cli.validate_report import Checked
from gateway.fhir.codec import encode_pretty
from gateway.fhir.definitions import load
from gateway.fhir.systems import ROOT
from gateway.records import Resource
from gateway.validation import Validator
from gateway.validation.packages import decoded, read_bytes

NAME = "cn.consortium-fhir.gateway"
FHIR_VERSION = "4.0.1"
_FOLDER = Path(__file__).resolve().parents[2] / "profiles"
_EPOCH = 1_000_000_000
"""The time of every member: equal profiles make equal packages."""


@click.group()
def profiles() -> None:
    """医联体的 FHIR 规范：检查、打包 · the consortium's profiles: check them, build a package."""


@profiles.command()
@click.option("--folder", type=click.Path(exists=True, path_type=Path), default=_FOLDER)
@click.argument("target", type=click.Path(path_type=Path))
def build(folder: Path, target: Path) -> None:
    """打成 npm 式 FHIR 包 · write an npm-style FHIR package to the file TARGET (.tgz)."""
    artefacts = _read(sorted(folder.glob("*.json")))
    examples = _read(sorted((folder / "examples" / "valid").glob("*.json")))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(package(artefacts, examples))
    click.echo(f"{target}: {len(artefacts)} + {len(examples)}")


@profiles.command()
@click.option("--folder", type=click.Path(exists=True, path_type=Path), default=_FOLDER)
def check(folder: Path) -> None:
    """检查全部规范与示例 · check every artefact and example with the gateway's own validator.

    Exit code 1 when an artefact or valid example has errors, or an invalid example has none.
    """
    paths = sorted(folder.glob("*.json"))
    validator = Validator(load(), _read(paths))
    good = [*paths, *sorted((folder / "examples" / "valid").glob("*.json"))]
    failed = [one for one in _checked(good, validator) if one.is_bad]
    for one in failed:
        for found in one.issues:
            click.echo(f"{one.path.name}: {found.number} {found.expression} {found.text_en}")
    wrong = sorted((folder / "examples" / "invalid").glob("*.json"))
    passed = [one for one in _checked(wrong, validator) if not one.is_bad]
    for one in passed:
        click.echo(f"{one.path.name}: 应有错误 · should have errors")
    click.echo(f"{len(good)} + {len(wrong)}: {len(failed) + len(passed)} ✗")
    raise SystemExit(1 if failed or passed else 0)


def _checked(paths: Sequence[Path], validator: Validator) -> list[Checked]:
    return [
        Checked(path, tuple(validator.check(decoded(read_bytes(path), path.name))))
        for path in paths
    ]


def _read(paths: Sequence[Path]) -> list[Resource]:
    return [decoded(read_bytes(path), path.name) for path in paths]


def package(artefacts: Sequence[Resource], examples: Sequence[Resource] = ()) -> bytes:
    """Make a FHIR package (npm form): manifest, index, artefacts, examples in their folder.

    The same content gives the same bytes.
    """
    manifest = {
        "name": NAME,
        "version": __version__,
        "canonical": ROOT,
        "url": ROOT,
        "title": "Consortium FHIR Gateway",
        "description": "医联体 FHIR 规范 · profiles of a medical consortium",
        "fhirVersions": [FHIR_VERSION],
        "dependencies": {"hl7.fhir.r4.core": FHIR_VERSION},
        "type": "IG",
        "author": "Consortium FHIR Gateway",
        "directories": {"lib": "package", "example": "example"},
    }
    members = {"package/package.json": _json(manifest)}
    listed = {_file_name(one): one for one in artefacts}
    members["package/.index.json"] = _json(
        {"index-version": 2, "files": [_entry(name, one) for name, one in listed.items()]}
    )
    members |= {f"package/{name}": encode_pretty(one) for name, one in listed.items()}
    members |= {f"package/example/{_file_name(one)}": encode_pretty(one) for one in examples}
    return _packed(members)


def _file_name(resource: Resource) -> str:
    return f"{resource['resourceType']}-{resource['id']}.json"


def _entry(name: str, resource: Resource) -> dict[str, str]:
    kept = ("resourceType", "id", "url", "version", "kind", "type", "derivation")
    return {"filename": name} | {key: resource[key] for key in kept if key in resource}


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2).encode()


def _packed(members: dict[str, bytes]) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.mode = len(content), _EPOCH, 0o644
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), mtime=_EPOCH)
