"""The worker's pipes: nobody waits for a reader, pictures are dropped, and stdout is for events alone."""

import os
import subprocess
import sys
import threading

from convtui.training.messages import decode
from convtui.training.process.pipes import PICTURES_WAITING, Outbox
from convtui.training.protocol import Paused, Snapshot

STRAY = """
import os
from convtui.training.process.pipes import take_stdout
own = take_stdout()
print("printed", flush=True)
os.system("echo by a child")
own.write(b"an event")
own.flush()
"""

HANGING = """
import sys, time
from convtui.training.process import pipes
pipes.GRACE = 0.1
pipes.Inbox(sys.stdin.buffer).get_ready()
print("ready", flush=True)
time.sleep(60)
"""


FULL = """
import os, sys
from convtui.training.process.pipes import ignore
os.set_blocking(2, False)
try:
    while True:
        os.write(2, bytes(4096))
except BlockingIOError:
    os.set_blocking(2, True)
for _ in range(3):
    ignore("words that nobody reads")
print("went on", flush=True)
os._exit(0)
"""


def test_a_reader_that_does_not_read_is_not_waited_for() -> None:
    reading, writing = os.pipe()
    stream = os.fdopen(writing, "wb")
    outbox = Outbox(stream)
    snapshots, paused = 20, 20_000  # more than any pipe holds
    for number in range(paused):
        outbox.send(Paused(number))
    for number in range(snapshots):
        outbox.send(Snapshot(number, (), (), ()))
    with os.fdopen(reading, "rb") as read:
        told = [decode(read.readline().decode()) for _ in range(paused + PICTURES_WAITING)]
        assert told[:paused] == [Paused(number) for number in range(paused)]
        assert told[paused:] == [Snapshot(number, (), (), ()) for number in range(PICTURES_WAITING)]
        outbox.send(Snapshot(99, (), (), ()))  # what was written has left its place to others
        assert decode(read.readline().decode()) == Snapshot(99, (), (), ())
    outbox.close(10)
    stream.close()


def test_what_a_pipe_has_room_for_is_there_at_once() -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    with os.fdopen(writing, "wb") as stream, os.fdopen(reading, "rb", buffering=0) as read:
        outbox = Outbox(stream)
        outbox.send(Paused(1))
        outbox.send(Paused(2), '{"event":"paused","step":22}')
        assert list(map(decode, (read.read() or b"").splitlines())) == [Paused(1), Paused(22)]
        outbox.close(10)


def test_a_reader_that_is_gone_is_not_minded() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    stream = os.fdopen(writing, "wb", buffering=0)
    outbox = Outbox(stream)
    for number in range(100):
        outbox.send(Paused(number))
    outbox.close(10)
    stream.close()


def test_stray_prints_go_to_stderr() -> None:
    run = subprocess.run([sys.executable, "-c", STRAY], capture_output=True, text=True, check=True)
    assert run.stdout == "an event"
    assert run.stderr == "printed\nby a child\n"


def test_a_full_stderr_is_not_waited_for() -> None:
    command = [sys.executable, "-c", FULL]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        assert process.stdout.readline() == b"went on\n"
        watchdog.cancel()


def test_a_loop_that_hangs_is_not_waited_for() -> None:
    command = [sys.executable, "-c", HANGING]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        process.communicate(timeout=30)
    assert process.returncode == 1
