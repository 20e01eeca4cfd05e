"""Where the bundled samples are: in the checkout, an editable install or a wheel.

The checkout keeps them in samples/; a wheel carries the same folder inside the package as bundled/.
"""

from pathlib import Path


def sample_folder() -> Path:
    """The folder that holds images/, kernels/, sessions/ and data/."""
    package = Path(__file__).parents[1]
    bundled = package / "bundled"
    return bundled if bundled.is_dir() else package.parent / "samples"
