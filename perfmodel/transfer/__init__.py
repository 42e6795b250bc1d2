"""Transfer between environments: how alike they are, and models that use it."""
