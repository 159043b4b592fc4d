"""Blocks of a Markdown file with their lines, read from markdown-it-py tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.front_matter import front_matter_plugin

# "footnote_tail" would move definitions to the end and drop unused ones; lint needs them where they stand.
# "inline" would read what is inside a paragraph, which stays Markdown here; without it a file takes a third of the time.
_parser = MarkdownIt("commonmark").use(front_matter_plugin).use(footnote_plugin).disable(["footnote_tail", "inline"])

FRONT_LIMIT = 8_000_000
"""Most characters of front matter; an imported draft may hold long texts in it."""
_MOST_NESTED = 100
"""Deepest values of front matter; the C loader overflows the stack on values nested some 20,000 deep."""
_SURELY_FLAT = 10_000
"""Front matter of no more characters cannot be nested deep enough to do harm."""


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a list or something else inside a section."""

    kind: str
    """`paragraph`, `bullets`, `numbers` or the markdown-it name of anything else."""
    line: int
    text: str = ""
    items: tuple[tuple[int, str], ...] = ()
    """(line, text) of each list item."""


@dataclass(slots=True)
class Section:
    name: str
    line: int
    blocks: list[Block] = field(default_factory=list)


@dataclass(slots=True)
class Document:
    """A Markdown file in pieces; every line is 1-based and counted from the top of the file."""

    front: dict[str, object]
    front_lines: dict[str, int]
    front_error: tuple[int, str] | None
    sections: list[Section]
    before: list[Block]
    """Blocks before the first section heading."""
    footnotes: list[tuple[str, int, str]]
    """(id, line, text) of each definition."""
    definitions: list[int] = field(default_factory=list)
    """Lines of link definitions (`[words]: address`), which leave no block behind."""


def read_document(text: str) -> Document:
    """Split a file into front matter, sections and footnotes. Never raises: oddities become blocks or `front_error`."""
    return _read_plain(text) or read_by_tokens(text)


def read_by_tokens(text: str) -> Document:
    """Read any Markdown; what `read_document` falls back on."""
    environment: dict[str, Any] = {}
    tokens = _parser.parse(text, environment)
    definitions = [*environment.get("references", {}).values(), *environment.get("duplicate_refs", [])]
    document = Document({}, {}, None, [], [], [], [each["map"][0] + 1 for each in definitions])
    i = 0
    while i < len(tokens):
        token = tokens[i]
        end = _closing(tokens, i)
        line = (token.map[0] if token.map else 0) + 1
        if token.type == "front_matter":
            _read_front(document, f"{token.content}\n")
        elif token.type == "heading_open" and token.tag == "h2":
            document.sections.append(Section(tokens[i + 1].content.strip(), line))
        elif token.type == "footnote_reference_open":
            inline = next((t for t in tokens[i:end] if t.type == "inline"), None)
            document.footnotes.append((token.meta["label"], line, _one_line(inline.content if inline else "")))
        else:
            _blocks(document).append(_block(tokens[i : end + 1], line))
        i = end + 1
    return document


# Lines that mean the same whatever surrounds them, with a blank line before and after each block. A text begins with a letter, a quotation
# mark, a bracket, emphasis or a figure that numbers no list, and defines no link.
_TEXT = r"(?!\[\^)(?!\d+[.)](?:\s|$))(?![^\n]*\]:)(?:[^\W_]|[\"“‘'(\[]|\*\*?[^\s*])[^\n]*(?<=\S)"
_PLAIN = re.compile(
    rf"(?P<blank>)$|## (?P<heading>[^\s#][^\n#]*(?<=\S))$|- (?P<bullets>{_TEXT})$|\d{{1,9}}\. (?P<numbers>{_TEXT})$"
    rf"|\[\^(?P<label>[\w-]+)\]: (?P<footnote>{_TEXT})$|(?P<paragraph>{_TEXT})$"
)
_ODD = re.compile(r"[\t\r\x00\x0b\x0c\x1c-\x1f\x85\u2028\u2029]")
_FENCE = re.compile(r" {0,3}-{3,}\s*")


def _read_plain(text: str) -> Document | None:
    """Read a file of the plainest form, as nearly all are; None for any other.

    This takes a tenth of the time of parsing to tokens, and lint of a whole corpus has to be done while somebody waits.
    """
    lines = text.split("\n")
    end = next((at for at, line in enumerate(lines[1:], 1) if _FENCE.fullmatch(line)), 0)
    if lines[0] != "---" or end < 2 or lines[end] != "---" or _ODD.search(text):
        return None
    document = Document({}, {}, None, [], [], [])
    last, ended = "blank", ""
    """Kinds of the line before and of the last block that ended."""
    items: list[tuple[int, str]] = []
    for number, line in enumerate(lines[end + 1 :], end + 2):
        match = _PLAIN.fullmatch(line)
        kind = match.lastgroup if match else None
        if match is None or kind is None:
            return None
        if kind == "blank":
            ended = last if last != "blank" else ended
        elif last != "blank" and not (kind == last and kind in {"bullets", "numbers", "footnote"}):
            return None
        elif kind in {"bullets", "numbers"} and last == "blank" and ended == kind:
            return None  # one list, with blank lines inside
        elif kind == "heading":
            document.sections.append(Section(match["heading"], number))
        elif kind == "footnote":
            document.footnotes.append((match["label"], number, match["footnote"]))
        elif kind == "paragraph":
            _blocks(document).append(Block("paragraph", number, match["paragraph"]))
        elif last == kind:
            items.append((number, match[kind]))
            _blocks(document)[-1] = Block(kind, items[0][0], items=tuple(items))
        else:
            items = [(number, match[kind])]
            _blocks(document).append(Block(kind, number, items=tuple(items)))
        last = kind
    _read_front(document, "".join(f"{line}\n" for line in lines[1:end]))
    return document


def _blocks(document: Document) -> list[Block]:
    """Return the list that the next block belongs into."""
    return document.sections[-1].blocks if document.sections else document.before


def _closing(tokens: list[Token], start: int) -> int:
    """Index of the token that closes the one at `start` (itself when it is not an opening one)."""
    depth = 0
    for i in range(start, len(tokens)):
        depth += tokens[i].nesting
        if depth <= 0:
            return i
    return len(tokens) - 1


def _block(tokens: list[Token], line: int) -> Block:
    first = tokens[0]
    if first.type == "paragraph_open":
        return Block("paragraph", line, _one_line(tokens[1].content))
    if first.type in {"bullet_list_open", "ordered_list_open"}:
        items: list[tuple[int, str]] = []
        for token, following in zip(tokens, [*tokens[1:], None], strict=True):
            if token.type == "list_item_open" and token.level == first.level + 1:
                items.append(((token.map or [line - 1])[0] + 1, ""))
            elif token.type == "inline" and following is not None and items:
                start, before = items[-1]
                items[-1] = (start, f"{before} {_one_line(token.content)}".strip())
        return Block("bullets" if first.type.startswith("bullet") else "numbers", line, items=tuple(items))
    return Block(first.type.removesuffix("_open"), line, first.content)


def _one_line(text: str) -> str:
    # Not re.sub(r"\s*\n\s*"): on a long run of blanks that takes quadratic time.
    return " ".join(filter(None, (line.strip() for line in text.split("\n"))))


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the C loader is there or not
    """SafeLoader that leaves dates as written."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _read_front(document: Document, content: str) -> None:
    if len(content) > FRONT_LIMIT:
        document.front_error = (1, f"the front matter is longer than {FRONT_LIMIT:,} characters")
        return
    try:
        if len(content) > _SURELY_FLAT and _depth(content) > _MOST_NESTED:
            document.front_error = (1, f"the front matter is nested more than {_MOST_NESTED} deep")
            return
        if alias := first_alias(content):
            line, name = alias
            document.front_error = (line + 1, f"`*{name}` repeats a value from elsewhere; write the value out")
            return
        loader = Loader(content)
        node = loader.get_single_node()
        value = loader.construct_document(node) if node else None
    # Beside its own errors PyYAML lets the others escape on values such as `!!timestamp soon` or `!!bool maybe`.
    except (yaml.YAMLError, ValueError, LookupError, ArithmeticError, AttributeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or f"not YAML: {error}".splitlines()[0]
        document.front_error = ((mark.line if mark else 0) + 2, problem)
        return
    if not isinstance(node, yaml.MappingNode) or not isinstance(value, dict):
        document.front_error = (1, "the front matter is not a list of `key: value` lines")
        return
    for key, _ in node.value:
        name = str(key.value)
        if name in document.front_lines:
            document.front_error = (key.start_mark.line + 2, f"`{name}` stands twice")
            return
        document.front_lines[name] = key.start_mark.line + 2
    document.front = {str(key): item for key, item in value.items()}


def first_alias(content: str) -> tuple[int, str] | None:
    """Return (line, name) of the first `*name` of a YAML text; a few of them can multiply a value until memory runs out.

    The line is 1-based. Where the text stops being YAML the search ends with PyYAML's own error.
    """
    if "&" not in content or "*" not in content:
        return None
    for event in yaml.parse(content, Loader=Loader):
        if isinstance(event, yaml.AliasEvent):
            return (event.start_mark.line if event.start_mark else 0) + 1, event.anchor or ""
    return None


def _depth(content: str) -> int:
    """Return how deep a YAML text is nested, from its events: reading those needs no stack."""
    depth = deepest = 0
    for event in yaml.parse(content, Loader=Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            deepest = max(deepest, depth)
            if deepest > _MOST_NESTED:
                break
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return deepest
