"""The command line: `paidan`, and the commands that serve and score."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data.errors import PaidanError
from serve.export.cli import commands as export
from serve.insight.cli import commands as insight
from serve.live_catalog_cli import app as catalog
from serve.models_cli import models
from serve.policy_cli import policy
from serve.review.cli import review
from serve.security.cli import keys, users
from serve.store.cli import commands as store
from serve.tune_cli import commands as tuning

if TYPE_CHECKING:
    import socket

    from data.tickets.columns import ColumnMapping

commands = typer.Typer()
commands.registered_commands += insight.registered_commands
commands.registered_commands += export.registered_commands
commands.registered_commands += tuning.registered_commands
commands.add_typer(catalog, name="catalog")
commands.add_typer(models, name="models")
commands.add_typer(policy, name="policy")
commands.add_typer(review, name="review")
commands.add_typer(store, name="store")
commands.add_typer(users, name="users")
commands.add_typer(keys, name="keys")

_ARTIFACT = typer.Option(
    help="Folder of the trained artifact.  [default: the setting `artifact`]", show_default=False
)
_CONFIG = typer.Option(
    help="YAML file with settings to change; configs/serve.yaml lists them.", show_default=False
)


class UsageError(PaidanError):
    """The command line asks for something that cannot be."""


@commands.command()
def serve(
    artifact: Annotated[Path | None, _ARTIFACT] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes any free one.")] = None,
    config: Annotated[Path | None, _CONFIG] = None,
    sample_queue: Annotated[
        bool, typer.Option("--sample-queue", help="Fill an empty queue with the sample city's tickets.")
    ] = False,
) -> None:
    """Serve the API and the pages at http://localhost:8000."""
    import uvicorn

    from serve.app import create_app
    from serve.connections import impatient_protocol
    from serve.logs import configure_logs
    from serve.running import load_scorer
    from serve.settings import load_settings

    settings = load_settings(
        config, artifact=artifact, host=host, port=port, sample_queue=sample_queue or None
    )
    configure_logs(settings.log_level)
    with _listen(
        settings.host, settings.port
    ) as listening:  # before the artifact: a taken port shows at once
        app = create_app(settings, load_scorer(settings))
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                http=impatient_protocol(settings.deadline_seconds),
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=max(1, round(settings.drain_seconds)),
            )
        )
        address, bound = listening.getsockname()[:2]
        typer.echo(
            f"serving {settings.artifact} on http://{_in_url(address)}:{bound} (Ctrl+C stops)", err=True
        )
        if settings.sample_queue:
            _show_the_way_in(f"http://{_in_url(address)}:{bound}/review", settings.database_url, config)
        server.run(sockets=[listening])


@commands.command()
def score(
    file: Annotated[
        Path, typer.Argument(help="Ticket file: CSV, XLSX, JSONL or Parquet.", show_default=False)
    ],
    output: Annotated[
        Path, typer.Option(help="JSONL file to write, a line for each row.", show_default=False)
    ],
    artifact: Annotated[Path | None, _ARTIFACT] = None,
    columns: Annotated[
        Path | None,
        typer.Option(
            help="YAML file that names the headers.  [default: as the artifact was trained]",
            show_default=False,
        ),
    ] = None,
    top_k: Annotated[int | None, typer.Option(min=1, help="Candidates a ticket.")] = None,
    config: Annotated[Path | None, _CONFIG] = None,
) -> None:
    """Score a whole file: line for line, in order, the JSON that the endpoint gives."""
    from data.tickets.columns import ColumnMapping
    from serve.api.requests import Limits
    from serve.file_scoring import FILE_BATCH, FileScorer, count_rows
    from serve.logs import configure_logs
    from serve.progress import rows_bar
    from serve.running import load_scorer
    from serve.settings import load_settings

    settings = load_settings(config, artifact=artifact, top_k=top_k)
    configure_logs(settings.log_level)
    _check_files(file, output)
    chosen: ColumnMapping | None = ColumnMapping.load(columns) if columns else None
    scorer = load_scorer(settings)
    chosen = chosen or getattr(scorer, "columns", None) or ColumnMapping.identity()
    worker = FileScorer(scorer, Limits.from_settings(settings), top_k=settings.top_k, batch_size=FILE_BATCH)
    with rows_bar(count_rows(file, chosen)) as on_rows:
        result = worker.score(file, output, chosen, on_rows)
    typer.echo(f"{result.scored} scored, {result.unusable} could not be used, written to {output}", err=True)
    if result.failed:
        raise UsageError(
            f"the model failed on {result.failed} rows", where=str(file), fix="Their lines say status 500."
        )


@commands.command("version")
def show_version() -> None:
    """Print the release."""
    from importlib.metadata import version

    typer.echo(version("paidan"))


@commands.command("openapi")
def show_openapi() -> None:
    """Print the OpenAPI document of the endpoint: `paidan openapi > docs/openapi.json`."""
    import orjson

    from serve.app import create_app
    from serve.settings import load_settings

    document = create_app(load_settings()).openapi()
    typer.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())


def _show_the_way_in(desk: str, database: str | None, config: Path | None) -> None:
    """Print where the review desk is, and who may sign in, before anybody can."""
    from serve.review.sample import DEMO, demo_password
    from serve.security.cli import accounts_of

    password = demo_password(accounts_of(database, config))
    if password is None:
        typer.echo(f"review desk: {desk} (a new password: paidan users password {DEMO})", err=True)
    else:
        typer.echo(f"review desk: {desk} as {DEMO}, password {password} (shown this once)", err=True)


def _listen(host: str, port: int) -> socket.socket:
    """Bind the address; raise UsageError if it is taken or not ours."""
    import socket

    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise UsageError(f"is no address to listen on ({error.strerror})", where=host) from error
    listening = socket.socket(family, kind, protocol)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(address)
    except OSError as error:
        listening.close()
        raise UsageError(
            f"cannot listen ({error.strerror})",
            where=f"{host}:{port}",
            fix="Stop what uses the port, or choose another with --port.",
        ) from error
    return listening


def _in_url(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _check_files(file: Path, output: Path) -> None:
    if str(file) == "-" or str(output) == "-":
        raise UsageError(
            "standard input and output are not supported",
            where="-",
            expected="a file: its ending tells the format, and the output is put in place as a whole",
        )
    if not file.is_file():
        raise UsageError("there is no such file", where=str(file), expected="a ticket file")
    if output.exists() and output.samefile(file):
        raise UsageError(
            "would be overwritten by its own scores", where=str(file), fix="Choose another --output."
        )


def _gather(points: list[EntryPoint]) -> typer.Typer:
    """Put the commands of the installed packages side by side."""
    app = typer.Typer(
        name="paidan",
        help="Dispatches city hotline tickets (12345 工单) to the responsible department and jurisdiction.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for point in sorted(points, key=lambda point: point.name):
        try:
            part: typer.Typer = point.load()
        except ImportError as error:
            typer.echo(f"warning: the commands of {point.name} are not available ({error})", err=True)
            continue
        app.registered_commands += part.registered_commands
        app.registered_groups += part.registered_groups
    return app


def main() -> None:
    """Run `paidan`: every package's commands; an error of ours is one line and exit code 1."""
    app = _gather(list(entry_points(group="paidan.commands")))
    try:
        app()
    except PaidanError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)
