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
# # 2. Train two models and compare them
#
# Notebook 1 made the tickets. The settings here are as small as they can be, to be done in a minute or two; leave
# them out to train with `configs/default.yaml`. An interrupted training goes on from its last checkpoint.

# %%
from datetime import date
from pathlib import Path

from data.catalog.folder import load_catalog
from data.samples import sample_catalog_path
from data.tickets.columns import ColumnMapping
from model.dispatcher import Dispatcher
from training.report.comparison import compare
from training.report.evaluation import evaluate
from training.report.figures import headline
from training.report.gates import load_gates
from training.report.labelled import read_labelled
from training.report.writing import write_report
from training.settings import load_settings
from training.train import TrainingRequest, train

WORK = Path("artifacts/notebooks")
TICKETS = WORK / "tickets.jsonl"
COLUMNS = ColumnMapping.identity()
CATALOG = load_catalog(sample_catalog_path())
SMALL = {"max_tokens": 48, "calibration_share": 0.2}

# %% [markdown]
# ## Train to the end of September, measure on what came later

# %%
UNTIL, SINCE = date(2025, 9, 30), date(2025, 10, 1)
for name, settings in {
    "champion": load_settings(None, layers=1, epochs=1, **SMALL),
    "challenger": load_settings(None, layers=2, epochs=1, **SMALL),
}.items():
    if not (WORK / name).exists():
        train(TrainingRequest(TICKETS, COLUMNS, CATALOG, settings, WORK / name, until=UNTIL))

# %%
later = read_labelled(TICKETS, COLUMNS, [CATALOG], since=SINCE)
champion = evaluate(Dispatcher.load(WORK / "champion"), later)
challenger = evaluate(Dispatcher.load(WORK / "challenger"), later)
for evaluation in (champion, challenger):
    figures = headline(evaluation)
    print(figures.tickets, figures.top1, figures.top3, figures.ece)

# %% [markdown]
# ## What got better, what got worse, what nobody can tell

# %%
comparison = compare(champion, challenger, load_gates())
for difference in comparison.differences[:4]:
    print(difference)
for gate in comparison.gates:
    print("open" if gate.passed else "CLOSED", gate.name, gate.figure, gate.bound, gate.detail)

# %% [markdown]
# The report is one file that opens without a network.

# %%
write_report(challenger, WORK / "report", comparison=comparison)
