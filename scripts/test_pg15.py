"""Run the tests that need PostgreSQL on Debian's PostgreSQL 15, in a cluster that is thrown away.

    python -m scripts.test_pg15 [pytest arguments]

Needs the package ``postgresql-15`` (apt-get install postgresql-15). PostgreSQL refuses to run as
root; then it runs as the user ``postgres``, whom the package makes.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BIN = Path("/usr/lib/postgresql/15/bin")
# It is thrown away: nothing of it has to survive a loss of power.
SETTINGS = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200"


@contextmanager
def cluster() -> Iterator[str]:
    """Start a cluster on a socket in its own folder; give its URL, and delete it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="gateway-pg15-"))
    is_root = os.geteuid() == 0
    if is_root:
        shutil.chown(folder, "postgres", "postgres")
    user = "postgres" if is_root else None
    data = folder / "data"

    def run(program: str, *arguments: str) -> None:
        log = folder / f"{program}.out"
        with log.open("ab") as out:
            subprocess.run(
                [BIN / program, "-D", data, *arguments],
                user=user,
                cwd=folder,
                check=True,
                stdout=out,
                stderr=out,
            )

    try:
        run("initdb", "-U", "gateway", "-A", "trust", "-E", "UTF8", "--locale", "C.UTF-8", "-N")
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} {SETTINGS}"
        run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgresql://gateway@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Run pytest against the cluster; give its exit code."""
    if not BIN.is_dir():
        sys.exit("PostgreSQL 15 is not here: apt-get install postgresql-15")
    with cluster() as url:
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-m", "postgres", *sys.argv[1:]],
            env=os.environ | {"GATEWAY_TEST_DATABASE": url},
            check=False,
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
