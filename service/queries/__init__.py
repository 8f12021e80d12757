"""One typed async function per SQL statement: `$1` parameters in, frozen dataclasses out, the SQL whole and visible.

Row-level security keeps every statement inside the municipality of its transaction (`service.db.transaction`), so no
statement repeats that condition.
"""
