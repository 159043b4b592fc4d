"""`python -m api.cli`: the command where it is not installed, as in processes of our own."""

from __future__ import annotations

from api.cli import main

if __name__ == "__main__":
    main()
