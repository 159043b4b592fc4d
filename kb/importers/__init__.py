"""Post-mortems in other forms → drafts: one importer a family of formats, each a name, a nose and a reader."""

from __future__ import annotations

from kb.importers.run import FORMATS, Report, Skipped, import_path, lenient_case

__all__ = ["FORMATS", "Report", "Skipped", "import_path", "lenient_case"]
