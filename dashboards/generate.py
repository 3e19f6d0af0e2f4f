# SPDX-License-Identifier: Apache-2.0
"""Writes the dashboards: python3 dashboards/generate.py [DIRECTORY], by default beside this file."""
import json
import sys
from pathlib import Path

import agent
import overview
import prefect
import sendpost


def main(directory: Path) -> None:
    for dashboard in (overview.build(), sendpost.build(), agent.build(), prefect.build()):
        (directory / f"{dashboard['uid']}.json").write_text(json.dumps(dashboard, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent)
