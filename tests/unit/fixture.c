/* SPDX-License-Identifier: MIT */
/* fixture.c - what every C test stands on: a private directory, no leaked descriptors, a main(). */

#include "fixture.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char dir[512];
static bool is_cleaned;
static int n_fds_before;

int fixture_n_fds(void) {
    DIR *fds = opendir("/proc/self/fd");
    int n = -1; /* the directory's own */

    while (fds && readdir(fds)) {
        n++;
    }
    closedir(fds);
    return n - 2; /* . and .. */
}

const char *fixture_dir(void) {
    return dir;
}

const char *fixture_path(const char *name) {
    static char paths[16][4096];
    static unsigned next;
    char *path = paths[next++ % 16];

    snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
    return path;
}

bool fixture_is_cleaned(void) {
    return is_cleaned;
}

static void enter(const char *place) {
    snprintf(dir, sizeof(dir), "%s/sunpath-test-XXXXXX", place);
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(chdir(dir), 0);
    n_fds_before = fixture_n_fds();
}

static void enter_cleaned(void) {
    is_cleaned = true;
    enter("/tmp");
}

/* NULL when this user has none. */
static const char *place_not_cleaned(void) {
    return geteuid() == 0 ? "/run" : getenv("XDG_RUNTIME_DIR");
}

static void enter_not_cleaned(void) {
    is_cleaned = false;
    enter(place_not_cleaned());
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *ftw) {
    (void)stat;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void leave(void) {
    int n_fds = fixture_n_fds();

    ck_assert_int_eq(chdir("/"), 0);
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    ck_assert_msg(n_fds == n_fds_before, "the test leaked descriptors: %d before, %d after",
                  n_fds_before, n_fds);
}

static void add_group(Suite *suite, const char *name, SFun enter_there, const TTest *const *tests,
                      size_t n_tests) {
    TCase *group = tcase_create(name);

    tcase_add_checked_fixture(group, enter_there, leave);
    tcase_set_timeout(group, 120);
    for (size_t i = 0; i < n_tests; i++) {
        tcase_add_test(group, tests[i]);
    }
    suite_add_tcase(suite, group);
}

int fixture_run(const char *subject, const TTest *const *tests, size_t n_tests, bool everywhere) {
    Suite *suite = suite_create(subject);
    SRunner *runner;
    int n_failed;

    add_group(suite, subject, enter_cleaned, tests, n_tests);
    if (everywhere && place_not_cleaned()) {
        add_group(suite, "not cleaned", enter_not_cleaned, tests, n_tests);
    }
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed > 0;
}
