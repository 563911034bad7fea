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
# # 1. What is in a ticket file
#
# The sample city's tickets are written first, so that this runs as it is. For your own city, name your file, your
# mapping of headers and your catalog instead. The notebooks run in this order, from the project's folder; they
# call the packages and hold no logic of their own.

# %%
from collections import Counter
from datetime import date
from pathlib import Path

from data.catalog.folder import load_catalog
from data.samples import sample_catalog_path
from data.samples.generator import generate_tickets
from data.samples.ticket_lines import write_ticket_lines
from data.tickets.columns import ColumnMapping
from data.tickets.reading import check_tickets
from training.quality.check import check_quality, render
from training.quality.settings import load_quality_settings

WORK = Path("artifacts/notebooks")
TICKETS = WORK / "tickets.jsonl"
COLUMNS = ColumnMapping.identity()
CATALOG = load_catalog(sample_catalog_path())

# %%
WORK.mkdir(parents=True, exist_ok=True)
write_ticket_lines(TICKETS, generate_tickets(CATALOG, 800, 7, date(2025, 1, 1), 365))

# %% [markdown]
# ## Which rows can be used, and why not the others

# %%
check_tickets(TICKETS, COLUMNS).to_dict()

# %% [markdown]
# ## Units, near-duplicates, texts that name their own answer, small classes
#
# `paidan quality check` writes the same as files, with the row numbers.

# %%
found = check_quality(TICKETS, COLUMNS, CATALOG, load_quality_settings())
print(render(found, found.summary()))

# %% [markdown]
# ## Which families get most

# %%
families = Counter(
    CATALOG.departments[found.units.codes[label]].family for label in found.units.units if label >= 0
)
families.most_common(10)
