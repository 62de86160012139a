"""Make the pictures of the sample graphs by running them: `python resources/render/pictures.py [NAME...]`. The first
film has a strip of its frames, too, in docs/pictures."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

import vidflow

TOP = Path(__file__).resolve().parents[2]
SAMPLES, PICTURES = TOP / "sample_graphs", TOP / "docs" / "pictures"
SHOWN = {
    "first_cut": ("film", 2.0),
    "first_film": ("film", 1.0),
    "folder_of_stills": ("signed", 0.0),
    "new_soundtrack": ("clip", 2.0),
    "postcards": ("greeting", 1.6),
    "reverse_loop": ("loop", 3.0),
    "score_and_pick": ("best", 1.0),
    "sharpen_to_4k": ("large", 0.2),
    "slow_motion_quarter": ("rate", 3.0),
    "smooth_24_to_60": ("smooth", 2.0),
    "unify_colour": ("right", 5.0),
}
"""Of each sample, the node that is shown, and when in seconds."""
WIDTH, HEIGHT = 480, 270
STRIP = "first_film", (1.0, 2.6, 4.6)
"""The sample whose frames are shown side by side, and which, in seconds: one of each shot."""


def main(names: list[str]) -> None:
    """Make the pictures of the samples called `names`, or of all."""
    (SAMPLES / "pictures").mkdir(exist_ok=True)
    for name in names or SHOWN:
        node, seconds = SHOWN[name]
        with (
            tempfile.TemporaryDirectory() as folder,
            vidflow.run(SAMPLES / f"{name}.json", only=[node], output_dir=folder) as result,
        ):
            found = result[node]
            video = getattr(found, "video", found).map(lambda frame: frame, takes="uint8")
            write(SAMPLES / "pictures" / f"{name}.jpg", fitted(video.frame(int(seconds * video.info.rate))))
            if name == STRIP[0]:
                strip = [fitted(video.frame(int(second * video.info.rate))) for second in STRIP[1]]
                write(PICTURES / f"{name}.jpg", np.concatenate(strip, 1))


def fitted(frame: NDArray[Any]) -> NDArray[Any]:
    """A frame at the size of the pictures; what does not fit is cut off."""
    height, width = frame.shape[:2]
    scale = max(WIDTH / width, HEIGHT / height)
    shown = cv2.resize(
        frame, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA if scale < 1 else 2
    )
    top, left = (shown.shape[0] - HEIGHT) // 2, (shown.shape[1] - WIDTH) // 2
    return shown[top : top + HEIGHT, left : left + WIDTH]


def write(path: Path, picture: NDArray[Any]) -> None:
    """As JPEG."""
    cv2.imwrite(str(path), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main(sys.argv[1:])
