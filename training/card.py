"""The card of the shipped model: which files belong together, and the name that follows from them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from guardhouse.classifier.load import CARD, NAMES, NETWORK, TOKENIZER, WORDS

FILES = (WORDS, NETWORK, NAMES, TOKENIZER)


def signature(folder: Path, version: str) -> dict[str, object]:
    """Digests of the files and the name of the model."""
    files = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES}
    together = hashlib.sha256("".join(files.values()).encode()).hexdigest()
    return {"name": f"guardhouse-{version}-{together[:8]}", "files": files}


def sign(folder: Path) -> None:
    """Write the files' present digests into the card that stands there, if one does."""
    path = folder / CARD
    if path.exists():
        card = json.loads(path.read_text("utf-8"))
        card |= signature(folder, card["name"].split("-")[1])
        path.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
        print("signed", card["name"])
