"""A running `premortem serve`: a real process on a real port."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import httpx

from tests.conftest import ROOT

START_S = 90
"""Longest a start with building may take on a busy machine."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


class Server:
    """A running `premortem serve`, in a process group of its own as in a terminal."""

    def __init__(self, log: Path, *arguments: object, port: int, cwd: Path = ROOT, **environ: object) -> None:
        self.log = log
        self.url = f"http://127.0.0.1:{port}"
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PREMORTEM_")}
        with log.open("wb") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "api.cli", "serve", *map(str, arguments)],
                cwd=cwd,
                env=clean | {"PYTHONPATH": str(ROOT)} | {name: str(value) for name, value in environ.items()},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)

    def wait_until_ready(self) -> Self:
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            assert self.process.poll() is None, self.said()
            try:
                if httpx.get(f"{self.url}/api/v1/health/ready", timeout=30).status_code == 200:
                    return self
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError(f"not ready after {START_S} s: {self.said()}")

    def said(self) -> str:
        return self.log.read_text("utf-8")

    def interrupt(self) -> int:
        """Press Ctrl-C: the whole process group is told."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(30)

    def generation(self) -> str:
        return httpx.get(f"{self.url}/api/v1/cases").raise_for_status().headers["premortem-generation"]
