"""One bar for a training, and a line for each epoch."""

import io
import re

import keras
import numpy as np
import pytest

from semmatch.training import ProgressBar
from semmatch.training import Resume
from tests.training import toy_training as toy


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(*callbacks, file=None, **options):
    """The lines and the states of the bar that a training wrote."""
    file = file or Terminal()
    keras.utils.set_random_seed(3)
    toy.fit(
        toy.toy_model(),
        toy.toy_data(),
        ProgressBar(file),
        *callbacks,
        **{"epochs": 2, **options},
    )
    return re.split("[\r\n]", file.getvalue())


def test_the_bar_has_all_pairs_and_the_time_that_is_left():
    states = [line for line in shown() if "pair/s" in line or "it/s" in line]
    assert states[-1].startswith("epoch 2/2: 100%")
    assert "140/140" in states[-1]
    assert re.search(r"\[\d\d:\d\d<\d\d:\d\d, .*pair/s, accuracy", states[-1])
    assert "loss 0." in states[-1]


def test_there_is_a_line_for_each_epoch():
    history = []

    class Noting(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            history.append(logs["loss"])

    lines = [line for line in shown(Noting()) if "pairs/s" in line]
    assert len(lines) == 2
    for number, (line, loss) in enumerate(
        zip(lines, history, strict=True), start=1
    ):
        expected = rf"epoch {number}/2: accuracy 0\.\d+, loss {loss:.4g}, "
        assert re.match(expected + r"[\d,.]+ pairs/s", line)


def test_figures_of_several_thresholds_are_left_out():
    class Several(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["several"] = np.array([0.25, 0.5])

    file = io.StringIO()
    model, data = toy.toy_model(), toy.toy_data()
    toy.fit(model, data, Several(), ProgressBar(file), epochs=2)
    assert file.getvalue().count("pairs/s") == 2
    assert "several" not in file.getvalue()


def test_where_there_is_no_terminal_there_are_lines_alone():
    lines = shown(file=io.StringIO())
    assert [line[:9] for line in lines] == ["epoch 1/2", "epoch 2/2", ""]


def test_a_resumed_training_shows_what_is_left(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        shown(Resume(tmp_path, 3), toy.Crash(1, 4))
    states = [line for line in shown(Resume(tmp_path, 3)) if "/140" in line]
    first = int(re.search(r"(\d+)/140", states[0])[1])
    assert first == 70 + 4 * 16
    assert "140/140" in states[-1]


@pytest.mark.parametrize("verbose", [None, 2])
def test_it_takes_the_place_of_keras_s_own(verbose, capsys):
    options = {} if verbose is None else {"verbose": verbose}
    model, file = toy.toy_model(), io.StringIO()
    from semmatch.models.fitting import guarded_fit

    guarded_fit(
        model,
        model.fit,
        toy.toy_data(),
        None,
        True,
        callbacks=[ProgressBar(file)],
        **options,
    )
    assert bool(capsys.readouterr().out) == (verbose is not None)


def test_without_a_file_it_writes_to_the_standard_error(capsys):
    model = toy.toy_model()
    toy.fit(model, toy.toy_data(), ProgressBar(), epochs=1)
    assert "pairs/s" in capsys.readouterr().err
