"""From nodes to text and pictures.

A node is *read* once: its :class:`~wengert.show.forms.Form` says which operators a person would write for
it, in which order. Each dialect then *writes* forms: ``text`` (what ``str`` gives, which parses back to the
same node), ``numpy_text``, ``unicode``, ``latex``. ``letbind`` names what is used repeatedly, ``dot`` and
``svg`` draw the graph. Nothing here recurses over a graph, and nothing tests the name of an op.
"""
