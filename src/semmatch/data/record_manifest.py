"""What a folder of records holds, so that nothing of it is missed."""

import dataclasses
import json
from pathlib import Path

from semmatch._saved_folder import check_file
from semmatch._saved_folder import read_record

FORMAT_VERSION = 1
MANIFEST_FILE = "manifest.json"

_TYPES = {
    "num_pairs": int,
    "label": (dict, type(None)),
    "seed": (int, type(None)),
    "tokenizer": (str, type(None)),
    "num_skipped": int,
    "shards": list,
}
_SHARD = {"name", "num_pairs", "bytes", "sha256"}


@dataclasses.dataclass(frozen=True)
class RecordManifest:
    """What `write_records` wrote.

    Attributes:
        num_pairs: int.
        label: a dict of `dtype`, `"int64"` or `"float32"`, `minimum` and
            `maximum`; None for pairs without labels.
        seed: int, of the order in which each shard has its pairs; None for
            that of the source.
        tokenizer: string, what tells the tokenizer of stored token ids from
            others; None for stored texts.
        num_skipped: int, rows of the source that were left out.
        shards: list of dicts, a file each: `name`, `num_pairs`, `bytes` and
            `sha256`.
    """

    num_pairs: int
    label: dict | None
    seed: int | None
    tokenizer: str | None
    num_skipped: int
    shards: list

    @classmethod
    def load(cls, folder):
        """Reads the manifest of a folder and finds each of its files.

        Raises:
            FileNotFoundError: for no manifest, or a shard that is not there.
            ValueError: for another version, a shard that was cut short or
                changed, or a manifest that was.
        """
        path = Path(folder) / MANIFEST_FILE
        record = read_record(path, FORMAT_VERSION, _TYPES, "write_records")
        for shard in record["shards"]:
            if not isinstance(shard, dict) or set(shard) != _SHARD:
                raise ValueError(
                    f"{path} must give {sorted(_SHARD)} of each shard. "
                    f"Received: {shard!r}. Copy the folder again, or write it "
                    "again."
                )
            expected = {name: shard[name] for name in ("bytes", "sha256")}
            check_file(path.parent / shard["name"], expected, path)
        manifest = cls(**record)
        total = sum(shard["num_pairs"] for shard in manifest.shards)
        if total != manifest.num_pairs:
            raise ValueError(
                f"{path} has {manifest.num_pairs:,} pairs, and its shards have "
                f"{total:,}. Copy the folder again, or write it again."
            )
        return manifest

    def save(self, folder):
        """Writes `manifest.json` into a folder."""
        record = {"format_version": FORMAT_VERSION, **dataclasses.asdict(self)}
        text = json.dumps(record, indent=1)
        (Path(folder) / MANIFEST_FILE).write_text(text, encoding="utf-8")

    @property
    def bytes(self):
        """The size of all shards, int."""
        return sum(shard["bytes"] for shard in self.shards)

    def __repr__(self):
        content = "texts" if self.tokenizer is None else "token ids"
        return (
            f"RecordManifest({self.num_pairs:,} pairs as {content}, "
            f"{len(self.shards)} shards, {self.bytes:,} bytes, "
            f"{self.num_skipped:,} rows skipped)"
        )
