"""`python -m convtui.training.process`: jobs and commands on stdin, events on stdout (see protocol.py)."""

from convtui.training.process.worker import main

if __name__ == "__main__":
    main()
