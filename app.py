"""The page: ``streamlit run app.py``, or ``simsearch app`` from any folder."""

from simsearch.panels.page import main

main()
