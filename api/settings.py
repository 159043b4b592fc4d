"""Settings: one frozen Struct, read once from the environment."""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path

import msgspec
import platformdirs

from indexer.encoder import BACKENDS, DEFAULT_MODEL
from kb.corpus import shipped
from kb.errors import SettingsError

PREFIX = "PREMORTEM_"
LAST_PORT = 65535
_REPOSITORY = re.compile(r"https://[A-Za-z0-9.-]+(?::\d+)?(?:/[A-Za-z0-9._~-]+)+/?")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    host: str = "127.0.0.1"
    """Address the server listens on (PREMORTEM_HOST)."""
    port: int = 8000
    """Port the server listens on (PREMORTEM_PORT)."""
    proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    """Addresses or networks of reverse proxies, separated by commas, whose word is taken for how and by whom they were asked, as
    X-Forwarded-Proto and X-Forwarded-For tell it; by default this machine alone (PREMORTEM_PROXIES)."""
    index: Path = Path()
    """Index folder (PREMORTEM_INDEX)."""
    cases: tuple[Path, ...] = ()
    """Corpora, separated as in PATH (PREMORTEM_CASES)."""
    lenient: bool = False
    """Whether plain post-mortems in them are read, too (PREMORTEM_LENIENT)."""
    model: str = DEFAULT_MODEL
    """`premortem`, `base` or a sentence-transformers folder, see `indexer.encoder.find_model` (PREMORTEM_MODEL)."""
    encoder: str = "openvino"
    """How the model runs: openvino (exported, fast) or sentence-transformers (PREMORTEM_ENCODER)."""
    threads: int = 4
    """Searches that run at the same time (PREMORTEM_THREADS)."""
    repository: str = ""
    """Web address of the first corpus's repository, e.g. https://github.com/owner/premortem, where cases are edited and new ones proposed;
    empty for none (PREMORTEM_REPOSITORY)."""
    checks_per_minute: int = 60
    """Contributions that one client may have checked in a minute (PREMORTEM_CHECKS_PER_MINUTE)."""


def default_index() -> Path:
    """Return `index` in a checkout, else a folder in the user's cache."""
    checkout = Path(__file__).parent.parent
    if (checkout / "pyproject.toml").is_file():
        return checkout / "index"
    return platformdirs.user_cache_path("premortem") / "index"


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings from environment variables; empty ones count as unset.

    Raises:
        SettingsError: an unknown PREMORTEM_ name, or a value of the wrong form.
    """
    fields = {f"{PREFIX}{item.name.upper()}": item for item in msgspec.structs.fields(Settings)}
    values: dict[str, object] = {"index": default_index(), "cases": (shipped("cases"),)}
    for name, raw in environ.items():
        if not name.startswith(PREFIX) or not raw:
            continue
        if name not in fields:
            # Without the prefix, since that alone would make every two names alike.
            near = difflib.get_close_matches(name.removeprefix(PREFIX), [each.removeprefix(PREFIX) for each in fields], 1)
            hint = f"did you mean {PREFIX}{near[0]}?" if near else f"the settings are: {', '.join(fields)}"
            raise SettingsError(f"unknown setting {name}", next_step=hint)
        if name == f"{PREFIX}CASES":
            values["cases"] = tuple(Path(part).expanduser() for part in raw.split(os.pathsep) if part)
        elif name == f"{PREFIX}INDEX":
            values["index"] = Path(raw).expanduser()
        elif name == f"{PREFIX}PROXIES":
            values["proxies"] = tuple(part.strip() for part in raw.split(",") if part.strip())
        else:
            try:
                values[fields[name].name] = msgspec.convert(raw, fields[name].type, strict=False)
            except msgspec.ValidationError as error:
                raise SettingsError(
                    f"{name}={raw!r}: {error}", next_step=f"unset it, or give it a value like {fields[name].default!r}"
                ) from error
    return checked(Settings(**values))  # type: ignore[arg-type]  # each value was converted to its field's type


def checked(settings: Settings) -> Settings:
    """Return the settings unchanged.

    Raises:
        SettingsError: a value is out of range.
    """
    if not 1 <= settings.port <= LAST_PORT:
        raise SettingsError(f"port {settings.port} is out of range", next_step=f"give a port from 1 to {LAST_PORT}")
    for proxy in settings.proxies:
        _check_proxy(proxy)
    if settings.threads < 1:
        raise SettingsError(f"threads is {settings.threads}", next_step="give at least 1")
    if settings.checks_per_minute < 1:
        raise SettingsError(f"checks_per_minute is {settings.checks_per_minute}", next_step="give at least 1")
    if settings.repository and not _REPOSITORY.fullmatch(settings.repository):
        raise SettingsError(
            f"repository {settings.repository!r} is not its web address", next_step="give one like https://github.com/owner/premortem"
        )
    if settings.encoder not in BACKENDS:
        raise SettingsError(f"unknown encoder {settings.encoder!r}", next_step=f"use one of: {', '.join(BACKENDS)}")
    return settings


def _check_proxy(proxy: str) -> None:
    """Return if it is an address or a network.

    Raises:
        SettingsError: it is neither, or stands for every address there is: then each client could name itself as it likes.
    """
    try:
        network = ipaddress.ip_network(proxy)
    except ValueError as error:
        raise SettingsError(f"proxies: {error}", next_step="give addresses like 10.0.0.7, or networks like 10.0.0.0/24") from error
    if network.prefixlen == 0:
        raise SettingsError(f"proxies: {proxy!r} is every address", next_step="name the proxy's own, such as 10.0.0.7")


def to_environ(settings: Settings) -> dict[str, str]:
    """Return the environment variables that give these settings to a child process."""
    values = {
        "host": settings.host,
        "port": str(settings.port),
        "proxies": ",".join(settings.proxies),
        "index": str(settings.index.resolve()),
        "cases": os.pathsep.join(str(folder.resolve()) for folder in settings.cases),
        "lenient": str(int(settings.lenient)),
        "model": settings.model,
        "encoder": settings.encoder,
        "threads": str(settings.threads),
        "repository": settings.repository,
        "checks_per_minute": str(settings.checks_per_minute),
    }
    return {f"{PREFIX}{name.upper()}": value for name, value in values.items()}
