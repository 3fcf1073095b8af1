"""The hand-over of a shift: on the page, printed, as PDF and as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import app as pages_app
from nicegui import ui
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from orchestrator.console.controls import choice
from orchestrator.console.documents import document
from orchestrator.console.safe_text import words
from orchestrator.console.shift import DEFAULT_HOURS, HOURS, shift_of
from orchestrator.rendering.document import document_html, document_markdown
from orchestrator.rendering.shift_handover import shift_document

if TYPE_CHECKING:
    from orchestrator.console.registration import Console

PATH = "/handover"


def register(console: Console) -> None:
    """The page, and the same on paper beside it."""

    @console.page_for(PATH, title="Hand-over", nav="h")
    async def handover() -> None:
        hours = _hours(dict(ui.context.client.request.query_params).get("hours"))
        shift = await shift_of(console.desk, hours)
        with ui.element("div").classes("across no-print"):
            choice(
                "Shift of",
                {str(each): f"{each} hours" for each in HOURS},
                str(hours),
                lambda value: ui.navigate.to(f"{PATH}?hours={value}"),
            )
            for label, kind in (("Print", "html"), ("PDF", "pdf"), ("Markdown", "md")):
                ui.link(label, f"{PATH}/{hours}/{kind}", new_tab=True).classes("as-button")
        words(
            "What leaves as a file is what this page shows: it holds what the sites have released.",
            classes="dim no-print",
        )
        with ui.element("article").classes("card paper"):
            document(shift_document(shift))

    @pages_app.get(f"{PATH}/{{hours}}/{{kind}}")
    async def file(request: Request) -> Response:
        shift = await shift_of(console.desk, _hours(request.path_params["hours"]))
        blocks = shift_document(shift)
        name = f"handover-{shift.until:%Y%m%d-%H%M}"
        match request.path_params["kind"]:
            case "html":
                return HTMLResponse(document_html(shift.title, blocks))
            case "pdf":
                from orchestrator.rendering.pdf import document_pdf  # noqa: PLC0415 - 0.3 s

                return Response(
                    document_pdf(shift.title, blocks),
                    media_type="application/pdf",
                    headers={"Content-Disposition": f'attachment; filename="{name}.pdf"'},
                )
            case "md":
                return Response(
                    document_markdown(blocks),
                    media_type="text/markdown; charset=utf-8",
                    headers={"Content-Disposition": f'attachment; filename="{name}.md"'},
                )
            case _:
                return Response("there is html, pdf and md\n", status_code=404)


def _hours(asked: str | None) -> int:
    """One of the lengths that are offered."""
    return next((each for each in HOURS if str(each) == asked), DEFAULT_HOURS)
