"""The console: which pages there are. ``console/web/server.py`` serves it."""

from __future__ import annotations

import streamlit as st

from console.web.parts import PAGES

st.set_page_config(page_title="Shipline", page_icon="⛵", layout="wide")
st.navigation(
    {
        "Work": [PAGES["home"], PAGES["new"], PAGES["run"], PAGES["issue"], PAGES["code"]],
        "Look": [PAGES["deployments"], PAGES["audit"]],
        "Set": [PAGES["agents"], PAGES["settings"]],
    }
).run()
