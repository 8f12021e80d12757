"""The JSON API, mounted at /api/v1: the NL GOV API Design Rules 2.2 (see docs/sources.md), resource names in Dutch."""
