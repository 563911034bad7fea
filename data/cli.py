"""The commands of the data package: tickets, gazetteers, catalogs and samples."""

from __future__ import annotations

import typer

from data.catalog.cli import app as catalog
from data.gazetteer.cli import app as gazetteer
from data.samples.cli import app as sample
from data.tickets.cli import app as tickets

commands = typer.Typer()
commands.add_typer(tickets, name="tickets")
commands.add_typer(gazetteer, name="gazetteer")
commands.add_typer(catalog, name="catalog")
commands.add_typer(sample, name="sample")
