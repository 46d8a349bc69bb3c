"""A JSON file that cannot be read is named."""

import pytest

from semmatch._json import read_json_list
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


@pytest.mark.parametrize(
    "content, message",
    [
        (b"[1", "a.json is not readable as JSON: Expecting"),
        (b'{"a": [1]}', "a.json must hold a JSON array. Received: a dict"),
    ],
)
def test_anything_but_an_array_is_refused(tmp_path, content, message):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_json_list(path)


def test_values_of_files_are_given(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('["怎么", {"a": 1}]', encoding="utf-8")
    assert read_json_list(str(path)) == ["怎么", {"a": 1}]
    path.write_text('{"怎么": [1]}', encoding="utf-8")
    assert read_json_object(path) == {"怎么": [1]}
