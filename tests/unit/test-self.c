/* SPDX-License-Identifier: MIT */
/* test-self.c - what this process uses, compared with what it does. */

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "fixture.h"
#include "os/self.h"

START_TEST(usage_follows_what_is_done) {
    const size_t size = 64 * 1024 * 1024;
    struct sp_self_usage before, after;
    int fd;
    void *memory;

    sp_self_usage(&before);
    ck_assert_uint_eq(before.n_fds, (uint64_t)fixture_n_fds());
    ck_assert_uint_eq(before.max_fds, (uint64_t)sysconf(_SC_OPEN_MAX));
    ck_assert(before.started_s <= (double)time(NULL) + 1);
    ck_assert(before.started_s > (double)time(NULL) - 600);
    fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(memory, MAP_FAILED);
    memset(memory, 1, size);
    sp_self_usage(&after);
    ck_assert_uint_eq(after.n_fds, before.n_fds + 1);
    ck_assert_uint_ge(after.n_resident, before.n_resident + size / 2);
    ck_assert_uint_ge(after.n_virtual, before.n_virtual + size);
    ck_assert(after.cpu_s >= before.cpu_s);
    munmap(memory, size);
    close(fd);
}
END_TEST

SP_TESTS("self", usage_follows_what_is_done)
