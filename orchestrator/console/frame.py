"""The frame of every page: where one can go, how it looks, which keys do what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from nicegui import ui

from agents.plain_text import plain
from orchestrator.console.look import HEAD
from orchestrator.console.safe_text import words
from orchestrator.console.sessions import Engineer
from orchestrator.console_settings import Role

LOOK_COOKIE = "tierwise_look"
"""`dark` or `light`; without it the page follows the screen."""


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere that the navigation leads to."""

    path: str
    label: str
    roles: frozenset[Role]
    key: str
    """Pressed after `g`, it goes there."""


@contextmanager
def framed(
    title: str, places: Sequence[Place], engineer: Engineer, *, look: str, can_sign_out: bool
) -> Iterator[None]:
    """Put what is built in the block into the frame.

    Args:
        title: Of the page, for the tab.
        places: Where the navigation leads, those that the engineer may see.
        engineer: Who looks at it.
        look: The cookie `LOOK_COOKIE`.
        can_sign_out: Whether signing out is done here.
    """
    ui.page_title(f"{title} · tierwise")
    ui.add_head_html(HEAD)
    ui.dark_mode({"dark": True, "light": False}.get(look))
    ui.element("a").props('href="#main"').classes("skip").add_slot("default", "Skip to the content")
    with ui.element("header").classes("bar"):
        ui.link("tierwise", "/").classes("brand").props("aria-label='tierwise, incident board'")
        with ui.element("nav").props('aria-label="Console"').classes("places"):
            for place in places:
                _place(place, current=place.label == title)
        _own_menu(engineer, can_sign_out=can_sign_out)
    with ui.element("main").props("id=main tabindex=-1").classes("page"):
        yield
    ui.element("div").props("id=keys-help")


def _place(place: Place, *, current: bool) -> None:
    link = ui.link(place.label, place.path).props(f'data-key="g {place.key}"')
    if current:
        link.props("aria-current=page")


def _own_menu(engineer: Engineer, *, can_sign_out: bool) -> None:
    with ui.element("div").classes("own"):
        _tool("☾", "Dark or light", "d", "look")
        _tool("?", "Keys", "?", "keys")
        with ui.element("details").classes("me"):
            summary = ui.element("summary")
            summary.props["aria-label"] = f"Signed in as {plain(engineer.name)}"
            with summary:
                words(engineer.name)
            with ui.element("div").classes("me-menu"):
                words(f"{engineer.principal} · {engineer.role}", classes="dim")
                if not can_sign_out:
                    return
                with (
                    ui.element("form").props('method="post" action="/sign-out"'),
                    ui.element("button").classes("quiet"),
                ):
                    ui.label("Sign out")


def _tool(sign: str, label: str, key: str, does: str) -> None:
    """A button that the page's own script answers, without asking the server."""
    button = ui.element("button").classes("tool")
    button.props(f'type=button aria-label="{label}" title="{label}" data-key="{key}"')
    with button.props(f"data-does={does}"):
        ui.label(sign).props("aria-hidden=true")
