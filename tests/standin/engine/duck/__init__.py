# SPDX-License-Identifier: PostgreSQL
"""DuckDB as a Databricks warehouse: translation of text, types, cells and errors."""
