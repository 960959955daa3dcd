"""Compare the locked packages with the known vulnerabilities, by pip-audit in an environment apart.

Ends with 1 where a package is known to be vulnerable. Where the database cannot be reached that is
said, and nothing is claimed.
"""

import json
import subprocess
import sys
import venv
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from scripts.install import LOCK, UV, VENV, ensure_uv, run, say

PIP_AUDIT = "pip-audit==2.10.1"
APART = VENV / "audit"


# A package whose holes have been known for years: a database that does not know them knows nothing.
CANARY = "jinja2==2.4.1"


def asked(*words: str | Path) -> list[dict[str, Any]] | str:
    """Ask about packages, nothing of which is installed; a text says why there is no answer."""
    tool = APART / "bin" / "pip-audit"
    options = ("--disable-pip", "--format", "json", "--progress-spinner", "off", "--timeout", "10")
    command = [str(word) for word in (tool, *words, *options)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return (done.stderr.strip().splitlines() or ["no answer"])[-1][:300]
    return found


def is_known() -> bool:
    """Say whether the database answers, and knows what it has to."""
    with TemporaryDirectory() as folder:
        canary = Path(folder) / "requirements.txt"
        canary.write_text(f"{CANARY}\n", encoding="utf-8")
        found = asked("--requirement", canary, "--no-deps")
    return not isinstance(found, str) and any(one.get("vulns") for one in found)


def main() -> int:
    """Say what is vulnerable and since which release it is not."""
    ensure_uv()
    if not (APART / "bin" / "pip-audit").exists():
        say(f"[1/2] {PIP_AUDIT}")
        venv.create(APART, with_pip=False)
        run(UV, "pip", "install", "--quiet", "--python", APART / "bin" / "python", PIP_AUDIT)
    say("[2/2] packages of requirements.lock")
    found = asked("--requirement", LOCK, "--require-hashes") if is_known() else "no answer"
    if isinstance(found, str):
        say(f"NOT AUDITED 未检查: the database of vulnerabilities cannot be reached ({found})")
        return 0
    holes = [(one, hole) for one in found for hole in one.get("vulns", ())]
    for one, hole in holes:
        mended = ", ".join(hole["fix_versions"]) or "-"
        say(f"{one['name']} {one['version']}: {hole['id']}, mended in {mended}")
    skipped = [one["name"] for one in found if "skip_reason" in one]
    for name in skipped:
        say(f"{name}: not known to the database 未收录")
    say(f"{len(found) - len(skipped)} packages audited, {len(holes)} known vulnerabilities")
    return 1 if holes else 0


if __name__ == "__main__":
    sys.exit(main())
