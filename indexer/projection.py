"""A map of the corpus: where each case stands in a picture, so that cases that are alike stand near each other."""

from __future__ import annotations

import numpy as np

from indexer.arrays import Embeddings, FloatArray

EXACT_LIMIT = 400
"""Up to this many cases are laid out by their likeness to all others; of more, this many, and the rest among those they are most like."""
_PERPLEXITY = 9.0
"""About how many cases each one is kept near to."""
_STEPS = 250
_EARLY = 70
"""Steps during which attraction is exaggerated, so that clusters form before they settle."""
_NEAREST = 4
"""Laid-out cases that place one of the rest."""
_ROOM = 0.45
"""Least distance of two cases, as a share of what an even spread over the picture would leave."""


def project(embeddings: Embeddings) -> FloatArray:
    """Return a place for each case: shape (n, 2), between 0 and 1, rounded to 4 decimals.

    The same embeddings give the same places. No two cases stand on one spot as long as there are at most `EXACT_LIMIT` of them.

    Args:
        embeddings: shape (n, dim), unit rows.

    Source: t-SNE after van der Maaten & Hinton, JMLR 9, 2008, exact, started from the principal components, which keeps the large
    order of the corpus and makes it repeatable. Written here because importing scikit-learn takes longer than indexing a changed case.
    """
    count = len(embeddings)
    if count <= 2:
        return np.array([[0.5, 0.5]] if count == 1 else [[0.25, 0.5], [0.75, 0.5]][:count], np.float64).reshape(count, 2)
    vectors = embeddings.astype(np.float64)
    if count <= EXACT_LIMIT:
        return np.round(_spread(_framed(_layout(vectors))), 4)
    chosen = np.sort(np.random.default_rng(0).choice(count, EXACT_LIMIT, replace=False))
    return np.round(_among(embeddings, chosen, _framed(_layout(vectors[chosen]))), 4)


def _layout(vectors: FloatArray) -> FloatArray:
    """Return t-SNE positions, shape (n, 2), centred."""
    count = len(vectors)
    likeness = _likeness(vectors, min(_PERPLEXITY, (count - 1) / 3))
    places = _principal(vectors) * 1e-2
    velocity, gains = np.zeros_like(places), np.ones_like(places)
    rate = max(count / 12.0 / 4.0, 10.0)
    for step in range(_STEPS):
        pull = likeness * 12.0 if step < _EARLY else likeness
        squares = (places**2).sum(axis=1)
        near = 1.0 / (1.0 + np.maximum(squares[:, None] + squares - 2.0 * places @ places.T, 0.0))
        np.fill_diagonal(near, 0.0)
        force = (pull - near / near.sum()) * near
        gradient = 4.0 * (force.sum(axis=1)[:, None] * places - force @ places)
        gains = np.maximum(np.where(gradient * velocity < 0, gains + 0.2, gains * 0.8), 0.01)
        velocity = (0.5 if step < _EARLY else 0.8) * velocity - rate * gains * gradient
        places = places + velocity
        places -= places.mean(axis=0)
    return places


def _likeness(vectors: FloatArray, perplexity: float) -> FloatArray:
    """Return how alike each two are: symmetric, sums to 1, each row's neighbourhood about `perplexity` wide."""
    distances = np.maximum(2.0 - 2.0 * vectors @ vectors.T, 0.0)
    np.fill_diagonal(distances, np.inf)
    low, high = np.zeros(len(vectors)), np.full(len(vectors), np.inf)
    sharpness = np.full(len(vectors), 10.0)
    for _ in range(40):
        weights = np.exp(-(distances - distances.min(axis=1)[:, None]) * sharpness[:, None])
        shares = weights / weights.sum(axis=1)[:, None]
        entropy = -(shares * np.log(np.maximum(shares, 1e-12))).sum(axis=1)
        wide = entropy > np.log(perplexity)
        low, high = np.where(wide, sharpness, low), np.where(wide, high, sharpness)
        sharpness = np.where(np.isinf(high), sharpness * 2.0, (low + high) / 2.0)
    joint = shares + shares.T
    return np.asarray(joint / joint.sum())


def _principal(vectors: FloatArray) -> FloatArray:
    """Return the first two principal components, shape (n, 2), scaled to unit spread; signs are fixed by their largest entry."""
    centred = vectors - vectors.mean(axis=0)
    products = centred @ centred.T
    # Not a singular value decomposition: its threads wait for each other, and on a busy machine that takes seconds.
    components = np.random.default_rng(0).normal(size=(len(vectors), 2))
    for _ in range(60):
        components = products @ np.linalg.qr(components)[0]
    return _signed(components) / max(float(components.std()), 1e-12)


def _signed(columns: FloatArray) -> FloatArray:
    """Turn each column so that its largest entry is positive."""
    largest = np.abs(columns).argmax(axis=0)
    return np.asarray(columns * np.where(columns[largest, np.arange(columns.shape[1])] < 0, -1.0, 1.0))


def _among(embeddings: Embeddings, chosen: np.ndarray, places: FloatArray) -> FloatArray:
    """Place every case among the laid-out ones it is most like, a little aside, so that equal ones do not hide each other."""
    everywhere = np.empty((len(embeddings), 2))
    aside = np.random.default_rng(1).normal(0.0, 0.008, everywhere.shape)
    for start in range(0, len(embeddings), 4096):
        cosines = embeddings[start : start + 4096] @ embeddings[chosen].T
        nearest = np.argpartition(-cosines, _NEAREST, axis=1)[:, :_NEAREST]
        weights = np.exp(20.0 * np.take_along_axis(cosines, nearest, axis=1))
        everywhere[start : start + 4096] = (weights[:, :, None] * places[nearest]).sum(axis=1) / weights.sum(axis=1)[:, None]
    return np.clip(everywhere + aside, 0.0, 1.0)


def _framed(places: FloatArray) -> FloatArray:
    """Turn positions so that they are widest across, and stretch them to fill the unit square."""
    centred = places - places.mean(axis=0)
    axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1]
    turned = centred @ _signed(axes)
    low, wide = turned.min(axis=0), np.ptp(turned, axis=0)
    return np.asarray(np.where(wide > 1e-9, (turned - low) / np.maximum(wide, 1e-9), 0.5))


def _spread(places: FloatArray) -> FloatArray:
    """Push cases apart that would cover each other."""
    room = _ROOM / np.sqrt(len(places))
    # Two on one spot have no direction to part in.
    places = np.clip(places + np.random.default_rng(2).normal(0.0, 1e-4, places.shape), 0.0, 1.0)
    for _ in range(200):
        apart = places[:, None] - places
        distances = np.sqrt((apart**2).sum(axis=2))
        np.fill_diagonal(distances, np.inf)
        overlap = np.maximum(room - distances, 0.0)
        if overlap.max() < room / 50:
            break
        direction = apart / np.maximum(distances, 1e-9)[:, :, None]
        places = np.clip(places + 0.5 * (direction * overlap[:, :, None]).sum(axis=1), 0.0, 1.0)
    return places
