"""``python -m wengert`` is the command line."""

from wengert.app.cli import main

main()
