"""Word lists of libraries, read as plain files: names, places, streets, care institutions and ordinary Dutch words.

None of these libraries is imported. Faker's generators cost 65 MB and 0.4 s, deduce builds its tries for a minute and
keeps a gigabyte, pyspellchecker's dictionary takes six times the memory of the words in it; a web process would pay
that for lists alone (docs/decisions/0018). An empty list means that a library moved its files; tests watch for that.
"""

import ast
import gzip
import json
import re
from importlib.util import find_spec
from pathlib import Path

_OF_A_MUNICIPALITY = re.compile(r" \(.*\)$")
# pyspellchecker gives each word of its spelling list a frequency of 50 at least; above that it was read in subtitles,
# from which its makers left out names.
_SPELLING_FLOOR = 50


def _folder(library: str) -> Path:
    spec = find_spec(library)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"the word lists of {library}, a dependency of Kring, are not installed")
    return Path(spec.origin).parent


def faker(provider: str, *prefixes: str) -> set[str]:
    """All strings in the lists of one Faker provider whose name starts with one of `prefixes`."""
    source = _folder("faker") / "providers" / provider / "__init__.py"
    tree = ast.parse(source.read_text(encoding="utf-8"))
    lists = [node for owner in tree.body if isinstance(owner, ast.ClassDef) for node in owner.body]
    found: set[str] = set()
    for node in lists:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        named = isinstance(target, ast.Name) and target.id.startswith(prefixes)
        if named and isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            leaves = (leaf.value for leaf in ast.walk(node.value) if isinstance(leaf, ast.Constant))
            found.update(leaf for leaf in leaves if isinstance(leaf, str))
    return found


def deduce(kind: str) -> set[str]:
    """The items of one lookup list of deduce, such as `names/lst_surname`, without those that deduce itself excepts."""
    folder = _folder("deduce") / "data" / "lookup" / "src" / kind
    excepted = folder / "exceptions.txt"
    items = _lines(folder / "items.txt")
    return {_OF_A_MUNICIPALITY.sub("", item) for item in items - (_lines(excepted) if excepted.exists() else set())}


def spelling() -> tuple[set[str], set[str]]:
    """Dutch words by pyspellchecker: those read in running text, and those only spelt (names and places among them)."""
    packed = gzip.decompress((_folder("spellchecker") / "resources" / "nl.json.gz").read_bytes())
    counts: dict[str, int] = json.loads(packed)
    read = {word for word, count in counts.items() if count > _SPELLING_FLOOR}
    return read, counts.keys() - read


def _lines(path: Path) -> set[str]:
    return {line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()}
