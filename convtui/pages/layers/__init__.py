"""The Layers page: a network over the image, its feature maps and receptive fields."""
