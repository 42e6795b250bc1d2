# %% tags=["parameters"]
store = "results/measurements.db"
