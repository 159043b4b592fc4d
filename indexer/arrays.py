"""Names for the arrays that pass between modules."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Embeddings = NDArray[np.float32]
"""Shape (n, dim), rows of length 1."""
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
