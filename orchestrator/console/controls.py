"""Form controls of the browser itself: quick, and the same for keyboard and screen reader."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from nicegui import ui
from nicegui.events import GenericEventArguments

from agents.plain_text import plain
from orchestrator.console.safe_text import text

Changed: TypeAlias = Callable[[str], Awaitable[None] | None]


def choice(
    label: str, options: Mapping[str, str], value: str, changed: Changed, *, hint: str = ""
) -> ui.element:
    """One of several.

    Args:
        label: What is chosen.
        options: Value -> what it is called.
        value: Chosen at first.
        changed: Called with the new value.
        hint: A word beside the label.
    """
    with _field(label, hint):
        box = ui.element("select")
        box.on("change", _told(changed, options), js_handler="(e) => emit(e.target.value)")
        with box:
            for key, name in options.items():
                option = ui.element("option")
                option.props["value"] = key
                option.props["label"] = plain(name)
                option.props["selected"] = key == value
    return box


def number(
    label: str,
    value: float,
    changed: Changed,
    *,
    least: float = 0,
    step: str = "any",
    hint: str = "",
) -> ui.element:
    """A number, told when the engineer has finished typing it."""
    with _field(label, hint):
        box = ui.element("input")
        box.props["type"] = "number"
        box.props["min"] = f"{least:g}"
        box.props["step"] = step
        box.props["value"] = f"{value:g}"
        box.on("change", _told(changed, None), js_handler="(e) => emit(e.target.value)")
    return box


def switch(
    label: str, value: bool, changed: Callable[[bool], Awaitable[None] | None]
) -> ui.element:
    """On or off."""
    with ui.element("label").classes("switch"):
        box = ui.element("input")
        box.props["type"] = "checkbox"
        box.props["checked"] = value

        async def told(event: GenericEventArguments) -> None:
            answer = changed(event.args is True)
            if answer is not None:
                await answer

        box.on("change", told, js_handler="(e) => emit(e.target.checked)")
        ui.html(text(label), sanitize=True, tag="span")
    return box


def button(label: str, pressed: Callable[[], Any], *, main: bool = False) -> ui.element:
    """A button with a word on it."""
    pressable = ui.element("button").classes("main" if main else "quiet")
    pressable.props["type"] = "button"
    pressable.on("click", pressed, args=[]).mark(label)
    with pressable:
        ui.html(text(label), sanitize=True, tag="span")
    return pressable


def _field(label: str, hint: str) -> ui.element:
    field = ui.element("label").classes("field")
    with field:
        ui.html(
            f"{text(label)}{f' <small>{text(hint)}</small>' if hint else ''}",
            sanitize=True,
            tag="span",
        )
    return field


def _told(
    changed: Changed, options: Mapping[str, str] | None
) -> Callable[[GenericEventArguments], Awaitable[None]]:
    """A handler that takes nothing which was not offered."""

    async def told(event: GenericEventArguments) -> None:
        value = plain(str(event.args))[:64]
        if options is not None and value not in options:
            return
        answer = changed(value)
        if answer is not None:
            await answer

    return told
