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
# # 5. Another encoder
#
# `encoder` is `embedded`, a hub id (`hfl/chinese-macbert-base`, `bert-base-chinese`) where there is a network, or a
# local folder that holds a checkpoint. Here it is a folder: the embedded encoder, cut to its first two layers.
# `configs/train/macbert.yaml` and `bert-base.yaml` hold settings for the larger ones.

# %%
from datetime import date
from pathlib import Path

from data.catalog.folder import load_catalog
from data.samples import sample_catalog_path
from data.tickets.columns import ColumnMapping
from model.dispatcher import Dispatcher
from model.embedded import build_embedded_encoder
from training.report.evaluation import evaluate
from training.report.figures import headline
from training.report.labelled import read_labelled
from training.settings import load_settings
from training.train import TrainingRequest, train

WORK = Path("artifacts/notebooks")
TICKETS = WORK / "tickets.jsonl"
COLUMNS = ColumnMapping.identity()
CATALOG = load_catalog(sample_catalog_path())

# %%
encoder = build_embedded_encoder(WORK / "encoder", layers=2)
settings = load_settings(
    None, encoder=str(encoder), layers=None, epochs=1, max_tokens=48, calibration_share=0.2
)
if not (WORK / "another").exists():
    train(TrainingRequest(TICKETS, COLUMNS, CATALOG, settings, WORK / "another", until=date(2025, 9, 30)))

# %%
later = read_labelled(TICKETS, COLUMNS, [CATALOG], since=date(2025, 10, 1))
headline(evaluate(Dispatcher.load(WORK / "another"), later))
