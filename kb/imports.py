"""Importing a library without what it brings along and nobody here uses."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(module: str) -> Iterator[None]:
    """Let a module seem not to be installed within the block, so that an optional import of it is skipped."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]  # an import of it now raises ImportError
    try:
        yield
    finally:
        del sys.modules[module]
