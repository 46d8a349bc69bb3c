"""A folder's tokenizer and limit are read without its weights."""

import pytest

from semmatch.serving.folder_packer import read_packer
from tests.serving.graphs import config
from tests.serving.graphs import TOKENIZER
from tests.serving.graphs import write_deploy

# Presets and checkpoints are in tests/test_cli.py.


@pytest.mark.parametrize("length", [16, 40])
def test_a_deploy_folder_says_its_length(tmp_path, length):
    write_deploy(tmp_path, config(sequence_length=length))
    packer = read_packer(tmp_path)
    assert packer.sequence_length == length
    assert packer.tokenizer == TOKENIZER


def test_a_folder_that_is_none_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is none at .*nothing"):
        read_packer(tmp_path / "nothing")
