#!/usr/bin/env bash
# Whether src/model/tables is what generate.py writes from the pinned botocore. For CI; `generate.py` alone writes them.
set -euo pipefail
cd "$(dirname "$0")"
made=$(./botocore.sh)
"$made/bin/python3" generate.py --check
echo "model tables: as generated"
