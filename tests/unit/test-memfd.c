/* SPDX-License-Identifier: MIT */
/* test-memfd.c - memory that can be sent: what is in it, and that nobody can change it. */

#include "os/memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fixture.h"

START_TEST(a_copy_is_sealed_once_and_for_all) {
    const void *data;
    int fd;

    ck_assert_int_eq(sp_memfd_copy(&fd, "contents", 8), 0);
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(sp_memfd_size(fd), 8);
    ck_assert(!sp_memfd_is_sealed(fd));
    ck_assert_int_eq(sp_memfd_seal(fd), 0);
    ck_assert_int_eq(sp_memfd_seal(fd), 0);
    ck_assert(sp_memfd_is_sealed(fd));
    ck_assert_int_eq(ftruncate(fd, 4), -1);
    ck_assert_int_eq(ftruncate(fd, 100), -1);
    ck_assert_int_eq((int)pwrite(fd, "x", 1, 0), -1);
    ck_assert_int_eq(sp_memfd_map(&data, fd, 8), 0);
    ck_assert_mem_eq(data, "contents", 8);
    munmap((void *)data, 8);
    close(fd);
}
END_TEST

START_TEST(what_is_mapped_to_write_or_no_memory_cannot_be_sealed) {
    void *writable;
    int fd, pipe_fds[2];

    ck_assert_int_eq(sp_memfd_copy(&fd, "contents", 8), 0);
    writable = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ck_assert_int_eq(sp_memfd_seal(fd), -EBUSY);
    munmap(writable, 8);
    close(fd);
    fd = memfd_create("unsealable", MFD_CLOEXEC);
    ck_assert_int_eq(sp_memfd_seal(fd), -EPERM);
    close(fd);
    ck_assert_int_eq(pipe(pipe_fds), 0);
    ck_assert_int_eq(sp_memfd_seal(pipe_fds[1]), -EINVAL);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    ck_assert_int_eq(sp_memfd_size(-1), -EBADF);
}
END_TEST

START_TEST(no_bytes_need_no_mapping) {
    const void *data = NULL;
    int fd;

    ck_assert_int_eq(sp_memfd_copy(&fd, NULL, 0), 0);
    ck_assert_int_eq(sp_memfd_size(fd), 0);
    ck_assert_int_eq(sp_memfd_map(&data, fd, 0), 0);
    ck_assert_ptr_nonnull(data);
    ck_assert_int_eq(sp_memfd_map(&data, -1, 8), -EBADF);
    close(fd);
}
END_TEST

START_TEST(fixed_memory_can_be_written_to_but_not_shortened) {
    int fd, other;

    ck_assert_int_eq(sp_memfd_fixed(&fd, 4096), 0);
    ck_assert(sp_memfd_is_fixed(fd));
    ck_assert(!sp_memfd_is_sealed(fd));
    ck_assert_int_eq((int)pwrite(fd, "x", 1, 0), 1);
    ck_assert_int_eq(ftruncate(fd, 0), -1);
    ck_assert_int_eq(sp_memfd_copy(&other, "x", 1), 0);
    ck_assert(!sp_memfd_is_fixed(other));
    close(fd);
    close(other);
}
END_TEST

SP_TESTS("memfd", fixed_memory_can_be_written_to_but_not_shortened,
         a_copy_is_sealed_once_and_for_all, what_is_mapped_to_write_or_no_memory_cannot_be_sealed,
         no_bytes_need_no_mapping)
