"""Who gets in: links that work once, sessions that nobody can plant, and no word from elsewhere."""

import asyncio

from tests.orchestrator.console.conftest import console_at


def test_a_stranger_is_led_to_the_sign_in_and_sees_nothing_else(no_site):
    """Issue 10: pages, files and sockets are for who is signed in."""

    async def work():
        async with console_at(no_site) as noc:
            http = noc.stranger()
            board = await http.get("/")
            script = await http.get("/console-assets/console.js", headers={"Accept": "*/*"})
            socket = await http.get("/_nicegui_ws/socket.io/?EIO=4&transport=polling")
            return board, script, socket

    board, script, socket = asyncio.run(work())
    assert (board.status_code, board.headers["location"]) == (303, "/sign-in?back=%2F")
    assert script.status_code == 401
    assert socket.status_code in {303, 401}
