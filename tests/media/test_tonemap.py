"""High dynamic range on an ordinary screen: where white, grey and black land, and colours against zimg's."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidflow.media.decode import open_video
from vidflow.media.tonemap import PEAK, REFERENCE_WHITE, eetf, hlg_light, pq_light, pq_signal, tone_map

CURVES = ("smpte2084", "arib-std-b67")
TAGS = ("-color_trc", "smpte2084", "-color_primaries", "bt2020")


def shown(signal, transfer, primaries="bt2020"):
    """What one colour (R, G, B in 0..1 of the signal) becomes."""
    picture = np.rint(np.array(signal).reshape(1, 1, 3) * 65535).astype(np.uint16)
    return mapped(picture, transfer, primaries)[0, 0]


def mapped(picture, transfer, primaries):
    """A picture of 16 bits as sRGB."""
    make = tone_map(transfer, primaries)
    assert make is not None
    return make(picture)


def srgb(light):
    """The curve of IEC 61966-2-1."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 0) ** (1 / 2.4) - 0.055)


def test_the_pq_curve_has_the_values_of_the_standard():
    # ITU-R BT.2408, table 1: per cent of the signal for nits.
    for nits, signal in [(0, 0.0), (26, 0.38), (203, 0.58), (1000, 0.75), (10000, 1.0)]:
        assert abs(pq_signal(np.array(nits)) - signal) < 0.005
    assert np.allclose(pq_signal(pq_light(np.linspace(0, 1, 1001))), np.linspace(0, 1, 1001), atol=1e-6)


def test_the_hlg_curve_has_the_values_of_the_standard():
    assert np.allclose(hlg_light(np.array([0, 0.5, 0.75, 1])), [0, 1 / 12, 0.265, 1], atol=1e-3)


@pytest.mark.parametrize("transfer", CURVES)
def test_black_is_black_and_reference_white_and_the_peak_land_where_the_docstring_says(transfer):
    white = {"smpte2084": float(pq_signal(np.array(REFERENCE_WHITE))), "arib-std-b67": 0.75}[transfer]
    peak = {"smpte2084": float(pq_signal(np.array(PEAK))), "arib-std-b67": 1.0}[transfer]
    assert (shown([0, 0, 0], transfer) == 0).all()
    assert np.allclose(shown([white] * 3, transfer), 0.898, atol=0.002)
    assert np.allclose(shown([peak] * 3, transfer), 1, atol=0.001)
    assert "0.898" in tone_map.__doc__


def test_what_is_darker_than_88_nits_keeps_its_light():
    nits = np.linspace(0, 87, 500)
    assert np.allclose(eetf(nits) * REFERENCE_WHITE, nits, atol=1e-3)
    assert eetf(np.array(95.0)) * REFERENCE_WHITE < 94.99


def test_the_curve_rises_everywhere_and_has_no_kink():
    signal = np.linspace(0, float(pq_signal(np.array(PEAK))), 4001)
    steps = np.diff(pq_signal(eetf(pq_light(signal)) * REFERENCE_WHITE))
    assert (steps > -1e-9).all()
    assert np.abs(np.diff(steps)).max() < 1e-6


@pytest.mark.parametrize("transfer", CURVES)
@pytest.mark.parametrize("primaries", ["bt2020", "smpte432", "bt709"])
def test_greys_stay_grey_and_in_their_order(transfer, primaries):
    ramp = np.repeat(np.arange(0, 65536, 16, dtype=np.uint16)[None, :, None], 3, 2)
    made = mapped(ramp, transfer, primaries)
    assert made.dtype == np.float32
    assert np.ptp(made, axis=2).max() < 1e-4
    assert (np.diff(made[0, :, 0]) >= 0).all()
    assert made.min() >= 0
    assert made.max() <= 1


@given(st.tuples(*[st.floats(0, 1)] * 3), st.sampled_from(CURVES))
def test_every_colour_is_shown_within_bounds(signal, transfer):
    made = shown(signal, transfer)
    assert np.isfinite(made).all()
    assert (made >= 0).all()
    assert (made <= 1).all()


def test_hlg_is_shown_as_a_display_of_1000_nits_shows_it():
    # ITU-R BT.2100: the light of the display is that of the scene times its luminance to the power of 0.2.
    signal = np.array([0.45, 0.4, 0.3])
    scene = hlg_light(signal)
    luminance = scene @ np.array([0.2627, 0.6780, 0.0593])
    nits = PEAK * scene * luminance**0.2
    matrix = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])
    expected = srgb(np.clip(matrix @ eetf(nits), 0, 1))
    assert np.allclose(shown(signal, "arib-std-b67"), expected, atol=2e-3)


def test_an_ordinary_transfer_has_no_tone_map():
    for transfer in ("bt709", "iec61966-2-1", "bt2020-10", "unspecified", "linear"):
        assert tone_map(transfer, "bt2020") is None


def test_dark_and_middle_colours_of_a_file_are_those_of_zimg(make_clip):
    # Below the bend of the curve nothing but the gamut and the curves of the two systems is at work.
    colours = "geq=r='mod(X*700,30000)':g='mod(Y*700,30000)':b='mod((X+Y)*400,30000)'"
    source = ("-f", "lavfi", "-i", "color=s=48x48:r=25:d=0.04,format=gbrp16le," + colours)
    clip = make_clip("colours.mkv", *source, "-c:v", "ffv1", "-pix_fmt", "gbrp16le", *TAGS)
    video = open_video(clip)
    assert video.info.dtype == "float32"
    chain = "zscale=tin=smpte2084:pin=bt2020:min=gbr:rin=full:t=linear:npl=203:p=bt709,zscale=t=iec61966-2-1"
    command = ["ffmpeg", "-v", "error", "-i", clip, "-vf", f"{chain},format=gbrp16le", "-pix_fmt", "rgb48le"]
    raw = subprocess.run([*command, "-f", "rawvideo", "-"], check=True, capture_output=True).stdout
    expected = np.frombuffer(raw, np.uint16).reshape(48, 48, 3) / 65535
    off = np.abs(video.frame(0) - expected)
    assert expected.std() > 0.1
    assert off.max() < 2 / 255


def test_the_same_numbers_without_the_tag_are_untouched(make_clip, shown):
    source = ("-f", "lavfi", "-i", "testsrc2=s=48x48:r=25:d=0.04,format=gbrp16le")
    options = ("-c:v", "ffv1", "-pix_fmt", "gbrp16le")
    plain = open_video(make_clip("plain.mkv", *source, *options)).frame(0)
    tagged = open_video(make_clip("tagged.mkv", *source, *options, *TAGS)).frame(0)
    assert np.abs(plain - tagged).max() > 0.1
    assert np.array_equal(
        plain, np.float32(shown(make_clip("plain.mkv", *source, *options), 48, 48, "rgb48le")[0]) / 65535
    )


def test_eight_bits_of_high_dynamic_range_come_as_floats(make_clip):
    source = ("-f", "lavfi", "-i", "testsrc2=s=48x48:r=25:d=0.04")
    options = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-colorspace", "bt2020nc", *TAGS)
    video = open_video(make_clip("eight.mp4", *source, *options))
    assert video.info.dtype == "float32"
    assert video.frame(0).dtype == np.float32
