"""What the recipes of docs/recipes/ tell to do was done everywhere it has to be."""

import json
import re
from pathlib import Path
from typing import get_args

import click

from gateway.cli.channel import add
from gateway.consortium import SCHEMA
from gateway.errors import CATALOGUE
from gateway.formats import DIALECTS, READERS
from gateway.mapping.schema import PATH as MAPPING_SCHEMA
from gateway.records import Format

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "gateway").rglob("*.py"))
STAGES = {
    "receive": "1",
    "parse": "2",
    "fhir": "2",
    "map_": "3",
    "validate": "4",
    "store": "5",
    "route": "6",
    "serve": "7",
    "access": "8",
}


def test_a_format_stands_in_every_list_of_formats() -> None:
    native = set(get_args(Format)) - {"fhir"}
    assert set(READERS) == native
    assert set(DIALECTS) == native
    assert {name: reader.format for name, reader in READERS.items()} == {one: one for one in native}
    channels = SCHEMA["properties"]["channels"]["items"]["properties"]["format"]["enum"]
    assert set(channels) == native
    [option] = [one for one in add.params if one.name == "format_"]
    assert isinstance(option.type, click.Choice)
    assert set(option.type.choices) >= native
    words = json.loads(MAPPING_SCHEMA.read_text(encoding="utf-8"))["properties"]
    assert set(words["source"]["properties"]["format"]["enum"]) >= native


def test_every_error_stands_below_its_stage() -> None:
    folder = ROOT / "gateway" / "errors" / "catalogue"
    for path in sorted(folder.glob("*.py")):
        numbers = re.findall(r'^        "(GW-\d{4})"', path.read_text(encoding="utf-8"), re.M)
        stem = re.split(r"_(?=[a-z])", path.stem)[0] if path.stem not in STAGES else path.stem
        assert {number[3] for number in numbers} <= {STAGES.get(stem, "")}, path.name


def test_every_error_of_the_catalogue_is_raised_somewhere() -> None:
    code = "".join(
        path.read_text(encoding="utf-8") for path in SOURCES if "catalogue" not in path.parts
    )
    unused = {number for number in CATALOGUE if number not in code}
    assert not unused
