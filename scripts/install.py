"""Make .venv from requirements.lock with uv, showing what is being done.

Runs on a bare Python 3.11 or later. uv itself lives in .venv/uv, so that nothing outside the
checkout is touched but the package caches.
"""

import argparse
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
UV = VENV / "uv" / "bin" / "uv"
LOCK = ROOT / "requirements.lock"
UV_VERSION = "0.13.9"


def say(text: str) -> None:
    """Print one step."""
    print(f"  {text}", flush=True)


def run(*command: str | Path) -> None:
    """Run a command and end with its exit code when it fails."""
    done = subprocess.run([str(part) for part in command], cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def ensure_uv() -> None:
    """Put uv where this script finds it."""
    if UV.exists():
        return
    say(f"[1/3] uv {UV_VERSION}")
    venv.create(VENV / "uv", with_pip=True)
    run(VENV / "uv" / "bin" / "pip", "install", "--quiet", f"uv=={UV_VERSION}")


def lock() -> None:
    """Resolve pyproject.toml for every platform; hashes, no addresses."""
    ensure_uv()
    command: list[str | Path] = [UV, "pip", "compile", "pyproject.toml", "--group", "dev"]
    command += ["--universal", "--generate-hashes", "--no-emit-index-url", "--quiet"]
    run(*command, "--no-header", "-o", LOCK)


def install() -> None:
    """Install the locked packages and this project."""
    if sys.version_info < (3, 11):  # noqa: UP036 - the reader may have started an older Python.
        sys.exit("Python 3.11 or later is needed: make install PYTHON=python3.11")
    ensure_uv()
    if not (VENV / "bin" / "python").exists():
        say("[2/3] .venv")
        venv.create(VENV, with_pip=False)
    say("[3/3] packages of requirements.lock")
    python = VENV / "bin" / "python"
    sync = (UV, "pip", "sync", "--system-certs", "--compile-bytecode", "--python", python)
    run(*sync, "--require-hashes", LOCK)
    packages = next((VENV / "lib").glob("python3*")) / "site-packages"
    (packages / "consortium_fhir_gateway.pth").write_text(f"{ROOT}\n")
    command = VENV / "bin" / "gateway"
    command.write_text(
        f"#!{python}\nimport sys\n\nfrom gateway.cli import main\n\n"
        # Server processes import this file again under another name.
        'if __name__ == "__main__":\n    sys.exit(main())\n'
    )
    command.chmod(0o755)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lock", action="store_true", help="resolve anew into requirements.lock")
    if parser.parse_args().lock:
        lock()
    else:
        install()
