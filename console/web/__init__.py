"""The Streamlit app. ``st.`` is used in here and nowhere else; what the pages show comes from ``console.view``."""
