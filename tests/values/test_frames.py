"""Frames: one array or single pictures, seen as the same thing."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from vidflow.values import Frames

BLOCK = np.arange(4 * 2 * 3 * 3, dtype=np.uint8).reshape(4, 2, 3, 3)


@pytest.fixture(params=["an array", "pictures"])
def frames(request: pytest.FixtureRequest) -> Frames:
    """Four frames, held in either way."""
    return Frames(BLOCK if request.param == "an array" else list(BLOCK))


def test_an_array_and_single_pictures_are_the_same_frames(frames: Frames) -> None:
    assert len(frames) == 4
    assert frames.nbytes == BLOCK.nbytes
    assert (frames[-1] == BLOCK[3]).all()
    assert [frame.tobytes() for frame in frames] == [frame.tobytes() for frame in BLOCK]
    assert (frames.numpy() == BLOCK).all()
    assert len(frames) == 4, "it is still there once it is one array"


def test_a_slice_is_frames_again(frames: Frames) -> None:
    assert isinstance(frames[1:3], Frames)
    assert (frames[1:3].numpy() == BLOCK[1:3]).all()
    assert not len(frames[4:])


def test_an_array_is_not_copied_and_neither_is_a_single_picture() -> None:
    assert Frames(BLOCK).numpy() is BLOCK
    picture = BLOCK[0].copy()
    assert np.shares_memory(Frames([picture]).numpy(), picture)


def test_no_frames_are_an_empty_array() -> None:
    assert Frames([]).numpy().shape == (0, 0, 0, 3)
    assert repr(Frames([])) == "Frames([0], empty)"
    assert repr(Frames(BLOCK)) == "Frames([4, 2, 3, 3], uint8)"


@pytest.mark.parametrize("shape", [(4, 2, 3), (4, 2, 3, 4), (4, 3, 2, 3, 3)])
def test_an_array_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"\[n, height, width, 3\]"):
        Frames(np.zeros(shape, np.uint8))


def test_arrays_and_tensors_are_given_for_each_other() -> None:
    torch = pytest.importorskip("torch")
    tensor = Frames(BLOCK).torch(dtype=torch.float32)
    assert tensor.shape == (4, 2, 3, 3)
    assert (Frames(tensor).numpy() == (BLOCK / np.float32(255)).astype(np.float32)).all()


def test_values_are_described_without_loading_arrays_or_tensors() -> None:
    code = "import sys, vidflow.values; sys.exit(bool({'numpy', 'torch', 'av', 'cv2'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
