"""A PostgreSQL server of one's own, for tests and benchmarks: in a temporary folder, behind a socket, gone at the end."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, make_url, text


class NoServer(Exception):
    """Why no server can be had here."""


def programs() -> Path:
    """The folder of `initdb` and `postgres`, the newest version; raises `NoServer`."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: float(p.parent.parent.name))
    found = folders[-1:] or [Path(p) for p in [shutil.which("postgres")] if p]
    if not found:
        raise NoServer("PostgreSQL is not installed. On Debian: apt-get install postgresql")
    return found[0].parent


class Server:
    """A running server; stop and start it to see what a client makes of that."""

    def __init__(self, folder: Path, *, durable: bool) -> None:
        self.folder = folder
        self.durable = durable
        self._bin = programs()
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:  # which PostgreSQL refuses to run as
            try:
                shutil.chown(folder, "postgres", "postgres")
            except LookupError:
                raise NoServer("PostgreSQL does not run as root, and there is no user postgres") from None
            self._as = {"user": "postgres", "group": "postgres", "extra_groups": []}
        made: list[str | Path] = [self._bin / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
        done = subprocess.run(made, capture_output=True, text=True, check=False, cwd=folder, **self._as)
        if done.returncode:
            raise NoServer(f"initdb failed: {done.stderr.strip()}")
        self._process: subprocess.Popen[Any] | None = None

    def start(self) -> None:
        command: list[str | Path] = [self._bin / "postgres", "-D", self.folder / "data", "-k", self.folder, "-c", "listen_addresses="]
        command += ["-c", f"fsync={'on' if self.durable else 'off'}", "-c", "max_connections=200"]
        with open(self.folder / "log", "ab") as log:
            process = self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder, **self._as)
        engine = create_engine(self.url("postgres"))
        try:
            for _ in range(300):
                try:
                    engine.connect().close()
                    return
                except Exception as error:
                    if process.poll() is not None:
                        raise NoServer(f"PostgreSQL ended: {(self.folder / 'log').read_text()[-500:]}") from error
                    time.sleep(0.1)
            raise NoServer("PostgreSQL did not start within 30 seconds")
        finally:
            engine.dispose()

    def stop(self) -> None:
        """Ends the server at once, whoever is connected."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(30)
            self._process = None

    def url(self, database: str, password: str = "") -> str:
        signed = f":{password}" if password else ""
        return f"postgresql+psycopg://postgres{signed}@/{database}?host={self.folder}"

    def database(self) -> str:
        """The address of a new and empty database."""
        name = f"t{uuid.uuid4().hex}"
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return self.url(name)

    def drop(self, url: str) -> None:
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {make_url(url).database} WITH (FORCE)"))
        engine.dispose()


@contextmanager
def server(*, durable: bool = True) -> Iterator[Server]:
    """A server for the length of a block; `durable` has it wait for the disk, as a real one does. Raises `NoServer`."""
    folder = Path(tempfile.mkdtemp(prefix="pg"))  # short: the path of a socket has a hundred characters at most
    try:
        made = Server(folder, durable=durable)
        made.start()
        try:
            yield made
        finally:
            made.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
