"""The Train page: a small CNN is trained live, and all runs are kept."""
