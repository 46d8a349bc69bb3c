"""The folder that an FAQ index is saved in."""

import json
from pathlib import Path

from semmatch._folders import writing_folder
from semmatch._saved_folder import check_file
from semmatch._saved_folder import file_digest
from semmatch._saved_folder import read_record
from semmatch.serving.vector_index import INDEX_FILE
from semmatch.serving.vector_index import VectorIndex

FAQ_FILE = "faq_index.json"
FORMAT_VERSION = 1


def write_faq(folder, encoder, vector_index, answers):
    """Writes texts, ids and vectors, completely or not at all.

    Args:
        folder: path.
        encoder: what `fingerprint` says of the encoder, JSON types.
        vector_index: `VectorIndex` of all phrasings.
        answers: dict from each id to its texts, by their rows.
    """
    with writing_folder(folder) as temporary:
        vector_index.save(temporary)
        record = {
            "format_version": FORMAT_VERSION,
            "encoder": encoder,
            # It lists the vectors' own files.
            "index": file_digest(temporary / INDEX_FILE),
            # No object, whose keys would all become strings.
            "answers": [
                [id, list(texts.items())] for id, texts in answers.items()
            ],
        }
        text = json.dumps(record, ensure_ascii=False)
        (temporary / FAQ_FILE).write_text(text, encoding="utf-8")


def read_faq(folder):
    """What `write_faq` was given: encoder, vector index and answers.

    Raises:
        FileNotFoundError: if it is no such folder, or a file is missing.
        ValueError: if a file is cut short or changed.
    """
    path = Path(folder) / FAQ_FILE
    types = {"encoder": dict, "index": dict, "answers": list}
    record = read_record(path, FORMAT_VERSION, types, "FAQIndex.save")
    check_file(path.with_name(INDEX_FILE), record["index"], path)
    vector_index = VectorIndex.load(folder)
    answers = {id: dict(texts) for id, texts in record["answers"]}
    rows = [row for texts in answers.values() for row in texts]
    if sorted(rows) != vector_index.rows.tolist():
        raise ValueError(
            f"{path} has {len(rows)} phrasings that are not those of the "
            f"{len(vector_index)} vectors beside it. Copy the folder again."
        )
    return record["encoder"], vector_index, answers
