"""Fetch published test data into test-data/, where the tests find it.

    python scripts/fetch_test_data.py

Runs ``npm pack`` for HL7's package of R4 examples (CC0), whose JSON files go to
``test-data/r4-examples/``, and for the last release of fhirpath.js that carries its tests, whose
form of HL7's FHIRPath test file goes to ``test-data/fhirpath/``. What is there already stays.
"""

import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent / "test-data"
COMPLETE = "package.json"
"""Written last, so that an interrupted run is repeated."""


def _is_example(name: str) -> bool:
    return name.endswith(".json")


def _is_case(name: str) -> bool:
    folder = name.rpartition("/")[0]
    return name.endswith(f"package/{COMPLETE}") or folder in (
        "package/test/cases",
        "package/test/resources",
    )


SOURCES: tuple[tuple[str, str, Callable[[str], bool]], ...] = (
    ("hl7.fhir.r4.examples@4.0.1", "r4-examples", _is_example),
    ("fhirpath@2.14.3", "fhirpath", _is_case),
)


def unpack(archive: Path, target: Path, wanted: Callable[[str], bool] = _is_example) -> int:
    """Unpack the wanted files of an npm package into one folder; give their number."""
    target.mkdir(parents=True, exist_ok=True)
    contents: dict[str, bytes] = {}
    with tarfile.open(archive) as package:
        for member in package:
            content = package.extractfile(member) if wanted(member.name) else None
            if content is not None:
                contents[Path(member.name).name] = content.read()
    for name in sorted(contents, key=lambda name: name == COMPLETE):
        (target / name).write_bytes(contents[name])
    return len(contents)


def fetch(package: str, target: Path, wanted: Callable[[str], bool]) -> bool:
    """Fetch and unpack one package; say whether it is there now."""
    if (target / COMPLETE).exists():
        print(f"{target} is there already")
        return True
    with tempfile.TemporaryDirectory() as folder:
        packed = subprocess.run(["npm", "pack", package, "--silent"], cwd=folder, check=False)
        archive = next(Path(folder).glob("*.tgz"), None)
        if packed.returncode or archive is None:
            print(f"npm could not fetch {package}; the tests that need it are skipped")
            return False
        print(f"{unpack(archive, target, wanted)} files in {target}")
    return True


def main() -> int:
    """Fetch all; give the exit code."""
    fetched = [fetch(package, ROOT / folder, wanted) for package, folder, wanted in SOURCES]
    return 0 if all(fetched) else 1


if __name__ == "__main__":
    sys.exit(main())
