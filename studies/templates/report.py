# %% [markdown]
# # Report
# Made from measurements that were there already. Every statement is marked as
# supported, not supported or undecided by them; intervals are 95 % unless another
# level is given.

# %%
from studies import (
    described,
    discussion,
    fronts,
    measured,
    modelled,
    sequential,
    transfers,
)
from studies.display import show
from studies.report import read_data

# %% tags=["parameters"]
words = {"store": "results/measurements.db"}
model = "auto"

# %%
data, sweeps = read_data(**words)
response = modelled.main_response(data)
show(*measured.doubts(sweeps), *measured.nature(sweeps, data))

# %% [markdown]
# ## What was measured on what

# %%
show(*described.what_was_measured(data, sweeps, response))

# %% [markdown]
# ## Design

# %%
show(*described.design(data, sweeps))

# %% [markdown]
# ## Drift of the reference

# %%
show(*measured.drift(sweeps))

# %% [markdown]
# ## How far the models can be trusted

# %%
models = modelled.fit_all(data, response, model=model)
show(modelled.accuracy_table(models), *modelled.accuracy_findings(models))
show(*sequential.what_was_added(models))

# %% [markdown]
# ## Influential options
# The effect of an option is how far its worst and its best level lie apart, averaged
# over all valid configurations, in per cent of the geometric mean.

# %%
show(modelled.influence_figure(models), modelled.influence_table(models))
show(*modelled.influence_findings(models, order=1))

# %% [markdown]
# ## Interactions
# Two options interact if the effect of one depends on the level of the other.

# %%
show(modelled.interactions_figure(models))
show(*modelled.influence_findings(models, order=2))

# %% [markdown]
# ## Best configurations

# %%
show(*fronts.best_configurations(data, models, sweeps))

# %% [markdown]
# ## Transfer between environments

# %%
found, left_out = transfers.transfer_all(data, response)
show(*transfers.transfer_displays(found), *left_out)

# %% [markdown]
# ## Discussion

# %%
findings = transfers.transfer_findings(found)
show(*discussion.discussion(data, sweeps, models, findings))

# %% [markdown]
# ## What this does not show

# %%
show(discussion.limits(data, sweeps, models))
