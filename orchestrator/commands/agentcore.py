"""`tierwise agentcore`: the cloud half as a container of AgentCore Runtime."""

# ruff: noqa: PLC0415 - a command imports its heavy half when it is called

from __future__ import annotations

import os
from typing import Annotated

import typer

from orchestrator.commands.command_line import notes, quiet_logs, reported
from orchestrator.commands.settings_options import ConfigOption, config_file

_LAST_REQUESTS_S = 5


def agentcore(
    *,
    config: ConfigOption = None,
    secret: Annotated[
        str | None,
        typer.Option(
            envvar="TIERWISE_SETTINGS_SECRET",
            help="Take the settings and their files from this secret of AWS Secrets Manager.",
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; in a container 0.0.0.0.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The Runtime asks for 8080.")] = 8080,
) -> None:
    """Serve /ping and /invocations as AgentCore Runtime wants them; one session is one incident.

    Examples:
    - `tierwise agentcore --config tierwise.yaml`
    - then: `curl -d '{"question": "why is cell 12 down?", "stream": true}'
      http://127.0.0.1:8080/invocations`
    """
    with reported():
        from importlib.util import find_spec

        from telecom.errors import MissingExtraError

        if find_spec("bedrock_agentcore") is None:
            raise MissingExtraError("agentcore", "`tierwise agentcore`")
        import tempfile
        from contextlib import chdir, nullcontext
        from pathlib import Path

        import uvicorn

        from orchestrator.agentcore.app import build_app
        from orchestrator.service.serving import listen, url_of
        from orchestrator.settings import load_settings

        quiet_logs()
        with tempfile.TemporaryDirectory(prefix="tierwise-settings-") as folder:
            file = config_file(config)
            if secret is not None:
                from orchestrator.agentcore.settings_secret import unpack_settings

                file = unpack_settings(secret, Path(folder))
            app = build_app(load_settings(file, environment=os.environ))
            server = uvicorn.Server(
                uvicorn.Config(
                    app,
                    log_config=None,  # the process's own handler: theirs would quote exceptions
                    log_level="warning",
                    access_log=False,
                    timeout_graceful_shutdown=_LAST_REQUESTS_S,
                )
            )
            listener = listen(host, port)
            notes.print(f"serving: {url_of(listener)}")
            # A database URL may name a certificate among the files of the secret.
            with nullcontext() if secret is None else chdir(folder):
                server.run(sockets=[listener])
