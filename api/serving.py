"""`premortem serve`: index if needed, then granian in front of the app."""

from __future__ import annotations

import errno
import logging
import os
import socket
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

import click

from api.settings import LAST_PORT, Settings, to_environ
from indexer.build import is_stale
from indexer.generation import current_generation
from kb.errors import IndexUnavailableError, PortInUseError, ServerError

if TYPE_CHECKING:
    from litestar.types import ASGIApp

_LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {
        "premortem": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "_granian": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
    },
}


def run(settings: Settings, *, skip_invalid: bool) -> None:
    """Serve until interrupted.

    Raises:
        PortInUseError: another program listens there.
        ServerError: the address cannot be used.
        PremortemError: the index cannot be built.
    """
    check_port(settings.host, settings.port)
    if index_is_needed(settings):
        # In a process of its own: building takes memory that the server would never give back.
        # -P, or a folder `api` where the server is started would be taken for ours.
        command = [sys.executable, "-P", "-m", "api.cli", "index", *(["--skip-invalid"] * skip_invalid)]
        built = subprocess.run(command, env=os.environ | to_environ(settings), check=False)
        if built.returncode:
            sys.exit(built.returncode)
    os.environ.update(to_environ(settings))
    from granian.constants import Interfaces
    from granian.log import LogLevels
    from granian.server import Server

    click.echo(f"Premortem is at http://{_shown(settings.host)}:{settings.port} (Ctrl-C stops it)", err=True)
    Server(
        "premortem",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        workers=1,
        websockets=False,
        log_access=False,
        log_level=LogLevels.warning,
        log_dictconfig=_LOGGING,
    ).serve(target_loader=partial(_app, settings), wrap_loader=False)  # by a name, it would be looked for where the server is started


def _app(settings: Settings) -> ASGIApp:
    """Return the app, in the process that serves it.

    Of a request that comes through one of our proxies, it is told the scheme and the client that the proxy was asked with and by.
    """
    from granian.utils.proxies import wrap_asgi_with_proxy_headers

    from api.app import app_from_environment

    app: ASGIApp = wrap_asgi_with_proxy_headers(app_from_environment(), trusted_hosts=list(settings.proxies))
    return app


def index_is_needed(settings: Settings) -> bool:
    """Return whether the index is missing, unusable, of another model, or older than the cases or this release."""
    try:
        manifest = current_generation(settings.index)[1]
    except IndexUnavailableError:
        return True
    if manifest.lenient != settings.lenient:
        return True
    return manifest.model != settings.model or manifest.encoder.backend != settings.encoder or is_stale(manifest, settings.cases)


def check_port(host: str, port: int) -> None:
    """Return if the address can be listened on.

    Raises:
        PortInUseError: another program listens there.
        ServerError: the address is not of this machine, or not allowed.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror as error:
        raise ServerError(f"no address {host!r}", next_step="give --host an address of this machine, such as 127.0.0.1") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            other = port + 1 if port < LAST_PORT else port - 1
            raise PortInUseError(
                f"port {port} on {host} is in use",
                next_step=f"stop the other program, or use another port: premortem serve --port {other}",
            ) from error
        raise ServerError(f"cannot listen on {host}:{port}: {error.strerror}", next_step="give another --host or --port") from error


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


logging.getLogger("premortem").addHandler(logging.NullHandler())
