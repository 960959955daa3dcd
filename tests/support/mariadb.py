"""A real MariaDB for tests of views, where ``make system`` has installed one."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pymysql
import pytest

from gateway.cli.demo.world import free_port


@contextmanager
def mariadb_server() -> Iterator[str]:
    """Give the URL of an empty database of a server of its own."""
    if shutil.which("mariadbd") is None:
        pytest.skip("MariaDB is not installed; make system does it")
    folder = Path(tempfile.mkdtemp(prefix="gateway-mariadb-"))
    port = free_port()
    plain = ["--no-defaults", f"--datadir={folder}/data", "--user=root"]
    install = ["mariadb-install-db", *plain, "--auth-root-authentication-method=normal"]
    subprocess.run([*install, "--skip-test-db"], check=True, capture_output=True)
    places = [f"--socket={folder}/socket", f"--port={port}", "--bind-address=127.0.0.1"]
    fast = ["--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=16M"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(["mariadbd", *plain, *places, *fast], stdout=log, stderr=log)
    try:
        _create(f"{folder}/socket", server)
        yield f"mysql+pymysql://reader:secret@127.0.0.1:{port}/his?charset=utf8mb4"
    finally:
        server.terminate()
        server.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def _create(socket_path: str, server: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 30
    while not Path(socket_path).exists():
        assert server.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)
    connection = pymysql.connect(unix_socket=socket_path, user="root")
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE his CHARACTER SET gbk")
        cursor.execute("CREATE USER reader@'%' IDENTIFIED BY 'secret'")
        cursor.execute("GRANT ALL ON his.* TO reader@'%'")
