"""Whatever the user's code does in its process, the parent learns of it and goes on."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from convtui.engine.graph.operation import Graph
from convtui.tracing.client import FORKED, trace
from convtui.tracing.protocol import Job, Outcome
from tests.support.processes import is_running

HEAD = "import os, sys, time, signal\nimport torch\nfrom torch import nn\n"
NET = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
    def forward(self, x):
        x = self.conv(x)
        {}
        return x + 1
"""


def outcome(
    folder: Path,
    code: str,
    name: str = "Net",
    limit: float = 60,
    prints: Callable[[str], object] = lambda _: None,
    **job: object,
) -> Outcome:
    file = folder / "net.py"
    file.write_text(HEAD + code, "utf-8")
    made = Job(f"{file}:{name}", shape=(1, 6, 6), **job)  # type: ignore[arg-type]
    return asyncio.run(trace(made, limit, prints=prints))


def graph_of(outcome: Outcome) -> Graph:
    assert outcome.graph is not None
    return outcome.graph


def kinds(outcome: Outcome) -> list[str]:
    return [op.kind for op in graph_of(outcome).ops]


def test_a_pass_is_told_whole(tmp_path: Path) -> None:
    done = outcome(tmp_path, NET.format("pass"), sizes=True)
    assert (done.trouble, done.refused, done.notices) == ("", None, ())
    assert kinds(done) == ["input", "conv2d", "add"]
    op = graph_of(done).ops[1]
    assert (op.line.rpartition("/")[2], op.code, op.path) == ("net.py:10", "x = self.conv(x)", "conv")
    assert op.parameter_count == 20
    assert done.sizes is not None
    assert (3, 3) in done.sizes.work
    assert (2, 2) not in done.sizes.work


def test_a_hang_is_stopped_and_the_rows_before_it_are_there(tmp_path: Path) -> None:
    done = outcome(tmp_path, NET.format("time.sleep(600)"), limit=4)
    assert done.trouble == "did not end within 4 seconds and was stopped; --limit gives it more"
    assert kinds(done) == ["input", "conv2d"]


@pytest.mark.parametrize(
    ("line", "trouble"),
    [
        ("os._exit(3)", "ended with exit code 3"),
        (
            "os.kill(os.getpid(), signal.SIGSEGV)",
            "was killed by SIGSEGV at {}:11, a crash in code that is",
        ),
        ("os.kill(os.getpid(), signal.SIGKILL)", "was killed by SIGKILL, perhaps for want of memory"),
    ],
)
def test_an_end_of_the_process_is_told(tmp_path: Path, line: str, trouble: str) -> None:
    done = outcome(tmp_path, NET.format(line))
    assert done.trouble.startswith(trouble.format(tmp_path / "net.py"))
    assert kinds(done) == ["input", "conv2d"]


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("sys.exit(4)", "it ended the process with sys.exit(4)"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    ],
)
def test_an_exit_in_the_pass_is_its_failure(tmp_path: Path, line: str, error: str) -> None:
    done = outcome(tmp_path, NET.format(line))
    assert (done.refused, done.trouble) == (None, "")
    assert kinds(done) == ["input", "conv2d"]
    failure = graph_of(done).failure
    assert failure is not None
    assert (failure.error, failure.code, failure.module) == (error, line, "Net")
    assert failure.line.endswith("net.py:11")


def test_an_end_before_the_pass_leaves_no_graph(tmp_path: Path) -> None:
    done = outcome(tmp_path, "os._exit(3)")
    assert (done.graph, done.refused, done.trouble) == (None, None, "ended with exit code 3")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks")
def test_a_fork_is_told_and_its_child_ends_with_the_process(tmp_path: Path) -> None:
    told = tmp_path / "child"
    line = f"os.fork() or (open({str(told)!r}, 'w').write(str(os.getpid())), time.sleep(600))"
    done = outcome(tmp_path, NET.format(line))
    assert done.notices == (FORKED,)
    assert kinds(done) == ["input", "conv2d", "add"]
    if told.exists() and told.read_text():  # it may have been ended before it wrote
        wait_until_gone(int(told.read_text()))


def test_what_they_print_is_kept_apart_and_shown(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    prints: list[str] = []
    code = NET.format("print(x.shape, flush=True); os.write(1, b'raw \\x1b[31mred\\n'); os.write(2, b'end')")
    done = outcome(tmp_path, "print('loading')\n" + code, prints=prints.append)
    assert kinds(done) == ["input", "conv2d", "add"]
    assert prints == ["loading", "torch.Size([1, 2, 4, 4])", "raw red", "end"]
    assert capfd.readouterr() == ("", "")


def test_the_path_is_that_of_python_net_py(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("WIDTH = 5\n", "utf-8")
    code = "from beside import WIDTH\nassert sys.path[0] == os.path.dirname(os.path.abspath(__file__))\n"
    code += "assert __name__ == 'net' and sys.argv[0].endswith('net.py')\n"
    code += "def make(extra, depth=1):\n    return nn.Conv2d(1, WIDTH + extra * depth, 1)\n"
    done = outcome(tmp_path, code, "make", arguments=("2", "depth=3"))
    assert graph_of(done).ops[1].output.shape == (1, 11, 6, 6)


def test_a_compiled_model_is_followed(tmp_path: Path) -> None:
    done = outcome(tmp_path, NET.format("pass") + "model = torch.compile(Net())\n", "model")
    assert [(op.kind, op.path) for op in graph_of(done).ops[1:]] == [("conv2d", "conv"), ("add", "")]


def test_what_the_first_import_needs_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = tmp_path / "hidden"
    (hidden / "torch").mkdir(parents=True)
    (hidden / "torch" / "__init__.py").write_text(
        "raise ModuleNotFoundError('no torch', name='torch')\n", "utf-8"
    )
    monkeypatch.setenv("PYTHONPATH", str(hidden))
    done = asyncio.run(trace(Job("net.py:Net", shape=(1, 6, 6)), 60))
    assert done.refused is not None
    assert done.refused.reason == "tracing needs PyTorch: pip install torch"


def test_the_process_ends_with_its_parent(tmp_path: Path) -> None:
    told = tmp_path / "worker"
    (tmp_path / "net.py").write_text(
        HEAD + f"open({str(told)!r}, 'w').write(str(os.getpid()))\n" + NET.format("time.sleep(600)"), "utf-8"
    )
    script = (
        "import asyncio, os, sys\nfrom convtui.tracing.client import trace\n"
        "from convtui.tracing.protocol import Done, Job\n"
        "tell = lambda event: os._exit(0) if isinstance(event, Done) else None\n"
        f"asyncio.run(trace(Job({str(tmp_path / 'net.py') + ':Net'!r}, shape=(1, 6, 6)), 60, tell))\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    wait_until_gone(int(told.read_text()))


def wait_until_gone(pid: int) -> None:
    while is_running(pid):
        pass
