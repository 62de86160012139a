"""The engine: plans, runs and keeps. One long-lived `Engine` serves several requests at once."""
