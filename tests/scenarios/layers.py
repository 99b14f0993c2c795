"""The layers of docs/layers.md, as files."""

from __future__ import annotations

from pathlib import Path

from tests.documents import CHECKOUT, blocks

PAGE = CHECKOUT / "docs/layers.md"


def write_layer(checkout: Path, layer: str) -> None:
    """Writes the files of a layer as the page has them."""
    for block in blocks(PAGE, "python"):
        if f"layer `{layer}`" in block.text.partition("\n")[0]:
            name = "model.py" if "class Settings" in block.text else "stack.py"
            file = checkout / "stacks/layers" / layer / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(block.text)
