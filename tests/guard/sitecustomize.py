"""Keeps tests, and every Python that they start, on this machine: conftest.py puts it on the path, and Python runs it as it starts."""

from __future__ import annotations

import ipaddress
import os
import sys
from typing import Any

NOTED = "TESTS_BEYOND"  # the variable that names the file in which it is noted whoever tried to leave


def _here(host: Any) -> bool:
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host or "")
    if name in ("", "localhost") or name.endswith(".invalid"):  # names that never exist may be looked up
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _stay(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        host = arguments[1][0] if isinstance(arguments[1], tuple) else ""
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    else:
        return
    if _here(host):
        return
    if noted := os.environ.get(NOTED):
        with open(noted, "a", encoding="utf-8") as file:
            file.write(f"{event} {host!r} by {sys.argv[:2]}\n")
    raise PermissionError(f"Tests stay on this machine, and this asks for {host!r}.")


sys.addaudithook(_stay)
