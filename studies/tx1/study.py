# %% [markdown]
# # A simulated TX1
# ResNet50 and MobileNetV2 run on `sim:tx1`, a Jetson TX1 in numbers, under a designed
# set of configurations. Which of its clocks, its cores and the precision matter for
# latency, and which for energy? Do they act together? What does a shorter latency cost
# in energy, and how much of the models of one network holds for the other? **All of it
# is simulated**: every number below is one of the simulator, none of a board. Every
# statement is marked as supported, not supported or undecided by the simulated runs;
# intervals are 95 % unless another level is given.

# %%
from studies import (
    described,
    discussion,
    fronts,
    measured,
    modelled,
    tradeoffs,
    transfers,
)
from studies.display import renamed, show
from studies.report import read_data

# %% tags=["parameters"]
store = "results/tx1.db"
source, target = "resnet50", "mobilenetv2"
model = "gaussian-process"

# %%
data, sweeps = read_data(store=store)
show(*measured.doubts(sweeps), *measured.nature(sweeps, data))

# %% [markdown]
# ## What was simulated on what
# A run is made as on a board: levels are written to the board's files and read back,
# the board rests, a network runs, the board rests again, and a sensor that averages
# over 422 ms and rounds to steps is sampled all the while. Energy is that of a call,
# above the board at rest at the same clocks, with the uncertainty of that sensor. Only
# what is behind the files is numbers, and the clock is the simulator's own.

# %%
show(*described.what_was_measured(data, sweeps, "latency_s"))

# %% [markdown]
# ## Design
# Clocks have up to 17 levels, and latency falls steeply at the lowest of them. A design
# for main effects and pairs alone would sit at the ends of each ladder; this one is
# for their squares as well, so that it looks between them.

# %%
show(*described.design(data, sweeps))

# %% [markdown]
# ## Drift of the reference
# The simulated board drifts slowly and warms up, as a real one does.

# %%
show(*measured.drift(sweeps))

# %% [markdown]
# ## How far the models can be trusted
# One model for each network and response; each learns the logarithm of the response and
# is judged on runs that it has not seen, against always saying the mean.

# %%
latency = modelled.fit_all(data, "latency_s", model=model)
energy = modelled.fit_all(data, "energy_j", model=model)
show(modelled.accuracy_table(latency), *modelled.accuracy_findings(latency))
show(*renamed([modelled.accuracy_table(energy)], "energy"))
show(*modelled.accuracy_findings(energy))

# %% [markdown]
# ## What matters for latency
# The effect of an option is how far its worst and its best level lie apart, averaged
# over all valid configurations, in per cent of the geometric mean.

# %%
show(modelled.influence_figure(latency), modelled.influence_table(latency))
show(*modelled.influence_findings(latency, order=1))

# %% [markdown]
# ## What matters for energy

# %%
show(*renamed([modelled.influence_figure(energy)], "energy"))
show(*renamed([modelled.influence_table(energy)], "energy"))
show(*modelled.influence_findings(energy, order=1))

# %% [markdown]
# ## Interactions
# Two options interact if the effect of one depends on the level of the other: a slower
# memory, say, is felt by a fast GPU only.

# %%
show(modelled.interactions_figure(latency))
show(*modelled.influence_findings(latency, order=2))
show(*renamed([modelled.interactions_figure(energy)], "energy"))
show(*modelled.influence_findings(energy, order=2))

# %% [markdown]
# ## Latency against energy
# The front of what was simulated, and the front that the models predict over all valid
# configurations.

# %%
show(*fronts.best_configurations(data, latency, sweeps))
show(*tradeoffs.predicted_fronts(latency, energy))

# %% [markdown]
# ## Transfer from ResNet50 to MobileNetV2
# Suppose only ResNet50 had been run. What of it holds for MobileNetV2, and how many
# runs does it save? First for latency, then for energy.

# %%
of_latency = transfers.transfer(data, "latency_s", source, target)
show(*renamed(transfers.transfer_displays(of_latency), "latency"))

# %%
of_energy = transfers.transfer(data, "energy_j", source, target)
show(*renamed(transfers.transfer_displays(of_energy), "energy"))

# %% [markdown]
# ## Discussion
# Of latency:

# %%
found = transfers.transfer_findings(of_latency)
show(*discussion.discussion(data, sweeps, latency, found))

# %% [markdown]
# Of energy:

# %%
found = transfers.transfer_findings(of_energy)
show(*discussion.discussion(data, [], energy, found))

# %% [markdown]
# ## What this does not show
# Nothing about a real board. What the simulator knows, where its parameters are from
# and how well it ranks the configurations of published campaigns stands in
# `docs/explanation/simulator.md`: rank correlations there are mostly .91 to .99, and an
# absolute time may be off by a third.

# %%
show(discussion.limits(data, sweeps, latency))

# %% [markdown]
# ## How to repeat it
# `python -m studies run tx1` goes on with an unfinished sweep, uses a finished one, and
# writes this page again; the same seed gives the same runs. On the command line the
# front is `python -m perfmodel pareto --store results/tx1.db`
# `--responses latency_s,energy_j`. On a board, `--device tx1 --ssh USER@HOST` stands in
# place of `--device sim:tx1`.
