"""A JSON file that cannot be read is named."""

import pytest

from semmatch._json import read_json_object


@pytest.mark.parametrize(
    "content, message",
    [
        (b"{", "a.json is not readable as JSON: Expecting"),
        (b"\xff{}", "a.json is not readable as JSON: .*utf-8"),
        (b"[1]", "a.json must hold a JSON object. Received: a list"),
    ],
)
def test_anything_but_an_object_is_refused(tmp_path, content, message):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_json_object(path)
