"""Alembic revisions in plain SQL; `kring migrate` runs them as the owner of the schema, never as the application."""
