"""Changes of weights: kept small, added to the right base, refused otherwise."""

from __future__ import annotations

import pytest

from kb.errors import EncoderError


@pytest.fixture(scope="module")
def torch():
    import torch

    return torch


def weights(torch, seed):
    generator = torch.Generator().manual_seed(seed)
    return {"a.weight": torch.randn(24, 16, generator=generator), "a.bias": torch.randn(24, generator=generator), "same": torch.ones(3)}


def change(torch, base, rank):
    generator = torch.Generator().manual_seed(9)
    low = torch.randn(24, rank, generator=generator) @ torch.randn(rank, 16, generator=generator) * 0.01
    return {"a.weight": base["a.weight"] + low, "a.bias": base["a.bias"] + 0.01, "same": base["same"].clone()}


def test_a_change_of_low_rank_comes_back_whole(tmp_path, torch):
    from indexer.delta import apply_delta, write_delta

    base = weights(torch, 1)
    trained = change(torch, base, rank=3)
    write_delta(base, trained, tmp_path / "d.safetensors", rank=3, base_sha256="abc")
    mended = {name: value.clone() for name, value in base.items()}
    apply_delta(mended, tmp_path / "d.safetensors", base_sha256="abc")
    for name, value in trained.items():
        assert torch.allclose(mended[name], value, atol=1e-4)
    assert not torch.allclose(base["a.weight"], trained["a.weight"], atol=1e-4)


def test_the_file_is_small(tmp_path, torch):
    from indexer.delta import write_delta

    base = {"w": torch.zeros(400, 400)}
    write_delta(base, {"w": torch.randn(400, 400)}, tmp_path / "d", rank=8, base_sha256="abc")
    assert (tmp_path / "d").stat().st_size < 2 * 2 * 400 * 8 + 1000


def test_another_base_is_refused(tmp_path, torch):
    from indexer.delta import apply_delta, write_delta

    base = weights(torch, 1)
    write_delta(base, change(torch, base, 2), tmp_path / "d", rank=2, base_sha256="abc")
    with pytest.raises(EncoderError, match="another base") as caught:
        apply_delta(base, tmp_path / "d", base_sha256="other")
    assert "PREMORTEM_MODEL=base" in caught.value.next_step


@pytest.mark.parametrize("keep", [0, 10, 200])
def test_a_damaged_file_is_refused(tmp_path, torch, keep):
    from indexer.delta import apply_delta, write_delta

    base = weights(torch, 1)
    write_delta(base, change(torch, base, 2), tmp_path / "d", rank=2, base_sha256="abc")
    (tmp_path / "d").write_bytes((tmp_path / "d").read_bytes()[:keep])
    with pytest.raises(EncoderError, match="damaged"):
        apply_delta(base, tmp_path / "d", base_sha256="abc")
