"""Starts the workers of a training on this host, and ends them together."""

import collections
import contextlib
import json
import os
import queue
import random
import signal
import socket
import subprocess
import sys
import threading
import time

from semmatch._checks import check_positive_int
from semmatch._worker_output import WorkerOutput

# By which a terminal, a container or a scheduler ends a program.
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# Below those that Linux takes for outgoing connections, which might get a
# port between its choice here and its use by the worker.
_PORTS = range(20000, 32768)

# Seconds that a worker has to end by itself.
_GRACE = 10.0

# Seconds until all that was killed is gone. What nobody reaps never is.
_GONE = 2.0


def launch(command, workers, restarts=0):
    """Runs a program as each of the workers of a training on this host.

    Each gets a `TF_CONFIG` with an address of its own, and its share of the
    GPUs that `CUDA_VISIBLE_DEVICES` lists, if it lists any. What it writes
    comes out here, with its number before each line. When one fails, the
    others are ended, and all are started again as often as `restarts` says. A
    signal to this process is passed on to the workers and ends them for good;
    the second one kills them, and so does SIGKILL to this process.

    Args:
        command: list of strings, the program and its arguments.
        workers: int, how many.
        restarts: int from 0. A program that is started again goes on where
            it was only if it saves where it is.

    Returns:
        The exit status of the worker that failed first, as a shell counts it
        (128 and its number for a signal), or 0.

    Raises:
        ValueError: where `TF_CONFIG` is set already, or the GPUs cannot be
            shared evenly.
        OSError: for a program that cannot be started.

    >>> launch(["true"], workers=2)
    0
    """
    check_positive_int(workers, "workers")
    if not command:
        raise ValueError(
            "`launch` needs a program. Give one, as in `semmatch launch "
            "--workers 2 -- python train.py`."
        )
    if type(restarts) is not int or restarts < 0:
        raise ValueError(
            "`restarts` must be an integer of at least 0. Received: "
            f"restarts={restarts!r}."
        )
    if "TF_CONFIG" in os.environ:
        raise ValueError(
            "`launch` sets TF_CONFIG for workers on this host alone, and it "
            "is set already. Start the program itself on each host, or unset "
            "TF_CONFIG."
        )
    signals = []
    for attempt in range(restarts + 1):
        with _passing_on(signals) as group:
            group.start(command, workers)
            number, status = group.first_failure()
        if status == 0 or signals:
            break
        left = restarts - attempt
        then = f"all start again, {left} times at most" if left else "it ends"
        _say(f"worker {number} ended with status {status}: {then}.")
    return status


class _Group:
    """The workers of one attempt."""

    def __init__(self):
        self.processes = []
        self.outputs = []
        self.watcher = None
        self.ended = queue.SimpleQueue()
        # Signals to pass on, which wait until all have been started.
        self.started = False
        self.signals = collections.deque()

    def start(self, command, workers):
        for number, environment in enumerate(_environments(workers)):
            outputs = [
                WorkerOutput(target, f"[{number}] ")
                for target in (sys.stdout, sys.stderr)
            ]
            self.outputs += outputs
            process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=outputs[0].pipe,
                stderr=outputs[1].pipe,
                # With what it starts itself it is a group, and a terminal's
                # Ctrl-C comes by way of this process alone.
                start_new_session=True,
            )
            self.processes.append(process)
            threading.Thread(
                target=lambda one=process, place=number: self.ended.put(
                    (place, one.wait())
                )
            ).start()
        groups = " ".join(f"-{process.pid}" for process in self.processes)
        # Its input ends before it has a line if this process is killed.
        self.watcher = subprocess.Popen(
            ["/bin/sh", "-c", f"read line || kill -s KILL -- {groups}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.started = True
        self._pass_on()

    def pass_on(self, number):
        """Sends a signal, once all workers have been started."""
        self.signals.append(number)
        if self.started:
            self._pass_on()

    def _pass_on(self):
        # A signal may come in between: each is taken out once.
        while self.signals:
            with contextlib.suppress(IndexError):
                self.send(self.signals.popleft())

    def first_failure(self):
        """Number and status of the worker that fails first, 0 and 0 if none."""
        for _ in self.processes:
            number, code = self.ended.get()
            if code:
                return number, code if code > 0 else 128 - code
        return 0, 0

    def send(self, number):
        """Sends a signal; returns whether anybody was there to get it."""
        found = False
        for process in self.processes:
            # Also what a worker has left behind.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
                found = True
        return found

    def end(self, told):
        """Ends workers, those that are told so already in their own time."""
        if told:
            self.wait()
        self.send(signal.SIGTERM)
        self.wait()
        latest = time.monotonic() + _GONE
        while self.send(signal.SIGKILL) and time.monotonic() < latest:
            time.sleep(0.01)
        for process in self.processes:
            process.wait()
        if self.watcher:
            self.watcher.communicate(b"\n")
        for output in self.outputs:
            output.end()

    def wait(self):
        """Gives all workers their seconds to end."""
        latest = time.monotonic() + _GRACE
        for process in self.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0, latest - time.monotonic()))


@contextlib.contextmanager
def _passing_on(signals):
    """Workers to start, which are ended in the end.

    Args:
        signals: list, to which the signals are added that are passed on.
    """
    group = _Group()

    def pass_on(number, frame):
        signals.append(number)
        group.pass_on(number if len(signals) == 1 else signal.SIGKILL)

    before = {
        number: signal.signal(number, pass_on)
        for number in _SIGNALS
        # What is ignored stays so: `nohup` means it.
        if signal.getsignal(number) != signal.SIG_IGN
    }
    try:
        yield group
    finally:
        group.end(told=bool(signals))
        for number, handler in before.items():
            signal.signal(number, handler)


def _environments(workers):
    """The environment variables of each worker."""
    addresses = free_addresses(workers)
    devices = _shares(os.environ.get("CUDA_VISIBLE_DEVICES"), workers)
    for index in range(workers):
        config = {
            "cluster": {"worker": addresses},
            "task": {"type": "worker", "index": index},
        }
        environment = {
            **os.environ,
            "TF_CONFIG": json.dumps(config),
            # What a Python program prints is to come out at once.
            "PYTHONUNBUFFERED": "1",
        }
        if devices is not None:
            environment["CUDA_VISIBLE_DEVICES"] = devices[index]
        yield environment


def free_addresses(count):
    """Addresses of this host that nobody listens at, `host:port`.

    >>> len(set(free_addresses(3)))
    3
    """
    addresses = []
    with contextlib.ExitStack() as held:
        for port in random.sample(_PORTS, len(_PORTS)):
            place = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                place.bind(("127.0.0.1", port))
                addresses.append(f"127.0.0.1:{port}")
            if len(addresses) == count:
                return addresses
    raise OSError(
        f"`launch` needs {count} free ports of {_PORTS.start} to "
        f"{_PORTS.stop - 1}, and found {len(addresses)}."
    )


def _shares(devices, workers):
    """GPUs of each worker, None where the variable names none."""
    if devices is None or devices.strip() in ("", "-1"):
        return None
    devices = devices.split(",")
    if len(devices) % workers:
        raise ValueError(
            "The GPUs of CUDA_VISIBLE_DEVICES are shared evenly among the "
            f"workers. Received: {len(devices)} GPUs and {workers} workers. "
            'Set CUDA_VISIBLE_DEVICES="" to train on processors.'
        )
    each = len(devices) // workers
    return [
        ",".join(devices[start : start + each])
        for start in range(0, len(devices), each)
    ]


def _say(text):
    sys.stderr.write(f"semmatch launch: {text}\n")
