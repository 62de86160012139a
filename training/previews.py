"""Fit the factors that show previews of a model while it samples, and store them with vidflow.

    python -m training.previews MODEL [MODEL ...]

MODEL is a folder in diffusers layout, or a model of the hub that was fetched. Its VAE is shown short films drawn from a
seed; nothing else is needed (see `vidflow.models.preview.fit`).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from vidflow.models import library, preview, sampling
from vidflow.models.checkpoint import read_checkpoint
from vidflow.models.families import family_of
from vidflow.models.loading import checkpoint_of
from vidflow.places import resource
from vidflow.values import Model


def model_of(name: str) -> Model:
    """The model called `name`."""
    found = library.find(name)
    return Model(family_of(read_checkpoint(found.folder)).name, found.name, {}, {"folder": str(found.folder)})


def main() -> None:
    """Fit and store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--to", type=Path, default=resource("previews"), help="the folder to store them in")
    options = parser.parse_args()
    for name in options.models:
        model = model_of(name)
        weights = preview.vae_digest(checkpoint_of(model))
        preview.store(weights, sampling.fitted_factors(model, "cpu", lambda k, total, preview=None: None), options.to)
        print(f"{name}: {options.to / weights}.json")


if __name__ == "__main__":
    main()
