"""The doors: HTTP API, pages and command line; the only place where parts meet."""
