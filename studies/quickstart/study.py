# %% [markdown]
# # Quickstart
# ResNet50 and MobileNetV2 run on this machine under a designed set of configurations.
# Which options of the runtime matter for their latency, do they act together, which
# configurations are worth choosing, and how much of the model of one network holds for
# the other? Every statement is marked as supported, not supported or undecided by the
# measurements; intervals are 95 % unless another level is given.

# %%
from studies import described, discussion, fronts, measured, modelled, transfers
from studies.display import show
from studies.report import read_data

# %% tags=["parameters"]
store = "results/measurements.db"
source, target = "resnet50", "mobilenetv2"
model = "auto"

# %%
data, sweeps = read_data(store=store)
response = modelled.main_response(data)
show(*measured.doubts(sweeps), *measured.nature(sweeps, data))

# %% [markdown]
# ## What was measured on what
# A run is one measurement of one configuration, in a process of its own: options are
# set and read back, the network is warmed up until it is steady, then measured. A call
# is one batch; the latency of a run is the median over its calls.

# %%
show(*described.what_was_measured(data, sweeps, response))

# %% [markdown]
# ## Design
# A design chooses the configurations that tell most about the terms of its model: all
# options, and all pairs of them. Some are measured twice, where that tells more.

# %%
show(*described.design(data, sweeps))

# %% [markdown]
# ## Drift of the reference
# One configuration is measured at the start, at the end and every tenth run. Whatever
# changes it is not an option.

# %%
show(*measured.drift(sweeps))

# %% [markdown]
# ## How far the models can be trusted
# A model learns the logarithm of the response, since options multiply. It is judged on
# runs that it has not seen, and against always saying the mean.

# %%
models = modelled.fit_all(data, response, model=model)
show(modelled.accuracy_table(models), *modelled.accuracy_findings(models))

# %% [markdown]
# ## Influential options
# The effect of an option is how far its worst and its best level lie apart, averaged
# over all valid configurations, in per cent of the geometric mean. An option is
# reported if chance alone would hardly make its effect so large, allowing for the
# number of options looked at.

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
# ## Latency against throughput
# A larger batch raises throughput and latency alike. The front holds the configurations
# that no other one beats in both.

# %%
show(*fronts.best_configurations(data, models, sweeps))

# %% [markdown]
# ## Transfer from ResNet50 to MobileNetV2
# Suppose only ResNet50 had been measured. What of it holds for MobileNetV2, and how
# many runs of MobileNetV2 does it save? A guard uses the source only where held-out
# runs of the target show that it helps.

# %%
found = transfers.transfer(data, response, source, target)
show(*transfers.transfer_displays(found))

# %% [markdown]
# ## Discussion

# %%
findings = transfers.transfer_findings(found)
show(*discussion.discussion(data, sweeps, models, findings))

# %% [markdown]
# ## Related work
# The question is that of Jamshidi et al., *Transfer Learning for Performance Modeling
# of Configurable Systems: An Exploratory Analysis* (ASE 2017, arXiv 1709.02280): over
# 36 changes of hardware, workload and version they ask what of a performance model
# still holds. They find linear relations for small changes, options that stay
# influential where absolute values do not, and few interactions, mostly shared.
# Follow-ups sample the target along the source's influential options (L2S, FSE 2018) or
# model causes (Unicorn, EuroSys 2022; CAMEO, SoCC 2023). Here each of these statements
# comes with an interval, interactions are compared without the main effects, and
# "undecided" is an answer.
#
# Models of configurable systems are older: SPLConqueror (ICSE 2012) regresses with
# interactions, DECART (ASE 2013) grows trees, DeepPerf (ICSE 2019) trains a sparse
# network. They start from a table of measurements. Designs of experiments come from
# statistics; JMP and the R package skpr search optimal ones, and end before anything is
# measured. optuna and the tuners of compilers search for the best configuration, not
# for what each option does.
#
# How to measure is taken from psf/pyperf: processes, warm-up, checks, outliers kept.
# Zeus and jtop read energy and clocks of GPUs and Jetson boards, which this study does
# not have.

# %% [markdown]
# ## What this does not show

# %%
show(discussion.limits(data, sweeps, models))

# %% [markdown]
# ## How to repeat it
# `python -m studies run quickstart` goes on with an unfinished sweep, uses a finished
# one, and writes this page again. To measure anew, name another `--store`. The
# measurements as a table: `python -m measure export --out results/measurements.csv`.
