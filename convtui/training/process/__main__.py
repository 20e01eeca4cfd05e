"""`python -m convtui.training.process`: jobs and commands on stdin, events on stdout (see protocol.py)."""

from convtui.inputs.confinement import confinement, fence_in
from convtui.training.process.worker import main

if __name__ == "__main__":
    if (limits := confinement()) is not None:
        fence_in(limits)
    main()
