"""The runbooks and vendor notes of a sample site."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def write_documents(directory: Path) -> None:
    """Copy the shipped Markdown documents into a site's `docs/`."""
    directory.mkdir(parents=True, exist_ok=True)
    library = files(f"{__package__}.library")
    documents = sorted(
        (item for item in library.iterdir() if item.name.endswith(".md")),
        key=lambda item: item.name,
    )
    for document in documents:
        text = document.read_text(encoding="utf-8")
        (directory / document.name).write_text(text, encoding="utf-8", newline="\n")
