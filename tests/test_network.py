"""Nothing in the whole suite connects beyond this machine: neither tests nor the servers and commands that they start."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

OUTSIDE = "192.0.2.1"  # an address that is kept for documentation
REACH = f"import socket; socket.create_connection(({OUTSIDE!r}, 9), 1)"


def test_a_test_that_reaches_beyond_this_machine_is_stopped_and_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESTS_BEYOND", str(tmp_path / "noted"))
    with pytest.raises(PermissionError, match="stay on this machine"):
        socket.create_connection((OUTSIDE, 9), 1)
    with pytest.raises(PermissionError, match="stay on this machine"):
        socket.getaddrinfo("example.org", 443)
    noted = (tmp_path / "noted").read_text()
    assert OUTSIDE in noted
    assert "example.org" in noted


def test_a_process_that_a_test_starts_is_stopped_and_noted_too(tmp_path: Path) -> None:
    env = {**os.environ, "TESTS_BEYOND": str(tmp_path / "noted")}
    done = subprocess.run([sys.executable, "-c", REACH], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert "PermissionError" in done.stderr
    assert OUTSIDE in (tmp_path / "noted").read_text()


def test_this_machine_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), 5):
        pass
