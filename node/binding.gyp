# SPDX-License-Identifier: MIT
# What `npm install` compiles where no prebuilt addon fits. CMakeLists.txt is how the project itself is built.
{
    "target_defaults": {
        "defines": ["_GNU_SOURCE"],
        "cflags": ["-std=gnu11", "-fvisibility=hidden", "-Wall", "-Wextra"],
        "include_dirs": ["<!@(node sources.js include)"],
    },
    "targets": [
        {
            "target_name": "libsunpath",
            "type": "static_library",
            "sources": ["<!@(node sources.js library)"],
            "include_dirs": ["<!@(node sources.js private)"],
        },
        {
            "target_name": "sunpath",
            "dependencies": ["libsunpath"],
            "sources": ["<!@(node sources.js addon)"],
            "defines": ["NAPI_VERSION=8"],
            "ldflags": ["-Wl,--version-script=<(module_root_dir)/src/addon.map"],
        },
    ],
}
