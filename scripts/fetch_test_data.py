"""Fetch the official FHIR R4 examples into test-data/, where the tests find them.

    python scripts/fetch_test_data.py

Runs ``npm pack`` for HL7's package of examples (CC0) and unpacks its JSON files to
``test-data/r4-examples/``. Does nothing when they are there already.
"""

import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "hl7.fhir.r4.examples@4.0.1"
TARGET = Path(__file__).resolve().parent.parent / "test-data" / "r4-examples"
COMPLETE = "package.json"
"""Written last, so that an interrupted run is repeated."""


def unpack(archive: Path, target: Path) -> int:
    """Unpack the JSON files of an npm package into one folder; give their number."""
    target.mkdir(parents=True, exist_ok=True)
    contents: dict[str, bytes] = {}
    with tarfile.open(archive) as package:
        for member in package:
            content = package.extractfile(member) if member.name.endswith(".json") else None
            if content is not None:
                contents[Path(member.name).name] = content.read()
    for name in sorted(contents, key=lambda name: name == COMPLETE):
        (target / name).write_bytes(contents[name])
    return len(contents)


def main() -> int:
    """Fetch and unpack; give the exit code."""
    if (TARGET / COMPLETE).exists():
        print(f"{TARGET} is there already")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        packed = subprocess.run(["npm", "pack", PACKAGE, "--silent"], cwd=folder, check=False)
        archive = next(Path(folder).glob("*.tgz"), None)
        if packed.returncode or archive is None:
            print(f"npm could not fetch {PACKAGE}; the tests that need it are skipped")
            return 1
        print(f"{unpack(archive, TARGET)} files in {TARGET}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
