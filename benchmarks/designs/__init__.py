"""Our designs and those of other programs on the same problems, in one run."""
