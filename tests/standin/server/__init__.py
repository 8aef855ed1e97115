# SPDX-License-Identifier: PostgreSQL
"""HTTP plumbing that knows nothing of any warehouse: listen, route, break on order, count."""
