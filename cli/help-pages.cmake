# SPDX-License-Identifier: MIT
# Writes OUT, a C file with the text of every manual page in DIR: `sunpath help` and man(1) show the same page.
file(GLOB pages ${DIR}/*.1)
set(code "/* made from docs/man by help-pages.cmake */\n#include \"help-pages.h\"\n\nconst struct cli_page cli_pages[] = {\n")
foreach(page IN LISTS pages)
    cmake_path(GET page STEM name)
    file(READ ${page} text)
    string(REPLACE "\\" "\\\\" text "${text}")
    string(REPLACE "\"" "\\\"" text "${text}")
    string(REPLACE "\n" "\\n\"\n     \"" text "${text}")
    string(APPEND code "    {\"${name}\",\n     \"${text}\"},\n")
endforeach()
file(WRITE ${OUT} "${code}    {0, 0},\n};\n")
