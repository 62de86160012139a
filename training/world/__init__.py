"""The world that Pocket knows: small scenes of a picture book, drawn with their captions, each from its seed alone."""
