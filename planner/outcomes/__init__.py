"""The planner's side of the outcome tables: worlds, requests, candidate trees, rewards, reports."""
