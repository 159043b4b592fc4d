"""sqlite-utils without pandas.

sqlite-utils imports pandas wherever it is installed, in case somebody hands it a data frame. Nothing here does, and the import would cost
every start half a second and every server some 60 MiB.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database
else:
    _hidden = "pandas" not in sys.modules
    if _hidden:
        sys.modules["pandas"] = None  # an import of it now raises ImportError
    try:
        from sqlite_utils import Database
    finally:
        if _hidden:
            del sys.modules["pandas"]

__all__ = ["Database"]
