# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # A first look at tickets and a model
#
# Run `make run` once before: it makes the sample city's tickets and model. Open this file as a notebook with
# jupytext, or run it as a script from the project's folder. It calls the packages and holds no logic.

# %%
from pathlib import Path

from data.tickets.columns import ColumnMapping
from data.tickets.reading import check_tickets, iter_tickets
from data.tickets.ticket import Ticket
from model.dispatcher import Dispatcher

TICKETS = Path("artifacts/sample/tickets.jsonl")
MODEL = Path("artifacts/sample/model")

# %% [markdown]
# ## What is in the file

# %%
summary = check_tickets(TICKETS, ColumnMapping.identity())
summary.to_dict()

# %% [markdown]
# ## What the model says

# %%
dispatcher = Dispatcher.load(MODEL)
rows = iter_tickets(TICKETS, ColumnMapping.identity())
tickets = [row for row in rows if isinstance(row, Ticket)][-5:]
for decision in dispatcher.score(tickets):
    print(decision.level, decision.jurisdiction.status)
    for candidate in decision.candidates:
        print("  ", candidate.score, candidate.department.name, [reason.text for reason in candidate.reasons])
