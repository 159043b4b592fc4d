"""Building an index generation from corpora."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np

from indexer import generation as gen
from indexer.arrays import Embeddings
from indexer.encoder import DEFAULT_MODEL, TRAINED, TRAINED_DELTA, Encoder, Progress, open_encoder
from indexer.passages import PASSAGES_VERSION, case_passages, case_text, headline_text, strategy_text
from indexer.projection import project
from indexer.vectors import Vectors
from kb.case import INFERRED, Case, without_gaps
from kb.corpus import TAXONOMY, CaseFile, Corpora, corpus_files, corpus_names, read_corpora, shipped
from kb.errors import IndexUnavailableError, InvalidCasesError, PremortemError
from kb.lint import lint
from kb.records import Link, StoredCase, StoredStrategy
from kb.store import Store
from kb.store_writer import write_store

_COMMIT_EVERY = 256
"""Embeddings saved at a time: a killed build loses at most these."""


class Built(msgspec.Struct, frozen=True, kw_only=True):
    """What a build did."""

    generation: str
    n_cases: int
    n_strategies: int
    n_embeddings: int
    """All embedded texts: those of passages, whole cases, their headlines and strategies, each once."""
    n_embedded: int
    """Texts that had to be encoded; the rest were known."""
    unchanged: bool
    """True when the index was already up to date."""
    skipped: tuple[str, ...] = ()
    """Invalid files left out."""


class Reporter:
    """Told how a build goes; this one says nothing."""

    def say(self, message: str) -> None:
        """Take a one-line message about the next step."""

    def embedding(self, done: int, total: int) -> None:
        """Take the progress of encoding."""


def build_index(
    index: Path,
    folders: Sequence[Path],
    *,
    model: str = "",
    backend: str = "openvino",
    skip_invalid: bool = False,
    lenient: bool = False,
    rebuild: bool = False,
    reporter: Reporter | None = None,
    encoder: Encoder | None = None,
    wait_s: float = 600.0,
) -> Built:
    """Bring the index in `index` up to date with the corpora in `folders`.

    Args:
        index: the index folder; created when missing.
        folders: corpora.
        model: a model folder; empty for the packaged one.
        backend: see `open_encoder`.
        skip_invalid: leave invalid files out rather than refuse.
        lenient: read plain post-mortems, too; see `kb.corpus.read_corpora`.
        rebuild: build even when nothing changed.
        reporter: told how it goes.
        encoder: used in place of the one that `model` and `backend` name.
        wait_s: how long to wait for another build.

    Raises:
        InvalidCasesError: some files break the format and `skip_invalid` is off; carries every problem.
        PremortemError: corpora, model or folder cannot be used.
    """
    reporter = reporter or Reporter()
    with ThreadPoolExecutor(1) as executor:
        # Loading the model and reading the cases take about as long, so they run side by side.
        loading = executor.submit(_ready_encoder, model, index, backend) if encoder is None else None
        stamps = corpus_stamps(folders, lenient=lenient)  # before: what changes while it is read makes the index stale
        corpora = read_corpora(folders, lenient=lenient)
        errors = lint(corpora, form=False)
        encoder = encoder or (loading.result() if loading else None)
    if errors and not skip_invalid:
        raise InvalidCasesError(errors)
    invalid = {problem.source for problem in errors}
    skipped = sorted(invalid | {f"{path} ({reason})" for path, reason in corpora.unusable})
    files = [file for file in corpora.files if str(file.path) not in invalid]
    if not any(file.case for file in files):
        raise InvalidCasesError(errors, next_step="mend the files listed: not one case can be indexed")
    with gen.write_lock(index, wait_s=wait_s):
        encoder = encoder or open_encoder(model, index / "exports", backend=backend, export=True, say=reporter.say)
        name = _content_hash(files, corpora, encoder)
        origin = _Origin(
            model=model or DEFAULT_MODEL,
            model_name=getattr(getattr(encoder, "export", None), "model_name", "") or Path(model).name,
            corpora=stamps,
            skipped=tuple(skipped),
            lenient=lenient,
            made_with=release_digest(model or DEFAULT_MODEL),
        )
        if not rebuild and (unchanged := _already_built(index, name, origin)):
            return unchanged
        return _build(index, name, files, corpora, encoder, origin, reporter)


class _Origin(msgspec.Struct, frozen=True, kw_only=True):
    """What a manifest tells of where a generation comes from, beyond what its content hash covers; see `generation.Manifest`."""

    model: str
    model_name: str
    corpora: tuple[gen.CorpusStamp, ...]
    skipped: tuple[str, ...]
    lenient: bool
    made_with: str


def _ready_encoder(model: str, index: Path, backend: str) -> Encoder | None:
    """Return the encoder if it needs no export first."""
    try:
        return open_encoder(model, index / "exports", backend=backend, export=False)
    except PremortemError:
        return None  # told, or mended by an export, once the cases are known to be good


def _content_hash(files: Sequence[CaseFile], corpora: Corpora, encoder: Encoder) -> str:
    digest = hashlib.sha256(f"{gen.FORMAT} {PASSAGES_VERSION} {encoder.fingerprint}\n".encode())
    digest.update(msgspec.json.encode(corpora.taxonomy))
    if plain := [file.case for file in files if file.is_plain]:  # what is found in a plain text may differ from release to release
        digest.update(msgspec.json.encode(plain))
    for file in sorted(files, key=lambda file: (file.corpus, file.path.name, file.kind)):
        digest.update(f"{file.corpus} {file.kind} {file.path.name} {file.sha256}\n".encode())
    return digest.hexdigest()[:16]


def _already_built(index: Path, name: str, origin: _Origin) -> Built | None:
    """Return what is there when it is whole, making it current again if another one is.

    Its manifest is written anew where the same content comes from elsewhere, or it would go on being taken for stale.
    """
    found = gen.whole_generation(index, name)
    if found is None:
        return None
    folder, manifest = found
    restated = msgspec.structs.replace(manifest, **msgspec.structs.asdict(origin))
    if restated != manifest:
        gen.restate(folder, restated)
    try:
        current = gen.current_generation(index)[0]
    except IndexUnavailableError:
        current = None
    if current != folder:
        gen.point_to(index, folder.name)
    return Built(
        generation=name,
        n_cases=manifest.counts["cases"],
        n_strategies=manifest.counts["strategies"],
        n_embeddings=manifest.counts["embeddings"],
        n_embedded=0,
        unchanged=True,
        skipped=origin.skipped,
    )


def _build(
    index: Path, name: str, files: Sequence[CaseFile], corpora: Corpora, encoder: Encoder, origin: _Origin, reporter: Reporter
) -> Built:
    by_id = sorted((file for file in files if file.case), key=lambda file: file.case.id if file.case else "")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    updated = _known_updates(index)
    cases = [_stored_case(row, file, updated, now) for row, file in enumerate(by_id)]
    searchable = [stored.case for stored in cases]
    strategies = [
        StoredStrategy(row=row, corpus=file.corpus, markdown=file.text, strategy=file.strategy)
        for row, file in enumerate(sorted((f for f in files if f.strategy), key=lambda f: f.strategy.id if f.strategy else ""))
        if file.strategy
    ]
    passages = [passage for case in searchable for passage in case_passages(case)]
    texts = {
        "cases": [case_text(case) for case in searchable],
        "headlines": [headline_text(case) for case in searchable],
        "passages": [passage.embedded for passage in passages],
        "strategies": [strategy_text(stored.strategy) for stored in strategies],
    }
    with _EmbeddingCache(index / "embeddings.sqlite", encoder) as cache:
        everything = list(dict.fromkeys(text for part in texts.values() for text in part))
        embeddings, n_embedded = cache.encode(everything, progress=reporter.embedding)
    rows = {text: row for row, text in enumerate(everything)}

    def vectors(file: str) -> Embeddings:
        return embeddings[[rows[text] for text in texts[file]]].reshape(-1, encoder.dim)

    with gen.building_folder(index) as building, ThreadPoolExecutor(1) as executor:
        placing = executor.submit(project, vectors("cases"))  # beside the writing, which takes as long
        write_store(
            building / gen.STORE,
            cases=cases,
            passages=passages,
            strategies=strategies,
            links=[link for case in searchable for link in _links(case)],
            taxonomy=corpora.taxonomy,
        )
        for file in texts:
            Vectors.build(vectors(file)).write(building / f"{file}.faiss")
        np.save(building / gen.MAP, placing.result())
        manifest = gen.Manifest(
            format=gen.FORMAT,
            generation=name,
            built_at=now,
            encoder=encoder.fingerprint,
            **msgspec.structs.asdict(origin),
            counts={"cases": len(cases), "strategies": len(strategies), "passages": len(passages), "embeddings": len(everything)},
            checksums={},
        )
        gen.publish(index, building, manifest)
    return Built(
        generation=name,
        n_cases=len(cases),
        n_strategies=len(strategies),
        n_embeddings=len(everything),
        n_embedded=n_embedded,
        unchanged=False,
        skipped=origin.skipped,
    )


def _stored_case(row: int, file: CaseFile, updated: dict[tuple[str, str], str], now: str) -> StoredCase:
    assert file.case is not None
    return StoredCase(
        row=row,
        corpus=file.corpus,
        path=f"{file.path.parent.name}/{file.path.name}",
        markdown=file.text,
        sha256=file.sha256,
        updated=updated.get((file.case.id, file.sha256), now),
        case=without_gaps(file.case),
    )


def _known_updates(index: Path) -> dict[tuple[str, str], str]:
    """Return since when the generation that answers has held its files as they are; nothing when there is none."""
    try:
        return Store(gen.current_generation(index)[0] / gen.STORE).updates()
    except (IndexUnavailableError, sqlite3.Error):
        return {}


def _links(case: Case) -> list[Link]:
    return [
        Link(
            case_id=case.id,
            strategy_id=item.strategy,
            line=item.line,
            text=item.text or item.lead,
            inferred=set(item.sources) == {INFERRED},
        )
        for item in case.prevention
        if item.strategy
    ]


def corpus_stamps(folders: Sequence[Path], *, lenient: bool = False) -> tuple[gen.CorpusStamp, ...]:
    """Return the present state of corpora, to compare with the state that was indexed."""
    return tuple(
        gen.CorpusStamp(
            name=name,
            folder=str(folder.resolve()),
            files={path.relative_to(folder).as_posix(): _sha256(path) for path in _read_files(folder, lenient)},
        )
        for name, folder in zip(corpus_names(folders), folders, strict=True)
    )


def _read_files(folder: Path, lenient: bool) -> list[Path]:
    """Return every file of a corpus that its index depends on."""
    own_vocabulary = [folder / TAXONOMY] if (folder / TAXONOMY).is_file() else []
    return own_vocabulary + [path for path, _ in corpus_files(folder, lenient=lenient)]


def _sha256(path: Path) -> str:
    """Return the sha256 of a file, nothing of one that cannot be read: it is told as a problem, and left out where that is asked for."""
    try:
        return gen.file_sha256(path)
    except OSError:
        return ""


def release_digest(model: str) -> str:
    """Return the sha256 of what this release adds to the corpora: passages' form, terms, strategies, its own weights."""
    digest = hashlib.sha256(f"{PASSAGES_VERSION}\n".encode())
    own = shipped("cases")
    added = [own / TAXONOMY, *sorted((own / "strategies").glob("*.md"))]
    for path in [*added, TRAINED_DELTA] if model == TRAINED else added:
        digest.update(f"{path.name} {_sha256(path)}\n".encode())
    return digest.hexdigest()


def is_stale(manifest: gen.Manifest, folders: Sequence[Path]) -> bool:
    """Return whether the corpora, or what the release adds to them, have changed since they were indexed."""
    return manifest.made_with != release_digest(manifest.model) or corpus_stamps(folders, lenient=manifest.lenient) != manifest.corpora


class _EmbeddingCache:
    """Embeddings by (encoder, text) in one SQLite file; damaged or foreign files are replaced."""

    def __init__(self, path: Path, encoder: Encoder) -> None:
        self._encoder = encoder
        self._path = path

    def __enter__(self) -> _EmbeddingCache:
        try:
            try:
                self._open()
            except (sqlite3.DatabaseError, KeyError) as error:
                self._db.close()
                if isinstance(error, sqlite3.OperationalError):  # locked, or a disk that fails: no reason to throw a sound one away
                    raise
                self._path.unlink()
                self._open()
        except sqlite3.OperationalError as error:
            raise IndexUnavailableError(
                f"{self._path} cannot be used: {error}",
                next_step="try again, or delete that file: it is made anew",
            ) from error
        return self

    def _open(self) -> None:
        from kb.database import Database  # takes a third of a second: only for those who build

        self._db = Database(self._path)
        self._db.table("embeddings").create({"key": str, "vector": bytes}, pk="key", if_not_exists=True)
        self._known: dict[str, bytes] = {row["key"]: row["vector"] for row in self._db.table("embeddings").rows}

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def encode(self, texts: Sequence[str], *, progress: Progress) -> tuple[Embeddings, int]:
        """Return the embeddings of texts by row, and how many had to be encoded."""
        keys = [self._key(text) for text in texts]
        known = self._known
        embeddings = np.empty((len(texts), self._encoder.dim), np.float32)
        missing = []
        for row, key in enumerate(keys):
            if key in known:
                embeddings[row] = np.frombuffer(known[key], np.float32)
            else:
                missing.append(row)
        # By length, so that a part of the work is a fair part of the time and batches hold like with like.
        missing.sort(key=lambda row: (len(texts[row]), texts[row]))
        for start in range(0, len(missing), _COMMIT_EVERY):
            rows = missing[start : start + _COMMIT_EVERY]
            done = _shifted(progress, start, len(missing))
            embeddings[rows] = self._encoder.encode_passages([texts[row] for row in rows], progress=done)
            self._db.table("embeddings").insert_all(({"key": keys[row], "vector": embeddings[row].tobytes()} for row in rows), replace=True)
        if len(known) > 4 * len(keys):  # many edits later most of it is of texts that are gone
            wanted = set(keys)
            with self._db.conn:
                self._db.conn.executemany("delete from embeddings where key = ?", [(key,) for key in known if key not in wanted])
        return embeddings, len(missing)

    def _key(self, text: str) -> str:
        return hashlib.sha256(f"{self._encoder.fingerprint}\n{text}".encode()).hexdigest()


def _shifted(progress: Progress, start: int, total: int) -> Callable[[int, int], None]:
    return lambda done, _: progress(start + done, total)
