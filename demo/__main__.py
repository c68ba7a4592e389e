"""`python -m demo`: plays the story beside a running installation, which `steward demo` starts.

`show` plays it at a pace for eyes; `code` prints what the authenticators of the demonstration's officers show now.
"""

import asyncio
import sys

from demo.desk import current_code
from demo.play import main

if __name__ == "__main__":
    if sys.argv[1:] == ["code"]:
        print(current_code())
        sys.exit(0)
    sys.exit(asyncio.run(main(watched=sys.argv[1:] == ["show"])))
