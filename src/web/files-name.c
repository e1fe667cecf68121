/* SPDX-License-Identifier: MIT */
/* files-name.c - which names may be asked of the file system at all. */

#include <errno.h>
#include <string.h>

#include "web/files.h"
#include "wire/uri.h"

/* One component: not empty but at the end, and neither "." nor "..". */
static bool is_component(const char *at, size_t size, bool is_last) {
    if (size == 0) {
        return is_last; /* the name of a directory, with its slash */
    }
    return !(at[0] == '.' && (size == 1 || (size == 2 && at[1] == '.')));
}

int sp_files_check_name(const char *name) {
    if (strlen(name) >= SP_FILES_NAME_ROOM) {
        return -ENOENT;
    }
    for (const char *at = name;;) {
        size_t size = strcspn(at, "/");
        bool is_last = at[size] == '\0';

        if (!is_component(at, size, is_last)) {
            return -ENOENT;
        }
        if (is_last) {
            return 0;
        }
        at += size + 1;
    }
}

/* A slash that was sent as an escape belongs to a name, and no file's name has one. */
static bool has_encoded_slash(const char *path) {
    while ((path = strchr(path, '%'))) {
        if (path[1] == '2' && (path[2] | 0x20) == 'f') {
            return true;
        }
        path++;
    }
    return false;
}

int sp_files_decode(char *name, const char *path) {
    size_t size = strlen(path);

    if (path[0] != '/' || size > SP_FILES_NAME_ROOM || has_encoded_slash(path)) {
        return -ENOENT;
    }
    if (sp_uri_decode(name, path + 1, size - 1, SP_URI_STRICT) < 0) {
        return -EBADMSG;
    }
    return sp_files_check_name(name);
}

bool sp_files_has_dot(const char *name) {
    static const char well_known[] = ".well-known";
    const char *at = name;

    if (strncmp(at, well_known, sizeof(well_known) - 1) == 0) {
        const char *end = at + sizeof(well_known) - 1;

        at = *end == '/' || *end == '\0' ? end : at;
    }
    return *at == '.' || strstr(at, "/.") != NULL;
}
