"""The Norms page: what batch, layer, group and instance norm do to the same activations."""
