# SPDX-License-Identifier: PostgreSQL
"""The Databricks side: Statement Execution API 2.0, sessions, warehouses, OAuth, result links."""
