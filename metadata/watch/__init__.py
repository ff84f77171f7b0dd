"""What people get of the early warning: lines, warnings, reports, and a plan that is held."""
