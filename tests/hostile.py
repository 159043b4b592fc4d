"""A corpus of cases and strategies that attack whoever shows them."""

from __future__ import annotations

import shutil
from pathlib import Path
from unittest import mock

import yaml

from tests.api.conftest import build_seeded
from tests.conftest import CASES, ROOT, SEEDS

ATTACKS: dict[str, str] = yaml.safe_load((ROOT / "tests" / "fixtures" / "attacks.yaml").read_text("utf-8"))
GIANT = {
    "table": "| a | b |" * 3_000,
    "brackets": "[" * 10_000,
    "images": "![" * 10_000,
    "emphasis": "*a " * 5_000,
    "backticks": " ".join("`" * n for n in range(1, 150)),
    "entities": "&#x" * 5_000,
    "tags": "<a " * 5_000,
    "word": "a" * 50_000,
}
"""Name → a paragraph that is cheap to write and dear to read."""


def write_corpus(folder: Path) -> Path:
    """Write a corpus: a case and a strategy for each attack and one of each without, a case for each giant text, some real cases."""
    (folder / "studies").mkdir(parents=True)
    shutil.copytree(CASES / "strategies", folder / "strategies")
    for name in SEEDS:
        shutil.copy(CASES / "studies" / f"{name}.md", folder / "studies")
    for name, attack in {"nothing": "words that mean no harm", **ATTACKS}.items():
        (folder / "studies" / f"attack-{name}.md").write_text(case(name, attack, attack), "utf-8")
        (folder / "strategies" / f"attack-{name}.md").write_text(strategy(name, attack), "utf-8")
    for name, text in GIANT.items():
        (folder / "studies" / f"giant-{name}.md").write_text(case("script", "Giant", text, title=f"Giant {name}"), "utf-8")
    return folder


def build_hostile(index: Path, real_index: Path, corpus: Path) -> Path:
    """Index a corpus of attacks. The build would keep most of it out: here that guard is off, to try those behind it."""
    with mock.patch("indexer.build.lint", return_value=[]):
        return build_seeded(index, real_index, corpus)


def _quoted(text: str) -> str:
    return yaml.safe_dump(text, allow_unicode=True, width=10**9, default_style='"').strip()


def case(name: str, attack: str, text: str, title: str | None = None) -> str:
    """Return a case that holds an attack in every free field and a text in every section."""
    line = " ".join(attack.splitlines())
    item = f"**Lead {text}.** Text {text}"
    label = attack if "[" not in attack and "]" not in attack else "Source"
    return f"""---
title: {_quoted(title or f"Attack {name} {line}")}
organisation: {_quoted(f"Org {line}")}
industry: retail
country: {_quoted(f"Land {line}")}
years: 2011-2012
undertaking: consolidation
categories: [data-mapping]
phase: go-live
outcome: abandoned
systems: []
evidence: news
status: disputed
---

## Undertaking

We move all shops to one till {text}.[^s1]

## Is this you?

- We move all shops to one till {text}

## What happened

It failed {text}.[^s1]

- 2011-05: It failed {text} [^s1]
- 2012: {text} [^s1]

## Impact

- {item} [^s1]

## Symptoms

- {item} `go-live` [^s1]

## What went wrong

- {item} `data-mapping` [^s1]

## Lessons

- {item} [^s1]

## Prevention

- [Lead {label}](../strategies/attack-{name}.md): text {text} [^inferred]
- {item} [^s1]

## Disputed

- It is disputed {text} [^s1]

[^s1]: [{label}](https://example.org/?"><script>window.pwned=1</script>), {attack}. news
[^inferred]: Advice of this knowledge base, inferred from the case.
"""


def strategy(name: str, attack: str) -> str:
    """Return a strategy that holds an attack in every free field and section."""
    line = " ".join(attack.splitlines())
    item = f"**Lead {attack}.** Text {attack}"
    return f"""---
title: {_quoted(f"Strategy {name} {line}")}
phase: go-live
roles: [sponsor]
effort: days
addresses: [data-mapping]
tools: [{_quoted(attack)}]
sources: [{_quoted(attack)}]
---

## What to do

1. {item}

## Signs it is missing

- {item}

## Done when

- {item}

## Limits

Limits {attack}
"""
