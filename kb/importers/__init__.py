"""Post-mortems in other forms → drafts: one importer a family of formats, each a name, a nose and a reader.

`run.import_path` is the way in; this module loads none of the readers.
"""

TEMPLATES = ("google-sre", "atlassian", "pagerduty", "gitlab", "kubernetes", "dfds")
"""Templates that the one reader of headings knows; naming one is noted in the draft and changes nothing else."""
FORMATS = (
    "auto",
    "markdown",
    *TEMPLATES,
    "icco",
    "links",
    "swarmproof",
    "rootecho",
    "aiid",
    "llis",
    "graphrca",
    "csv",
    "json",
    "yaml",
)
