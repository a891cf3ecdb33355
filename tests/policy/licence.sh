#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Every file of ours carries its licence in the first three lines.

set -euo pipefail
cd "$1"
find CMakeLists.txt .ci include core providers tools tests cmake docs -type f \
	\( -name '*.[ch]' -o -name '*.sh' -o -name '*.py' -o -name '*.cmake' -o -name '*.map' \
	-o -name CMakeLists.txt -o -path .ci/run \) -exec awk '
	function judge() {
		if (name == "" || licensed)
			return
		print name ": no SPDX-License-Identifier: MIT in its first three lines"
		bad = 1
	}
	FNR == 1 { judge(); name = FILENAME; licensed = 0 }
	FNR <= 3 && /SPDX-License-Identifier: MIT/ { licensed = 1 }
	END { judge(); exit bad }' {} +
