"""Turning cases into answers: encoder, index, search, reasons, prevention, calibration. Imports `kb` only."""
