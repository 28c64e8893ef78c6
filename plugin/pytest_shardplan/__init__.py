"""Runs one shard of a shardplan lock inside pytest, collects the inventory and observes services.

The entry point is :mod:`pytest_shardplan.plugin`; everything else is imported when an option asks for it.
"""

__version__ = "0.1.0"
