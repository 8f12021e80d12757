"""The README's settings are the code's settings."""

from service.settings_table import README, with_table


def test_the_readme_lists_the_settings_as_they_are() -> None:
    readme = README.read_text(encoding="utf-8")
    assert readme == with_table(readme), "run `make docs`"
