"""Frames scaled down for the screen."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from vidflow.gui.pictures import eight_bit, scaled_down, within


@pytest.mark.parametrize(
    ("wide", "high"), [(320, 180), (640, 360), (500, 281), (167, 93), (1279, 719), (3, 700), (1, 1)]
)
def test_a_smaller_picture_is_near_the_mean_of_what_each_pixel_covers(wide: int, high: int) -> None:
    rows, columns = np.mgrid[0:720, 0:1280]
    frame = np.stack([columns * 255 / 1280, rows * 255 / 720, 128 + 100 * np.sin(columns / 40)], 2).astype(np.uint8)
    mean = cv2.resize(frame, (wide, high), interpolation=cv2.INTER_AREA)
    small = scaled_down(frame, wide, high)
    assert small.shape == (high, wide, 3)
    assert abs(small.astype(int) - mean).mean() < 3


def test_detail_that_is_too_fine_turns_grey_not_into_stripes() -> None:
    frame = np.zeros((400, 400, 3), np.uint8)
    frame[::2] = 255
    assert abs(scaled_down(frame, 170, 170).astype(int) - 128).max() <= 1


def test_a_picture_lies_within_a_size_and_is_never_enlarged() -> None:
    frame = np.zeros((100, 300, 3), np.uint8)
    assert within(frame, 150, 150).shape == (50, 150, 3)
    assert within(frame, float("inf"), 25).shape == (25, 75, 3)
    assert within(frame, 1000, 1000) is frame
    assert within(np.zeros((3000, 1, 3), np.uint8), 320, 320).shape == (320, 1, 3)


def test_a_float_frame_is_rounded_and_a_cut_one_is_put_in_one_piece() -> None:
    assert eight_bit(np.array([[[-1.0, 0.5, 2.0]]], np.float32)).tolist() == [[[0, 128, 255]]]
    cut = np.zeros((10, 10, 3), np.uint8)[:, 2:5]
    assert eight_bit(cut).flags.c_contiguous
