"""Lets `python -m convtui` do what the command `convtui` does."""

import sys

from convtui.cli.main import main

sys.exit(main())
