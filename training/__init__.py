"""The recipes that made what is in `resources/`: one command each, seeded."""
