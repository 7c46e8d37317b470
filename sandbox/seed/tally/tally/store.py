"""The book in a JSON file."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tally.book import Book
from tally.errors import TallyError


class Store:
    """Reads and writes one file. Changes made through one store never interleave."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()

    def load(self) -> Book:
        """The book as it stands; an empty one while there is no file."""
        try:
            return Book.from_json(json.loads(self.path.read_text("utf-8")))
        except FileNotFoundError:
            return Book()
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise TallyError(f"{self.path} is not a Tally file: {error}") from error

    @contextmanager
    def change(self) -> Iterator[Book]:
        """The book, saved when the block ends well and left alone when it raises."""
        with self._lock:
            book = self.load()
            yield book
            self._save(book)

    def _save(self, book: Book) -> None:
        text = json.dumps(book.to_json(), indent=2, ensure_ascii=False)
        draft = self.path.with_name(self.path.name + ".new")
        draft.write_text(text + "\n", "utf-8")
        os.replace(draft, self.path)
