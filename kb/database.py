"""sqlite-utils without pandas, which it imports wherever it is installed, in case somebody hands it a data frame.

Nothing here does, and the import would cost every build half a second and 100 MiB.
"""

from __future__ import annotations

from kb.imports import without

with without("pandas"):
    from sqlite_utils import Database

__all__ = ["Database"]
