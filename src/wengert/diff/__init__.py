"""Derivatives: one file per mode, and no file here names an op.

``rules`` reads a record's differential · ``forward`` carries it along the graph · ``reverse`` runs it
backwards · ``linear`` linearizes and transposes · ``single`` one raw derivative · ``formulas`` derivatives of
formulas, simplified for reading · ``implicit`` functions given by an equation · ``numeric`` black boxes ·
``verify`` checks by evaluation.
"""
