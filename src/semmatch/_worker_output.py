"""What a worker writes, copied to where its launcher writes."""

import contextlib
import os
import threading
import uuid

# The last line of an output, and of no worker's.
_END = f"{uuid.uuid4().hex}\n".encode()


class WorkerOutput:
    """Copies what a worker writes, until the end of the worker is told.

    Args:
        target: stream of text, where its lines go.
        prefix: string, before each line.

    Attributes:
        pipe: int, the descriptor that the worker writes to.

    >>> import io
    >>> target = io.StringIO()
    >>> output = WorkerOutput(target, "[0] ")
    >>> _ = os.write(output.pipe, b"loss 0.3\\n")
    >>> output.end()
    >>> target.getvalue().rstrip()
    '[0] loss 0.3'
    """

    def __init__(self, target, prefix):
        reading, self.pipe = os.pipe()
        copied = (reading, target, prefix)
        self._reader = threading.Thread(target=_copy, args=copied)
        self._reader.start()

    def end(self):
        """Waits until all that was written before is copied."""
        # What a worker left in a session of its own may hold the pipe open.
        with contextlib.suppress(BrokenPipeError):
            os.write(self.pipe, _END)
        os.close(self.pipe)
        self._reader.join()


def _copy(pipe, target, prefix):
    """Writes the lines of a worker, until they end or nobody reads them."""
    # The target's, so that it can write the text, and writes the same bytes.
    encoding = target.encoding or "utf-8"
    with open(pipe, "rb") as stream, contextlib.suppress(BrokenPipeError):
        for line in stream:
            content = line.removesuffix(_END)
            if content:
                text = content.decode(encoding, "backslashreplace")
                # One call, so that lines of two workers stay apart.
                target.write(prefix + text.rstrip("\n") + "\n")
                target.flush()
            if content != line:
                break
