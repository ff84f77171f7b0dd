"""Real and simulated instrument series side by side: statistics and a picture.

``python -m simulators.histories.compare OUT_FOLDER`` with the environment variable
``TOMOPLAN_DATA`` pointing at the real data.
"""
