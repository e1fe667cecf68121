/* SPDX-License-Identifier: MIT */
/* memfd.c - memory that can be sent: memfd_create(2), F_ADD_SEALS in fcntl(2). */

#include "os/memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "os/fd.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U /* since Linux 6.3 */
#endif

#define ALL_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static int create(void) {
    int fd = memfd_create("sunpath-message", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

    if (fd < 0 && errno == EINVAL) {
        fd = memfd_create("sunpath-message", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    }
    return fd < 0 ? -errno : fd;
}

int sp_memfd_copy(int *ret_fd, const void *data, size_t size) {
    _cleanup_(sp_closep) int fd = create();
    size_t n_written = 0;

    if (fd < 0) {
        return fd;
    }
    while (n_written < size) {
        ssize_t n = write(fd, (const char *)data + n_written, size - n_written);

        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        n_written += n > 0 ? (size_t)n : 0;
    }
    *ret_fd = sp_take_fd(&fd);
    return 0;
}

int sp_memfd_fixed(int *ret_fd, size_t size) {
    _cleanup_(sp_closep) int fd = create();

    if (fd < 0) {
        return fd;
    }
    if (ftruncate(fd, (off_t)size) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW) < 0) {
        return -errno;
    }
    *ret_fd = sp_take_fd(&fd);
    return 0;
}

bool sp_memfd_is_fixed(int fd) {
    int seals = fcntl(fd, F_GET_SEALS);

    return seals >= 0 && seals & F_SEAL_SHRINK;
}

int sp_memfd_seal(int fd) {
    if (sp_memfd_is_sealed(fd)) {
        return 0;
    }
    return fcntl(fd, F_ADD_SEALS, ALL_SEALS) < 0 ? -errno : 0;
}

bool sp_memfd_is_sealed(int fd) {
    int seals = fcntl(fd, F_GET_SEALS);

    return seals >= 0 && (seals & ALL_SEALS) == ALL_SEALS;
}

int64_t sp_memfd_size(int fd) {
    struct stat stat;

    return fstat(fd, &stat) < 0 ? -errno : stat.st_size;
}

int sp_memfd_map(const void **ret, int fd, size_t size) {
    void *data;

    if (size == 0) {
        *ret = "";
        return 0;
    }
    data = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    if (data == MAP_FAILED) {
        return -errno;
    }
    *ret = data;
    return 0;
}
