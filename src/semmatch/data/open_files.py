"""How many files a process may have open at once."""

import math
import os

# Left to what else is opened meanwhile: the source, libraries.
_SPARE = 16


def check_open_files(count, who):
    """Refuses to open more shards at once than this process may.

    Args:
        count: int, the shards.
        who: str, begins the message: what opens them.

    Raises:
        ValueError: if they are too many.

    >>> check_open_files(1, "`write_records` of num_shards=1")
    """
    free = _num_free()
    if count + _SPARE > free:
        raise ValueError(
            f"{who} has {count} files open at once. Received: {free} that this "
            f"process may still open, of which {_SPARE} are left to others. "
            "Let it open more (`ulimit -n` in the shell), or write fewer "
            "shards: `write_records(..., num_shards=...)`."
        )


def _num_free():
    if os.name != "posix":
        return math.inf
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return math.inf
    return limit - len(os.listdir("/dev/fd"))
