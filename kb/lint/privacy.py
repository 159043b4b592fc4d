"""Rules on what must not be published: secrets and personal data. What is found is never repeated in the message.

The patterns of keys are the fixed forms that their issuers document, so that they can be told from other text; a scanner of secrets with
its hundreds of detectors is too heavy for a check that runs while somebody types.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kb.errors import Problem
from kb.lint.page import Page, lowered

# (what it is, a part it always holds, pattern). The part is looked for first: most files hold none. Every repetition is bounded.
_SECRETS: list[tuple[str, tuple[str, ...], re.Pattern[str]]] = [
    ("an AWS access key", ("AKIA", "ASIA", "AGPA", "AIDA", "AROA", "ANPA"), re.compile(r"\bA(?:KIA|SIA|GPA|IDA|ROA|NPA)[A-Z0-9]{16}\b")),
    ("a GitHub token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), re.compile(r"\bgh[pousr]_[A-Za-z0-9]{16,255}\b")),
    ("a GitHub token", ("github_pat_",), re.compile(r"\bgithub_pat_[A-Za-z0-9_]{22,255}\b")),
    ("a GitLab token", ("glpat-",), re.compile(r"\bglpat-[A-Za-z0-9_-]{20,64}")),
    ("a Slack token", ("xox",), re.compile(r"\bxox[abeoprs]-[A-Za-z0-9-]{10,250}")),
    ("a Slack webhook", ("hooks.slack.com",), re.compile(r"hooks\.slack\.com/services/[A-Za-z0-9/]{20,200}")),
    ("a Google API key", ("AIza",), re.compile(r"\bAIza[A-Za-z0-9_-]{30,40}")),
    ("a Stripe key", ("_live_",), re.compile(r"\b[rs]k_live_[A-Za-z0-9]{16,250}")),
    ("an npm token", ("npm_",), re.compile(r"\bnpm_[A-Za-z0-9]{30,40}\b")),
    ("a PyPI token", ("pypi-",), re.compile(r"\bpypi-[A-Za-z0-9_-]{50,250}")),
    ("a SendGrid key", ("SG.",), re.compile(r"\bSG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}")),
    ("an API key", ("sk-",), re.compile(r"\bsk-(?:[a-z]{2,12}-)?(?=[A-Za-z_-]{0,60}\d)[A-Za-z0-9_-]{16,250}")),
    ("a private key", ("PRIVATE KEY",), re.compile(r"-----BEGIN (?:[A-Z]{2,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----")),
    ("a JSON web token", ("eyJ",), re.compile(r"\beyJ[A-Za-z0-9_-]{8,2000}\.eyJ[A-Za-z0-9_-]{8,2000}\.[A-Za-z0-9_-]{8,2000}")),
    ("a password in an address", ("@",), re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@<>()\[\]]{0,100}:[^\s/@<>()\[\]]{3,100}@[^\s/]")),
    ("a bearer token", ("earer ",), re.compile(r"\b[Bb]earer (?=[A-Za-z._~+/-]{0,100}\d)[A-Za-z0-9._~+/-]{20,2000}")),
]
_NAMES_OF_SECRETS = ("pass", "pwd", "secret", "key", "token", "credential")
_ASSIGNED = re.compile(
    r"(?<![a-z])(?:pass(?:word|wd|phrase|code)?|pwd|secret(?:[ _-]?key)?|key|token|credentials?)"
    r"[\"'`*]{0,3} {0,3}(?:=|:|\bis\b|\bwas\b) {0,3}[\"'`“]{0,2}"
    r"(?=(?:[^\s\"'`]{0,100}[\d!@#$%^&*]|(?<==)))(?=[^\s\"'`]{0,100}[a-z])(?P<value>[^\s\"'`”,;<>]{6,200})"
)
_HARMLESS = re.compile(
    r"https?:|\[\^|\d{4}-\d\d|(?:your[-_]?)?(?:example|placeholder|redacted|changeme|removed|x{3,}|\*{3,}|\.{3,})[\w-]{0,40}$"
)

_EMAIL = re.compile(r"(?<![\w.+/-])[\w.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b")
_IN_ADDRESS = re.compile(r"://[^\s()<>]*$")
_DIGITS = re.compile(r"\d(?:[ ().\u00a0/-]{0,2}\d){6,14}\b")
_CALLED = re.compile(r"(?:\+|\b(?:tel|phone|telephone|mobile|fax|cell)\b\.?:?[ ]?(?:no\.?|number|on|at|is)?:?[ ]?)\(?$", re.IGNORECASE)
_NATIONAL = re.compile(r"\d{3}\)?[ .-]\d{3}[.-]\d{4}")
_LONGEST_CALL = 24
_ROLES = (
    "CEO",
    "CIO",
    "CTO",
    "CFO",
    "COO",
    "executive",
    "director",
    "manager",
    "engineer",
    "developer",
    "minister",
    "president",
    "chair",
    "spokes",
)
_TITLES = ("Mr", "Ms", "Mx", "Dr", "Prof", "Doctor", "Sir", "Dame", "Herr", "Frau", "Mme", "Madame", "Monsieur", "Señor", "Signor", *_ROLES)
_NAME = re.compile(
    r"\b(?:(?:Mr|Mrs|Ms|Mx|Dr|Prof|Professor|Doctor|Sir|Dame|Herr|Frau|Mme|Madame|Monsieur|Señora?|Signora?)\b\.?[ \u00a0]"
    r"(?:(?:von|van|de|del|da|di|la|le|den|der)[ ]){0,2}[A-ZÀ-ÖØ-Þ][\w’'-]{1,40}"
    r"|(?:CEO|CIO|CTO|CFO|COO|executive|director|manager|engineer|developer|minister|president"
    r"|chair(?:wo)?man|spokes(?:man|woman|person))[ ]"
    r"[A-ZÀ-ÖØ-Þ][\w’'-]{1,40}[ ][A-ZÀ-ÖØ-Þ][\w’'-]{1,40})"
)


def secrets(page: Page) -> Iterator[Problem]:
    """Yield keys, tokens and passwords anywhere in a file, imported texts and addresses included."""
    text = page.text
    advice = "remove it, and revoke it: who publishes a secret has lost it"
    told: list[tuple[int, int]] = []
    for what, parts, pattern in _SECRETS:
        if any(part in text for part in parts):
            for match in pattern.finditer(text):
                told.append(match.span())
                yield page.at_offset(match.start(), "secret", f"this looks like {what}", advice)
    lower = lowered(text)
    for name in _NAMES_OF_SECRETS:
        at = lower.find(name)
        while at >= 0:
            given = _ASSIGNED.match(lower, at)
            if given and not _HARMLESS.match(given["value"]) and not any(start < given.end() and at < end for start, end in told):
                told.append(given.span())
                yield page.at_offset(given.start("value"), "secret", "this looks like a password or token", advice)
            at = lower.find(name, at + len(name))


def personal_data(page: Page) -> Iterator[Problem]:
    """Yield e-mail addresses anywhere, phone numbers and names after titles in what the case itself says."""
    if "@" in page.text:
        for match in _EMAIL.finditer(page.text):
            if not _IN_ADDRESS.search(page.text, max(0, match.start() - 200), match.start()):
                yield page.at_offset(
                    match.start(), "personal-data", "this looks like an e-mail address", "name the role or the team instead"
                )
    prose = page.prose
    for match in _DIGITS.finditer(prose):
        if _CALLED.search(prose, max(0, match.start() - _LONGEST_CALL), match.start()) or _NATIONAL.fullmatch(match[0]):
            yield page.at_offset(match.start(), "personal-data", "this looks like a phone number", "leave it out")
    if any(title in prose for title in _TITLES):
        for match in _NAME.finditer(prose):
            yield page.at_offset(
                match.start(), "personal-data", "this looks like the name of a person", "name the role: the project manager"
            )
