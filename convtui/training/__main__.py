"""`python -m convtui.training`: jobs and commands on stdin, events on stdout, as protocol.py has them."""

from convtui.training.worker import main

if __name__ == "__main__":
    main()
