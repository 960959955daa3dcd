"""``gateway map export``: a mapping as FHIR, for those who read StructureMap and ConceptMap."""

import sys
from pathlib import Path

import click

from gateway.cli.map_files import compiled
from gateway.fhir import codec, definitions
from gateway.mapping.exporting import concept_maps, structure_map
from gateway.validation import Validator


@click.command("export")
@click.argument("mapping")
@click.option("--out", type=click.Path(path_type=Path), help="Folder; default: stdout.")
def export(mapping: str, out: Path | None) -> None:
    """Write MAPPING as a StructureMap and its code tables as ConceptMaps, validated.

    They are for reading and exchange: the rules run from the mapping file alone.
    """
    program = compiled(mapping)
    resources = [structure_map(program), *concept_maps(program)]
    validator = Validator(definitions.load())
    failed = False
    for resource in resources:
        for one in validator.check(resource):
            if one.severity in ("error", "fatal"):
                failed = True
                click.echo(f"{resource['id']}: {one.expression} {one.text_en}", err=True)
        text = codec.encode_pretty(resource).decode() + "\n"
        if out is None:
            click.echo(text, nl=False)
            continue
        out.mkdir(parents=True, exist_ok=True)
        target = out / f"{resource['resourceType']}-{resource['id']}.json"
        target.write_text(text, encoding="utf-8")
        click.echo(str(target))
    if failed:
        sys.exit(1)
