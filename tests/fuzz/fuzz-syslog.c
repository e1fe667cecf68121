/* SPDX-License-Identifier: MIT */
/* fuzz-syslog.c - any bytes as a log message: every part lies inside of them, in order. */

#include <stdlib.h>
#include <string.h>

#include <sunpath/syslog.h>

#include "base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *bytes = malloc(size ? size : 1); /* no more, so that reading beyond is seen */
    struct sunpath_syslog_message read;
    const char *at = bytes;

    sp_assert(bytes);
    memcpy(bytes, data, size);
    sunpath_syslog_parse(&read, bytes, size);
    sp_assert(read.priority >= 0 && read.priority <= 191 && read.text.data);
    sp_assert(read.is_rfc5424 || (!read.id.data && !read.data.data));

    const struct sunpath_syslog_part parts[] = {read.time, read.host, read.ident, read.pid,
                                                read.id,   read.data, read.text};
    for (size_t i = 0; i < SP_ARRAY_SIZE(parts); i++) {
        sp_assert(parts[i].data || parts[i].size == 0);
        if (parts[i].data) {
            sp_assert(parts[i].data >= at);
            at = parts[i].data + parts[i].size;
            sp_assert(at <= bytes + size);
        }
    }
    free(bytes);
    return 0;
}
