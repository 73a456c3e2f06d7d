"""Run the command line as ``python -m simsearch``."""

from simsearch.cli import main

main()
