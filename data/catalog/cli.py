"""`paidan catalog`: check, compare, convert and draft dispatch catalogs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from data.catalog.diff import Difference

app = typer.Typer(
    help="The dispatch catalog: units, families, issue categories and rules.", no_args_is_help=True
)

_PATH_HELP = "A catalog folder, or a workbook (.xlsx)."
_NARROWEST = 120


@app.command()
def check(path: Annotated[Path, typer.Argument(help=_PATH_HELP)]) -> None:
    """List every fault with its place and the way out; exit with 1 if there is an error, not for warnings."""
    from data.catalog.faults import errors_of
    from data.catalog.folder import read_catalog

    read = read_catalog(path)
    errors = errors_of(read.faults)
    warnings = [fault for fault in read.faults if fault not in errors]
    for fault in (*errors, *warnings):
        typer.echo(f"{fault.severity}: {fault}")
    typer.echo(f"{len(errors)} errors, {len(warnings)} warnings", err=True)
    if read.catalog is None:
        raise typer.Exit(1)
    catalog = read.catalog
    typer.echo(
        f"{catalog.city}: {len(catalog.departments)} units of {len(catalog.families)} families, "
        f"{len(catalog.issue_categories)} issue categories, {len(catalog.rules)} rules, "
        f"{len(catalog.scenarios)} scenarios; "
        f"content {catalog.content_hash[:12]}"
    )


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(help=_PATH_HELP)],
    new: Annotated[Path, typer.Argument(help=_PATH_HELP)],
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Show what a new version of a catalog changes: units added, retired, renamed, merged, and all else."""
    import orjson
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from data.catalog.diff import diff_catalogs
    from data.catalog.folder import load_catalog

    found = diff_catalogs(load_catalog(old), load_catalog(new))
    if as_json:
        typer.echo(orjson.dumps(found.to_dict(), option=orjson.OPT_INDENT_2).decode())
        return
    console = Console()
    console.width = max(console.width, _NARROWEST)
    for name, rows in found.tables().items():
        if rows:
            table = Table("change", "what", title=name.replace("_", " "), title_justify="left")
            table.add_column("details", overflow="fold")
            for row in rows:
                what = row.key if row.name in row.key else f"{row.key} {row.name}"
                table.add_row(*map(Text, (row.change.value, what, _details(row))))
            console.print(table)
    if not any(found.tables().values()):
        typer.echo("the two catalogs hold the same")


def _details(row: Difference) -> str:
    joined = [f"{'、'.join(row.before) or row.key} -> {'、'.join(row.after)}"] if row.after else []
    return "\n".join(
        [*joined, *(f"{field.field}: {field.old or '-'} -> {field.new or '-'}" for field in row.fields)]
    )


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(help=_PATH_HELP)],
    target: Annotated[Path, typer.Argument(help="The workbook (.xlsx) or folder to write.")],
) -> None:
    """Turn a catalog folder into a workbook for officials to edit, or a workbook back into a folder."""
    from data.catalog.folder import load_catalog, save_catalog
    from data.catalog.workbook_writing import save_workbook

    catalog = load_catalog(source)
    if target.suffix.lower() == ".xlsx":
        save_workbook(catalog, target)
    else:
        save_catalog(catalog, target)
    typer.echo(f"written to {target} (content {catalog.content_hash[:12]})")


@app.command()
def draft(
    tickets: Annotated[Path, typer.Argument(help="Past tickets with the unit that handled each.")],
    *,
    gazetteer: Annotated[Path, typer.Option(help="Folder that `paidan gazetteer build` wrote.")],
    output: Annotated[Path, typer.Option(help="Catalog folder to write.")],
    columns: Annotated[Path | None, typer.Option(help="YAML that maps the file's headers to ours.")] = None,
    variants: Annotated[
        Path | None, typer.Option(help="An earlier draft's variants.yaml with a person's decisions.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option(help="Replace the catalog that is in the output folder.")
    ] = False,
) -> None:
    """Draft a catalog from past tickets, for a person to edit.

    variants.yaml in the output holds the names that may stand for one family, for a person to judge.
    """
    from rich.console import Console
    from rich.progress import Progress

    from data.catalog.draft import CatalogDrafter, DraftError
    from data.catalog.folder import save_catalog
    from data.catalog.tables import CATALOG_FILE
    from data.catalog.variants import dump_variants, load_variants
    from data.gazetteer.gazetteer import Gazetteer
    from data.tickets.columns import ColumnMapping
    from data.tickets.reading import read_tickets

    if (output / CATALOG_FILE).exists() and not overwrite:
        raise DraftError(
            "holds a catalog already, which somebody may have edited",
            where=str(output),
            fix="Give another folder, or --overwrite to replace it",
        )
    mapping = ColumnMapping.load(columns) if columns else ColumnMapping.identity()
    decided = load_variants(variants) if variants else ()
    areas = Gazetteer.load(gazetteer)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("reading the tickets", total=1.0)
        file = read_tickets(
            tickets,
            mapping,
            labelled=True,
            on_progress=lambda share: progress.update(task, completed=share),
        )
        if not file.summary.usable:
            raise DraftError(
                "holds no ticket with a department",
                where=str(tickets),
                fix="See `paidan tickets check` for why.",
            )
        task = progress.add_task("gathering words", total=file.summary.usable)
        drafter = CatalogDrafter(areas)
        for batch in file.dataset.select_columns(["department", "text"]).iter(1000):
            for name, text in zip(batch["department"], batch["text"], strict=True):
                drafter.add(name, text)
            progress.advance(task, len(batch["text"]))
    last_day = file.summary.last_date
    drafted = drafter.draft(decided, version=f"{last_day:%Y-%m}" if last_day else "")
    save_catalog(drafted.catalog, output, extra={"variants.yaml": dump_variants(drafted.variants)})

    catalog = drafted.catalog
    open_pairs = sum(variant.accept is None for variant in drafted.variants)
    placed = drafted.holding_place - len(drafted.unplaced)
    typer.echo(f"{len(catalog.departments)} units of {len(catalog.families)} families, written to {output}")
    typer.echo(
        f"{placed} of {drafted.holding_place} units whose name holds a district or street were placed there"
    )
    for name in drafted.unplaced:
        typer.echo(f"  not placed: {name}")
    if open_pairs:
        typer.echo(
            f"{open_pairs} pairs of names may be one family: set accept to true or false in "
            f"{output / 'variants.yaml'}, and run this again with --variants and a copy of it"
        )
