"""Which mapping a command means: a file, its folder, or an id below mappings/."""

import sys
from pathlib import Path

import click

from gateway.errors import GatewayError
from gateway.fhir import definitions
from gateway.formats import DIALECTS
from gateway.mapping import MappingErrors, MappingProgram, load_mapping


def compiled(mapping: str) -> MappingProgram:
    """Compile a mapping; print its mistakes and end the command where it has any."""
    path = Path(mapping)
    for candidate in (path, path / "map.yaml", Path("mappings") / mapping / "map.yaml"):
        if candidate.is_file():
            try:
                return load_mapping(candidate, DIALECTS, definitions.load())
            except MappingErrors as err:
                for problem in err.problems:
                    click.echo(problem.text("zh"), err=True)
                    click.echo(problem.text("en"), err=True)
                sys.exit(1)
    raise GatewayError("GW-3003", mapping=mapping)
