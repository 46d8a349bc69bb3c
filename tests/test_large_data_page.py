"""What the page on large data shows runs."""

import pytest

from semmatch.data import RecordManifest
from tests.test_docs import blocks


@pytest.mark.slow
def test_the_page_on_large_data_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {}
    exec("\n".join(blocks("docs/large_data.md", "python")), names)
    pairs, manifest = names["pairs"], names["manifest"]
    assert manifest == RecordManifest.load("train")
    assert manifest.num_pairs == len(pairs)
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].startswith(f"RecordManifest({len(pairs):,} pairs as token")
    assert int(shown[1]) == -(-len(pairs) // 64)
    order = names["dataset"].batch_order
    assert order.next_batch == 3 * order.num_batches + 5
