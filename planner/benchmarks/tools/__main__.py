"""``python -m planner.benchmarks.tools PART… [--only JOB] [--tools TOOL…]`` measures some parts
again, or one job or some tools of them."""

import argparse

from planner.benchmarks.tools import PARTS, run

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m planner.benchmarks.tools")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"some of {', '.join(PARTS)}")
    parser.add_argument("--only", metavar="JOB", help="a job, as the table names it")
    parser.add_argument("--tools", nargs="+", default=[], metavar="TOOL",
                        help="of those that slices, axes, shifts and real have")  # fmt: skip
    given = parser.parse_args()
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    run(
        parts=[part for part in PARTS if part in given.parts] or PARTS,
        only=given.only,
        tools=given.tools,
    )
