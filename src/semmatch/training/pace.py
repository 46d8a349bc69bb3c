"""How fast a training is, and how much of it is left."""

import time


class Pace:
    """Counts the pairs of a training and the seconds of its steps.

    Pauses between epochs, such as evaluations, do not count. A row of
    triplets counts as one pair; where nobody knows the pairs of a batch,
    batches are counted.

    Args:
        run: `TrainingRun`.

    Attributes:
        unit: `"pair"` or `"batch"`.
        units: `"pairs"` or `"batches"`.
        done: int, those of the training so far, also of an earlier call.
        epoch_done: int, those of this epoch, of this call alone.
        epoch_seconds: float, of the steps of this epoch.
    """

    def __init__(self, run):
        self.run = run
        self.unit = "batch" if run.order is None else "pair"
        self.units = "batches" if run.order is None else "pairs"
        self.done = self.epoch_done = 0
        self.epoch_seconds = 0.0

    @property
    def total(self):
        """int, those of the whole training, None where nobody knows."""
        if self.run.steps is None:
            return None
        return self._before(self.run.epochs * self.run.steps)

    @property
    def rate(self):
        """float, those of a second in this epoch; 0 before its first step."""
        if not self.epoch_seconds:
            return 0.0
        return self.epoch_done / self.epoch_seconds

    def begin(self, epoch):
        """Begins an epoch."""
        self._epoch, self._started = epoch, time.perf_counter()
        self.epoch_done, self.epoch_seconds = 0, 0.0
        self.done = self._at(epoch, -1)

    def step(self, batch):
        """Counts a batch; its place as Keras tells it.

        Returns:
            int, how many there are of it.
        """
        done = self._at(self._epoch, batch)
        new = done - self.done
        self.done = done
        self.epoch_done += new
        self.epoch_seconds = time.perf_counter() - self._started
        return new

    def _at(self, epoch, batch):
        """Those up to and with a batch."""
        if self.run.steps is None:
            return self.done + 1 if batch >= 0 else self.done
        if batch < 0:
            return self._before(self.run.number(epoch, 0))
        return self._before(self.run.number(epoch, batch) + 1)

    def _before(self, number):
        """Those before a batch, counted over all epochs."""
        order, start = self.run.order, self.run.start
        if order is None:
            return number
        return _rows(order, start + number) - _rows(order, start)


def _rows(order, number):
    """The rows of the data before a batch."""
    epoch, batch = divmod(number, order.num_batches)
    return epoch * order.num_rows + min(
        batch * order.batch_size, order.num_rows
    )
