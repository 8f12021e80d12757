"""The README's table of settings, made from `Settings` itself: `make docs` writes it, a test holds the two together."""

from pathlib import Path

from pydantic_core import PydanticUndefined

from service.settings import Settings

README = Path(__file__).parent.parent / "README.md"
START = "<!-- settings: written by `make docs` -->\n"
END = "<!-- /settings -->"


def table() -> str:
    """One row a setting: name, default, meaning."""
    rows = ["| setting | default | is |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "**required**" if field.default is PydanticUndefined else f"`{field.default}`"
        rows.append(f"| `KRING_{name.upper()}` | {'' if field.default is None else default} | {field.description} |")
    return "\n".join(rows) + "\n"


def with_table(readme: str) -> str:
    before, _, rest = readme.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}{table()}{END}{after}"


if __name__ == "__main__":
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
