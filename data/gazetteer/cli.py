"""`paidan gazetteer`: build a city's tree of areas, and look names up in it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="The tree of a city's areas and their names.", no_args_is_help=True)


@app.command()
def build(
    city: Annotated[str, typer.Option(help="Full name of the city, such as 海口市.")],
    output: Annotated[Path, typer.Option(help="Folder to write.")],
    extra: Annotated[
        Path | None,
        typer.Option(help="CSV of areas to add or rename, with the columns of jurisdictions.csv."),
    ] = None,
) -> None:
    """Build a gazetteer from the national table that the package jionlp ships."""
    from rich.console import Console

    from data.gazetteer.build import build_gazetteer
    from data.gazetteer.names import is_weak

    console = Console(stderr=True)
    with console.status(f"building the gazetteer of {city}"):
        gazetteer = build_gazetteer(city, extra=extra)
        gazetteer.save(output)
    counts: dict[str, int] = {}
    for area in gazetteer:
        counts[area.level.value] = counts.get(area.level.value, 0) + 1
    typer.echo(f"{gazetteer.city.name}: " + ", ".join(f"{count} {level}" for level, count in counts.items()))
    shared = gazetteer.ambiguous_names()
    weak = sum(is_weak(surface) for surface in gazetteer.surfaces())
    typer.echo(
        f"{len(gazetteer.surfaces())} names; {len(shared)} stand for more than one area, {weak} are weak"
    )
    for surface, codes in sorted(shared.items(), key=lambda item: (-len(item[1]), item[0]))[:10]:
        typer.echo(f"  {surface}: " + ", ".join(_written(gazetteer.path(code)) for code in codes[:4]))
    typer.echo(f"written to {output} (content {gazetteer.content_hash[:12]})")


@app.command()
def show(
    folder: Annotated[Path, typer.Argument(help="A gazetteer folder.")],
    name: Annotated[str, typer.Argument(help="A name, stem or code.")],
) -> None:
    """Print the path of every area that bears a name."""
    from data.gazetteer.errors import GazetteerError
    from data.gazetteer.gazetteer import Gazetteer

    gazetteer = Gazetteer.load(folder)
    areas = (gazetteer[name],) if name in gazetteer else gazetteer.named(name)
    if not areas:
        raise GazetteerError(
            f"no area is called {name!r}", where=str(folder), expected="a name, stem or code"
        )
    for area in areas:
        aliases = f"  ({'、'.join(area.aliases)})" if area.aliases else ""
        typer.echo(f"{area.code}  {area.level}  {_written(gazetteer.path(area.code))}{aliases}")


def _written(path: tuple[object, ...]) -> str:
    return " > ".join(getattr(area, "name", "") for area in path)
