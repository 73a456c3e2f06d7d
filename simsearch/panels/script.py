"""What the page's server runs for every session and every click."""

from simsearch.panels.page import main

main()
