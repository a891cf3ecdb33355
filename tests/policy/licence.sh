#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Every file of ours carries its licence in the first three lines.

set -euo pipefail
cd "$1"
rc=0
while IFS= read -r -d '' file; do
	head -n 3 "$file" | grep -q 'SPDX-License-Identifier: MIT' && continue
	echo "$file: no SPDX-License-Identifier: MIT in its first three lines"
	rc=1
done < <(find CMakeLists.txt .ci include core providers tools tests cmake docs -type f \
	\( -name '*.[ch]' -o -name '*.sh' -o -name '*.py' -o -name '*.cmake' -o -name '*.map' \
	-o -name CMakeLists.txt -o -path .ci/run \) -print0)
exit $rc
