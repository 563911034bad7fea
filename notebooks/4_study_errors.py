# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 4. What goes wrong, and why
#
# Read the misses before changing a setting: wrong labels and two units that share a duty are no faults of a model.

# %%
from datetime import date
from pathlib import Path

from data.catalog.folder import load_catalog
from data.samples import sample_catalog_path
from data.tickets.columns import ColumnMapping
from model.dispatcher import Dispatcher
from training.quality.label_suspects import find_suspects
from training.quality.settings import load_quality_settings
from training.quality.ticket_rows import TicketRows
from training.quality.unit_check import check_units
from training.report.evaluation import evaluate
from training.report.figures import group_table, reliability
from training.report.groups import Grouping
from training.report.labelled import read_labelled
from training.report.misses import confusions, kinds_of_misses, worst_misses

WORK = Path("artifacts/notebooks")
TICKETS = WORK / "tickets.jsonl"
COLUMNS = ColumnMapping.identity()
CATALOG = load_catalog(sample_catalog_path())

# %%
evaluation = evaluate(
    Dispatcher.load(WORK / "challenger"),
    read_labelled(TICKETS, COLUMNS, [CATALOG], since=date(2025, 10, 1)),
)
kinds_of_misses(evaluation)

# %% [markdown]
# ## Units that are taken for one another

# %%
for confusion in confusions(evaluation, most=10):
    print(confusion.tickets, confusion.right, "->", confusion.answered, confusion.kind)

# %% [markdown]
# ## The surest wrong answers, and what spoke for them

# %%
for miss in worst_misses(evaluation, most=5):
    print(f"{miss.score:.2f} {miss.right} -> {miss.answered} {miss.reasons}")

# %% [markdown]
# ## Where it is weak, and whether its scores are true

# %%
for group in group_table(evaluation, Grouping.FAMILY)[:10]:
    print(group.name, group.tickets, group.top1.value)
reliability(evaluation)[:5]

# %% [markdown]
# ## Labels that may be wrong
#
# `paidan quality labels` writes them as a work list for people.

# %%
rows = TicketRows.read(TICKETS, COLUMNS)
units = check_units(rows, CATALOG)
usable = [place for place, unit in enumerate(units.units) if unit >= 0]
suspects = find_suspects(
    [rows.texts[place] for place in usable],
    units.units[usable],
    units.codes,
    CATALOG,
    load_quality_settings(),
)
len(suspects.places), suspects.estimated
