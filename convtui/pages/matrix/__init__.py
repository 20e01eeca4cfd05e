"""The Matrix page: the same convolution as a multiplication by a sparse matrix."""
