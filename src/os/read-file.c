/* SPDX-License-Identifier: MIT */
/* read-file.c - a small file, such as settings, as a string. */

#include "os/read-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "os/fd.h"

ssize_t sp_read_file(char **ret, const char *path, size_t max) {
    _cleanup_(sp_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    size_t size = 0;
    ssize_t n = 1;
    char *text;

    if (fd < 0) {
        return -errno;
    }
    text = malloc(max + 2);
    if (!text) {
        return -ENOMEM;
    }
    while (n > 0 && size <= max) {
        n = read(fd, text + size, max + 1 - size);
        size += n > 0 ? (size_t)n : 0;
    }
    if (n < 0 || size > max) {
        int r = n < 0 ? -errno : -EFBIG;

        free(text);
        return r;
    }
    text[size] = '\0';
    *ret = text;
    return (ssize_t)size;
}
