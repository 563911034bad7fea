"""`paidan models`: which artifacts there are, which serves, and the change from one to another."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data.errors import PaidanError

if TYPE_CHECKING:
    from model.registry import Change, Entry, Registry

models = typer.Typer(help="The registry: artifacts that may serve, and which does.", no_args_is_help=True)

_REGISTRY = typer.Option(help="Folder of the registry.")
_NAME = typer.Argument(help="Name of an entry, or the beginning of one.", show_default=False)
_BY = typer.Option(help="Who decides.  [default: the user who runs this]", show_default=False)
_REASON = typer.Option(help="Why; it is kept in the history.", show_default=False)
_DEFAULT_REGISTRY = Path("artifacts/registry")


class PromotionRefused(PaidanError):
    """A gate stands against a promotion."""


@models.command("list")
def list_models(registry: Annotated[Path, _REGISTRY] = _DEFAULT_REGISTRY) -> None:
    """List the entries, the newest first; an arrow points to the one that serves."""
    from model.registry import Registry

    kept = Registry(registry)
    current = kept.current()
    entries = kept.entries()
    if not entries:
        typer.echo(f"{registry}: empty; `paidan models add ARTIFACT` puts one in", err=True)
    for entry in entries:
        arrow = "->" if current is not None and entry.name == current.name else "  "
        facts = entry.manifest.metrics
        top1 = f"top-1 {facts['calibration_top1']:.1%}" if "calibration_top1" in facts else ""
        typer.echo(f"{arrow} {entry.name}  trained {entry.manifest.created_at}  {top1}".rstrip())


@models.command()
def show(
    name: Annotated[str | None, _NAME] = None,
    registry: Annotated[Path, _REGISTRY] = _DEFAULT_REGISTRY,
) -> None:
    """Print what an entry is and where it came from; without a name, what serves, and the history."""
    from model.registry import Registry

    kept = Registry(registry)
    entry = kept.entry(name) if name is not None else kept.current()
    if entry is None:
        typer.echo(f"{registry}: nothing was promoted yet", err=True)
    else:
        _describe(kept, entry)
    if name is None:
        for change in kept.history():
            _tell(change)


@models.command()
def add(
    artifact: Annotated[Path, typer.Argument(help="Folder of a trained artifact.")],
    registry: Annotated[Path, _REGISTRY] = _DEFAULT_REGISTRY,
) -> None:
    """Copy an artifact into the registry; it does not serve before it is promoted."""
    from model.registry import Registry

    typer.echo(Registry(registry).add(artifact).name)


@models.command()
def promote(
    name: Annotated[str, _NAME],
    reason: Annotated[str, _REASON],
    by: Annotated[str | None, _BY] = None,
    overrule: Annotated[
        bool, typer.Option("--overrule", help="Promote although gates are closed or nothing was measured.")
    ] = False,
    registry: Annotated[Path, _REGISTRY] = _DEFAULT_REGISTRY,
) -> None:
    """Let an entry serve: a running `paidan serve` takes it within seconds, without losing a request.

    What `paidan compare` found of it against the one that serves must have passed every gate.
    """
    from model.promotion import closed_gates
    from model.registry import Registry

    kept = Registry(registry)
    entry = kept.entry(name)
    closed = closed_gates(kept, entry.name)
    if closed and not overrule:
        raise PromotionRefused(
            "; ".join(closed),
            where=entry.name,
            expected="every gate passed",
            fix="Look at its report, or say --overrule: the history then names who did.",
        )
    _tell(kept.promote(entry.name, by=by or getpass.getuser(), reason=reason, overruled=closed))


@models.command()
def rollback(
    reason: Annotated[str, _REASON],
    by: Annotated[str | None, _BY] = None,
    registry: Annotated[Path, _REGISTRY] = _DEFAULT_REGISTRY,
) -> None:
    """Let the entry serve that served before; no gate asks."""
    from model.registry import Registry

    _tell(Registry(registry).rollback(by=by or getpass.getuser(), reason=reason))


@models.command()
def shadow(
    name: Annotated[str | None, _NAME] = None,
    stop: Annotated[bool, typer.Option("--stop", help="Let no entry watch any more.")] = False,
    database: Annotated[str | None, typer.Option(help="URL of the store.", show_default=False)] = None,
    registry: Annotated[Path, _REGISTRY] = _DEFAULT_REGISTRY,
) -> None:
    """Let an entry score live tickets unseen; without a name, say what it showed so far."""
    from model.registry import Registry

    kept = Registry(registry)
    if stop:
        kept.end_shadow()
        typer.echo("no entry watches any more; what was counted is kept")
        return
    if name is not None:
        entry = kept.begin_shadow(name)
        typer.echo(f"{entry.name} watches from now on; `paidan models shadow` says what it shows")
        return
    watching = kept.shadow()
    if watching is None:
        typer.echo("no entry watches; `paidan models shadow NAME` lets one", err=True)
        return
    _show_shadow(watching, database)


@models.command()
def gc(
    keep: Annotated[int, typer.Option(min=1, help="Newest entries that stay.")] = 5,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    registry: Annotated[Path, _REGISTRY] = _DEFAULT_REGISTRY,
) -> None:
    """Delete old entries; the one that serves and the one before it stay."""
    from model.registry import Registry

    kept = Registry(registry)
    for entry in kept.removable(keep):
        if not dry_run:
            kept.remove(entry.name)
        typer.echo(f"{'would remove' if dry_run else 'removed'} {entry.name}")


def _show_shadow(entry: Entry, database: str | None) -> None:
    from serve.settings import load_settings
    from serve.shadow.figures import measure
    from serve.store.engine import Store
    from serve.store.schema import StoreError

    url = load_settings(database_url=database).database_url
    if url is None:
        raise StoreError("no store is set", where="database_url", fix="Name one with --database.")
    store = Store.open(url)
    try:
        found = measure(store, entry.manifest.model_version)
    finally:
        store.close()
    typer.echo(f"{entry.name}")
    if not found:
        typer.echo("  no ticket was scored by it yet")
    for figures in found:
        typer.echo(f"  beside model {figures.live_model} since {figures.since:%Y-%m-%d %H:%M}:")
        typer.echo(
            f"    {figures.tickets} tickets, {figures.same_unit / figures.tickets:.1%} to the same unit"
        )
        if figures.settled:
            live, shadow = figures.live_right / figures.settled, figures.shadow_right / figures.settled
            typer.echo(
                f"    of {figures.settled} that people settled, right first: {live:.1%}, it {shadow:.1%}"
            )
        for move in figures.moves:
            typer.echo(f"    {move.count}: {move.live} -> {move.shadow} ({', '.join(move.ticket_ids)})")


def _describe(kept: Registry, entry: Entry) -> None:
    manifest = entry.manifest
    typer.echo(f"{entry.name}")
    typer.echo(f"  trained {manifest.created_at}, model {manifest.model_version}")
    typer.echo(f"  policy {manifest.policy_version}")
    for title, facts in (("data", manifest.data), ("metrics", manifest.metrics)):
        for key, value in facts.items():
            if not isinstance(value, dict | list):
                typer.echo(f"  {title} {key}: {value}")
    reports = kept.reports(entry.name)
    if reports.is_dir():
        for path in sorted(reports.iterdir()):
            typer.echo(f"  report {path}")


def _tell(change: Change) -> None:
    overruled = f", overruling: {'; '.join(change.overruled)}" if change.overruled else ""
    before = f" (before: {change.previous})" if change.previous else ""
    typer.echo(
        f"{change.at} {change.action} {change.name}{before} by {change.by}: {change.reason}{overruled}"
    )
