"""``python -m planner.benchmarks.tools PART…`` measures some parts again."""

import sys

from planner.benchmarks.tools import PARTS, run

if __name__ == "__main__":
    run(parts=[part for part in PARTS if part in sys.argv[1:]] or PARTS)
