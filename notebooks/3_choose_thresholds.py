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
# # 3. How much may go out without a person
#
# Notebook 2 left what its challenger answered beside its report. A policy is fit on the earlier half of those
# answers and counted on the later half. `/models` in the web page does the same with sliders.

# %%
from pathlib import Path

from model.policy_trial import ANSWERS, PastAnswers, Promise

answers = PastAnswers.load(Path("artifacts/notebooks/report") / ANSWERS)
earlier, later = answers.halves()
len(earlier), len(later)

# %% [markdown]
# ## What a promise costs

# %%
for precision in (0.7, 0.8, 0.9, 0.95):
    policy = earlier.fit(Promise(precision, preselect=0.6, confidence=0.9))
    everything = next(iter(later.counts(policy)))
    print(
        f"promised {precision:.0%}: {everything.auto} of {everything.tickets} go out, {everything.wrong} wrong"
    )

# %% [markdown]
# ## One promise, level of place by level of place
#
# A level with too little evidence gets no `auto` at all: that is the honest answer, not a fault.

# %%
policy = earlier.fit(Promise(0.8, preselect=0.6, confidence=0.9))
for count in later.counts(policy):
    if count.slice in {"answer", "place"}:
        print(count)
