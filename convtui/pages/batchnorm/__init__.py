"""The BatchNorm page: what batch normalisation does to a channel, mini-batch by mini-batch."""
