"""Where studies, nodes, results and live runs are kept: one protocol, an SQL store and a directory store.

`protocol` says what every store does, `opening` picks one, `sql` is SQLite or PostgreSQL, `directory` is plain files
for network filesystems. SQLAlchemy and cattrs are imported when a store is opened, not before.
"""
