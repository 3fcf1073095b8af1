"""Prompts, as files: their hash is part of provenance."""
