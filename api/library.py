"""The one searcher a process answers from; replaced between two requests when a new generation appears."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from indexer.searcher import Searcher, open_searcher
from kb.errors import PremortemError

_log = logging.getLogger("premortem")


class Library:
    def __init__(self, index: Path, *, model: str, backend: str) -> None:
        self._index = index
        self._model = model
        self._backend = backend
        self._lock = threading.Lock()
        self._searcher: Searcher | None = None
        self._stamp: tuple[int, int] | None = None

    def searcher(self) -> Searcher:
        """Return the searcher of the current generation.

        A generation that cannot be opened is logged, and the earlier one goes on answering.

        Raises:
            IndexUnavailableError: there is none that can answer.
            EncoderError: the settings name another model than the index was built with.
        """
        stamp = self._read_stamp()
        if self._searcher is not None and stamp == self._stamp:
            return self._searcher
        with self._lock:
            if self._searcher is None or stamp != self._stamp:
                try:
                    known = self._searcher.encoder if self._searcher else None
                    self._searcher = open_searcher(self._index, model=self._model, backend=self._backend, known_encoder=known)
                except PremortemError as error:
                    if self._searcher is None:
                        raise
                    _log.error("the new index generation cannot be used, the earlier one goes on: %s; %s", error, error.next_step)
                self._stamp = stamp
            return self._searcher

    def generation_at_hand(self) -> str | None:
        """Return the generation that answers, or None when it would have to be opened first; does not wait for anything."""
        searcher = self._searcher
        return searcher.manifest.generation if searcher is not None and self._read_stamp() == self._stamp else None

    def _read_stamp(self) -> tuple[int, int] | None:
        try:
            found = (self._index / "current").stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns
