# SPDX-License-Identifier: PostgreSQL
"""The sample warehouse: what its tables are, how their rows are made, where they lie on disk."""
