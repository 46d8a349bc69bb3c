"""Workers on one host start together and end together."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from semmatch import _launch
from semmatch._launch import free_addresses
from semmatch._launch import launch

WHO = "import json, os; who = json.loads(os.environ['TF_CONFIG'])['task']"


@pytest.fixture(autouse=True)
def own_environment(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def program(code):
    """A worker that starts fast; `who` is its task."""
    return [sys.executable, "-S", "-c", f"{WHO}\n{code}"]


def lines(capsys):
    printed = capsys.readouterr()
    return sorted(printed.out.splitlines()), sorted(printed.err.splitlines())


def test_each_worker_gets_its_place_in_one_cluster(capsys):
    assert launch(program("print(os.environ['TF_CONFIG'])"), 3) == 0
    shown, _ = lines(capsys)
    configs = [json.loads(line[4:]) for line in shown]
    assert [line[:4] for line in shown] == ["[0] ", "[1] ", "[2] "]
    assert [config["task"] for config in configs] == [
        {"type": "worker", "index": index} for index in range(3)
    ]
    workers = configs[0]["cluster"]["worker"]
    assert len(set(workers)) == 3
    assert all(config["cluster"] == {"worker": workers} for config in configs)
    for address in workers:
        host, port = address.split(":")
        assert host == "127.0.0.1"
        assert 20000 <= int(port) < 32768


def test_ports_in_use_are_left_out(monkeypatch):
    import socket

    [taken, free] = (int(a.split(":")[1]) for a in free_addresses(2))
    monkeypatch.setattr(_launch, "_PORTS", range(taken, taken + 1))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", taken))
        message = rf"needs 1 free ports of {taken} to {taken}, and found 0"
        with pytest.raises(OSError, match=message):
            free_addresses(1)
    monkeypatch.setattr(_launch, "_PORTS", range(free, free + 1))
    assert free_addresses(1) == [f"127.0.0.1:{free}"]


def test_what_workers_write_comes_out_where_they_wrote_it(capsys):
    code = "import sys; print('a\\nb'); print('c', end='', file=sys.stderr)"
    assert launch(program(code), 2) == 0
    assert lines(capsys) == (
        ["[0] a", "[0] b", "[1] a", "[1] b"],
        ["[0] c", "[1] c"],
    )


def test_bytes_that_are_no_text_are_marked(capsys):
    code = "import sys; sys.stdout.buffer.write(b'\\xff\\n')"
    assert launch(program(code), 1) == 0
    assert lines(capsys)[0] == ["[0] \\xff"]


@pytest.mark.parametrize(
    ("encoding", "written", "shown"),
    [
        ("gbk", "一试".encode("gbk"), "一试".encode("gbk")),
        ("gbk", b"\xff", b"\\xff"),
        ("latin-1", "一试".encode(), "一试".encode()),
        ("ascii", b"\xff", b"\\xff"),
    ],
)
def test_no_encoding_of_the_output_ends_the_workers(encoding, written, shown):
    code = f"import os; os.write(1, {written}); os.write(1, b'\\nend')"
    start = [sys.executable, "-S", "-c", code]
    process = subprocess.run(
        [
            sys.executable,
            "-c",
            f"from semmatch._launch import launch; "
            f"raise SystemExit(launch({start}, 1))",
        ],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        stdout=subprocess.PIPE,
        check=True,
    )
    assert process.stdout == b"[0] " + shown + b"\n[0] end\n"


@pytest.mark.parametrize("end", ["", "\n"])
def test_what_a_worker_leaves_behind_does_not_hold_up_the_end(
    end, tmp_path, capsys
):
    # It has the pipes of the worker, and a session of its own.
    code = f"""
import subprocess
left = subprocess.Popen(["sleep", "60"], start_new_session=True)
with open({str(tmp_path / "left")!r}, "w") as file:
    file.write(str(left.pid))
print(*range(20000), sep="\\n", end={end!r})
"""
    start = time.monotonic()
    assert launch(program(code), 1) == 0
    taken = time.monotonic() - start
    left = int((tmp_path / "left").read_text())
    assert is_running(left)
    os.kill(left, signal.SIGKILL)
    assert taken < 30
    shown = capsys.readouterr().out
    assert shown == "".join(f"[0] {number}\n" for number in range(20000))


def test_what_workers_write_comes_out_at_once():
    # The second waits for what it is told after the first line came out.
    code = (
        "import sys\nfrom semmatch._launch import launch\n"
        "launch([sys.executable, '-S', '-c', "
        "'import time; print(1); time.sleep(60)'], 1)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as process:
        start = time.monotonic()
        assert process.stdout.readline() == "[0] 1\n"
        assert time.monotonic() - start < 30
        process.terminate()


@pytest.mark.parametrize(
    ("code", "status"),
    [("os._exit(7)", 7), ("os.kill(os.getpid(), 9)", 137)],
)
def test_all_end_where_one_fails(code, status, capsys):
    code = f"""
import time
if who["index"] == 1:
    {code}
time.sleep(60)
"""
    start = time.monotonic()
    assert launch(program(code), 3) == status
    assert time.monotonic() - start < 30
    _, said = lines(capsys)
    assert said == [
        f"semmatch launch: worker 1 ended with status {status}: it ends."
    ]


def test_one_that_does_not_end_by_itself_is_killed(monkeypatch, tmp_path):
    monkeypatch.setattr(_launch, "_GRACE", 0.2)
    code = f"""
import signal, subprocess, sys, time
folder = {str(tmp_path)!r}
if who["index"] == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-S", "-c", '''
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
time.sleep(60)'''])
    with open(folder + "/new", "w") as file:
        file.write(f"{{os.getpid()}} {{child.pid}}")
    os.rename(folder + "/new", folder + "/processes")
    time.sleep(60)
while not os.path.exists(folder + "/processes"):
    time.sleep(0.01)
os._exit(1)
"""
    assert launch(program(code), 2) == 1
    for process in map(int, (tmp_path / "processes").read_text().split()):
        assert not is_running(process)


def is_running(process):
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_all_start_again_after_one_failed(tmp_path, capsys):
    # Worker 1 fails twice, and worker 0 goes on until it does not.
    code = f"""
import time
name = {str(tmp_path / "starts")!r}
if who["index"] == 1:
    with open(name, "a") as file:
        file.write("x")
    if os.path.getsize(name) < 3:
        os._exit(5)
while not os.path.exists(name) or os.path.getsize(name) < 3:
    time.sleep(0.01)
"""
    assert launch(program(code), 2, restarts=2) == 0
    assert (tmp_path / "starts").read_text() == "xxx"
    _, said = lines(capsys)
    again = "semmatch launch: worker 1 ended with status 5: all start again, "
    assert said == [f"{again}{left} times at most." for left in (1, 2)]


def test_restarts_are_counted(tmp_path, capsys):
    code = f"""
with open({str(tmp_path / "starts")!r}, "a") as file:
    file.write("x")
os._exit(6)
"""
    assert launch(program(code), 1, restarts=2) == 6
    assert (tmp_path / "starts").read_text() == "xxx"
    assert lines(capsys)[1][-1].endswith(
        "worker 0 ended with status 6: it ends."
    )


LAUNCHER = """
import signal, sys
from semmatch._launch import launch
# A shell has its jobs in the background ignore it.
signal.signal(signal.SIGINT, signal.SIG_DFL)
sys.exit(launch([sys.executable, "-S", "-c", sys.argv[1]], 2, restarts=3))
"""


def launcher(code, *before):
    """A launcher in a process of its own, whose two workers have begun."""
    process = subprocess.Popen(
        [*before, sys.executable, "-c", LAUNCHER, f"{WHO}\n{code}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    shown = [process.stdout.readline() for _ in range(2)]
    assert sorted(shown) == ["[0] ready\n", "[1] ready\n"]
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_are_passed_on_and_start_nothing_again(number):
    code = f"""
import signal, sys, time
def end(*_):
    time.sleep(0.5 * who["index"])  # the other one's end does not cut it short
    print("ended")
    sys.exit(3)
signal.signal({int(number)}, end)
print("ready")
time.sleep(60)
"""
    process = launcher(code)
    process.send_signal(number)
    shown, said = process.communicate(timeout=30)
    assert sorted(shown.splitlines()) == ["[0] ended", "[1] ended"]
    assert process.returncode == 3
    assert "again" not in said


def test_the_second_signal_kills():
    code = """
import signal, time
signal.signal(signal.SIGINT, lambda *_: print("not yet"))
print("ready")
while True:
    time.sleep(60)
"""
    process = launcher(code)
    process.send_signal(signal.SIGINT)
    shown = [process.stdout.readline() for _ in range(2)]
    assert sorted(shown) == ["[0] not yet\n", "[1] not yet\n"]
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 137


EARLY = """
import os, subprocess, time
popen = subprocess.Popen
def begun(command, **options):
    process = popen(command, **options)
    if command[0] == "/bin/sh":  # the last that is started
        while len(os.listdir(sys.argv[2])) < 2:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.2)
    return process
subprocess.Popen = begun
"""


def test_a_signal_while_workers_are_started_comes_once(tmp_path):
    code = f"""
{WHO}
import signal, time
seen = []
signal.signal(signal.SIGTERM, lambda *_: seen.append(1))
open({str(tmp_path)!r} + f"/{{who['index']}}", "w").close()
while not seen:
    time.sleep(0.01)
time.sleep(0.5)  # in which it would come again
print(len(seen))
"""
    *first, last = LAUNCHER.strip().splitlines()
    program = "\n".join([*first, EARLY, last])
    found = subprocess.run(
        [sys.executable, "-c", program, code, tmp_path],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert sorted(found.stdout.splitlines()) == ["[0] 1", "[1] 1"]


def test_a_signal_that_is_ignored_stays_so(tmp_path):
    code = f"""
import time
print("ready")
while not os.path.exists({str(tmp_path / "end")!r}):
    time.sleep(0.01)
"""
    process = launcher(code, "nohup")
    process.send_signal(signal.SIGHUP)
    time.sleep(0.5)  # in which it would have ended
    (tmp_path / "end").touch()
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_workers_end_with_a_launcher_that_is_killed(tmp_path):
    code = f"""
import time
with open(os.path.join({str(tmp_path)!r}, str(os.getpid())), "w"):
    print("ready")
time.sleep(60)
"""
    process = launcher(code)
    workers = [int(file.name) for file in tmp_path.iterdir()]
    assert len(workers) == 2
    # The first lines come out while the last worker is being started.
    time.sleep(0.5)
    process.kill()
    process.communicate(timeout=30)
    latest = time.monotonic() + 30
    while any(map(is_running, workers)) and time.monotonic() < latest:
        time.sleep(0.01)
    assert not any(map(is_running, workers))


@pytest.mark.parametrize(
    ("devices", "shares"),
    [
        ("0,1,2,3", ["0,1", "2,3"]),
        ("5,7", ["5", "7"]),
        ("", ["", ""]),
        ("-1", ["-1", "-1"]),
        (None, ["None", "None"]),
    ],
)
def test_gpus_are_shared_out(devices, shares, capsys, monkeypatch):
    if devices is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", devices)
    code = "print(os.environ.get('CUDA_VISIBLE_DEVICES'))"
    assert launch(program(code), 2) == 0
    assert [line[4:] for line in lines(capsys)[0]] == shares


def test_gpus_that_cannot_be_shared_evenly_are_refused(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2")
    with pytest.raises(ValueError, match="Received: 3 GPUs and 2 workers"):
        launch(program(""), 2)


def test_a_cluster_that_is_set_already_is_kept(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", "{}")
    with pytest.raises(ValueError, match="TF_CONFIG.* is set already"):
        launch(program(""), 2)


@pytest.mark.parametrize("workers", [0, 1.5, True])
def test_a_number_of_workers_that_is_no_count_is_refused(workers):
    with pytest.raises(ValueError, match="`workers` must be"):
        launch(program(""), workers)


@pytest.mark.parametrize("restarts", [-1, 1.5, True])
def test_restarts_that_are_no_count_are_refused(restarts):
    message = f"`restarts` must be .* Received: restarts={restarts}"
    with pytest.raises(ValueError, match=message):
        launch(program(""), 1, restarts)


def test_signal_handlers_are_put_back():
    before = signal.getsignal(signal.SIGTERM)
    launch(program(""), 1)
    assert signal.getsignal(signal.SIGTERM) is before
    assert os.environ.get("TF_CONFIG") is None
